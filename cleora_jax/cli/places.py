"""Where the tables of a run are, where its state is kept, and the processes that it is shared by."""

from __future__ import annotations

import argparse
from typing import Any

from cleora_jax._checks import OptionError
from cleora_jax.cli.options import refuse

PROCESSES = ("processes", "process_id")


def place_arguments(parser: argparse.ArgumentParser) -> None:
    """`--checkpoint` and its kin, `--spill`, `--coordinator` and its kin."""
    group = parser.add_argument_group("long runs", "(of Cleora)")
    group.add_argument(
        "--checkpoint", metavar="DIR", help="keep the state of the run in this folder until the output is written"
    )
    group.add_argument(
        "--checkpoint-every", type=_interval, metavar="K", help="steps, or minutes as in 10m (default: 5 steps)"
    )
    group.add_argument("--resume", action="store_true", help="go on from the state in that folder, where there is one")
    group.add_argument("--spill", metavar="DIR", help="keep the table in this folder, not in memory")
    group.add_argument("--coordinator", metavar="HOST:PORT", help="of process 0, where several embed together")
    group.add_argument("--processes", type=int, metavar="N", help="how many they are")
    group.add_argument("--process-id", type=int, metavar="I", help="which this one is, from 0, which writes the output")


def places_of(args: argparse.Namespace) -> dict[str, Any]:
    """Options of `embed`, of those that were given; joins the other processes where there are some."""
    from cleora_jax import Checkpoint

    if args.checkpoint is None:
        refuse(args, ["checkpoint_every", "resume"], "needs `--checkpoint`, the folder of the state.")
    if args.coordinator is None:
        refuse(args, PROCESSES, "needs `--coordinator`, where the processes meet.")
    places: dict[str, Any] = {}
    if args.checkpoint is not None:
        every = args.checkpoint_every or {}
        places["checkpoint"] = Checkpoint(args.checkpoint, **every, resume=args.resume)
    if args.spill is not None:
        places["spill"] = args.spill
    if args.coordinator is not None:
        places["devices"] = _joined(args)
    if places and getattr(args, "save_model", None) is not None:
        raise OptionError(f"`--{next(iter(places))}` does not go with `--save-model`, which needs the last two steps.")
    return places


def _joined(args: argparse.Namespace) -> Any:
    """The devices of all processes."""
    import jax

    from cleora_jax import join_processes

    for name in PROCESSES:
        if getattr(args, name) is None:
            raise OptionError(f"`--coordinator` needs `--{name.replace('_', '-')}`, too.")
    join_processes(args.coordinator, args.processes, args.process_id)
    return jax.devices()


def _interval(text: str) -> dict[str, Any]:
    try:
        return {"minutes": float(text[:-1])} if text.endswith("m") else {"every": int(text)}
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be steps as 5, or minutes as 10m; got {text!r}") from None
