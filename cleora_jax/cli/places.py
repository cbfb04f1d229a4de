"""Where the tables of a run are, where its state is kept, and the processes that it is shared by."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from cleora_jax._checks import OptionError
from cleora_jax.cli.options import refuse

if TYPE_CHECKING:
    from cleora_jax import Checkpoint
    from cleora_jax.cleora import Method

UNITS = "KMGT"
PROCESSES = ("processes", "process_id")
OPTIONS = {"checkpoint": "checkpoint", "spill": "spill", "coordinator": "devices"}  # by their names in `embed`


def place_arguments(parser: argparse.ArgumentParser) -> None:
    """`--checkpoint` and its kin, `--spill`, `--memory`, `--coordinator` and its kin."""
    group = parser.add_argument_group("long runs", "(of Cleora)")
    group.add_argument(
        "--checkpoint", metavar="DIR", help="keep the state of the run in this folder until the output is written"
    )
    group.add_argument(
        "--checkpoint-every", type=_interval, metavar="K", help="steps, or minutes as in 10m (default: 5 steps)"
    )
    group.add_argument("--resume", action="store_true", help="go on from the state in that folder, where there is one")
    group.add_argument("--spill", metavar="DIR", help="keep the table in this folder, not in memory")
    group.add_argument(
        "--memory", type=_bytes, metavar="SIZE",
        help="do not begin what needs more, e.g. 8G (default: than is free)",
    )  # fmt: skip
    group.add_argument("--coordinator", metavar="HOST:PORT", help="of process 0, where several embed together")
    group.add_argument("--processes", type=int, metavar="N", help="how many they are")
    group.add_argument("--process-id", type=int, metavar="I", help="which this one is, from 0, which writes the output")
    group.add_argument("--patience", type=int, metavar="SECONDS", help="wait for the others so long (default: 60)")
    group.add_argument(
        "--read-share", nargs="?", const="cut", choices=("cut", "own"), metavar="cut|own",
        help="read a part of the input each, hold and write the rows of a part: of the same files, cut (default), or "
        "of files of its own",
    )  # fmt: skip


def places_of(args: argparse.Namespace, method: Method) -> dict[str, Any]:
    """Options of `embed`, of those that were given, checked; joins the other processes where there are some."""
    from cleora_jax import Checkpoint
    from cleora_jax.cleora.places import check_names

    given = [name for name in OPTIONS if getattr(args, name) is not None]
    if given and args.save_model is not None:
        raise OptionError(f"`--{given[0]}` does not go with `--save-model`, which needs the last two steps.")
    check_names([OPTIONS[name] for name in given], method)
    if args.checkpoint is None:
        refuse(args, ["checkpoint_every", "resume"], "needs `--checkpoint`, the folder of the state.")
    if args.coordinator is None:
        refuse(args, (*PROCESSES, "patience", "read_share"), "needs `--coordinator`, where the processes meet.")
    places: dict[str, Any] = {}
    if args.checkpoint is not None:
        every = args.checkpoint_every or {}
        places["checkpoint"] = Checkpoint(args.checkpoint, **every, resume=args.resume)
        _check_folder(args, places["checkpoint"])
    if args.spill is not None:
        places["spill"] = args.spill
    if args.memory is not None:
        if args.coordinator is not None:
            raise OptionError("`--memory` does not go with `--coordinator`: what each process holds is not reckoned.")
        places["memory"] = args.memory
    if args.coordinator is not None:
        places["devices"] = _joined(args)
    return places


def _check_folder(args: argparse.Namespace, checkpoint: Checkpoint) -> None:
    """Raise OptionError, before the work, where the folder is a file, the output's, or holds a state not asked for."""
    folder = os.path.realpath(args.checkpoint)
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise OptionError(f"`--checkpoint` must be a folder, and {args.checkpoint!r} is a file.")
    if os.path.dirname(os.path.realpath(args.output)) == folder:
        raise OptionError("`--output` must not lie in the folder of `--checkpoint`.")
    if not args.resume:  # else it depends on the graph which states will be gone on from
        checkpoint.check()


def _joined(args: argparse.Namespace) -> Any:
    """The devices of all processes."""
    import jax

    from cleora_jax import join_processes

    for name in PROCESSES:
        if getattr(args, name) is None:
            raise OptionError(f"`--coordinator` needs `--{name.replace('_', '-')}`, too.")
    patience = {} if args.patience is None else {"patience": args.patience}
    join_processes(args.coordinator, args.processes, args.process_id, **patience)
    _keep_stdout()
    return jax.devices()


def _keep_stdout() -> None:
    """Standard output for the answer alone: what gloo prints there goes to standard error."""
    sys.stdout.flush()
    answers = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = os.fdopen(answers, "w")


def _interval(text: str) -> dict[str, Any]:
    try:
        return {"minutes": float(text[:-1])} if text.endswith("m") else {"every": int(text)}
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be steps as 5, or minutes as 10m; got {text!r}") from None


def _bytes(text: str) -> int:
    number, unit = text.rstrip("iBb"), 1
    if number and number[-1].upper() in UNITS:
        number, unit = number[:-1], 1024 ** (1 + UNITS.index(number[-1].upper()))
    try:
        return int(float(number) * unit)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"must be bytes, or as 512M, 8G or 1.5T; got {text!r}") from None
