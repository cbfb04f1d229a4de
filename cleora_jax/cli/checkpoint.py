"""Where `embed` keeps the state of a run."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from cleora_jax._checks import OptionError
from cleora_jax.cli.options import refuse

if TYPE_CHECKING:
    from cleora_jax import Checkpoint


def checkpoint_arguments(parser: argparse.ArgumentParser) -> None:
    """`--checkpoint`, `--checkpoint-every` and `--resume`."""
    group = parser.add_argument_group("checkpoints", "(of Cleora; removed once the output is written)")
    group.add_argument("--checkpoint", metavar="DIR", help="keep the state of the run in this folder")
    group.add_argument(
        "--checkpoint-every", type=_interval, metavar="K", help="steps, or minutes as in 10m (default: 5 steps)"
    )
    group.add_argument("--resume", action="store_true", help="go on from the state in that folder, where there is one")


def checkpoint_of(args: argparse.Namespace) -> Checkpoint | None:
    """The checkpoint, of the options that were given."""
    from cleora_jax import Checkpoint

    if args.checkpoint is None:
        refuse(args, ["checkpoint_every", "resume"], "needs `--checkpoint`, the folder of the state.")
        return None
    if args.save_model is not None:
        raise OptionError("`--checkpoint` does not go with `--save-model`, which needs the last two steps.")
    return Checkpoint(args.checkpoint, **(args.checkpoint_every or {}), resume=args.resume)


def _interval(text: str) -> dict[str, Any]:
    try:
        return {"minutes": float(text[:-1])} if text.endswith("m") else {"every": int(text)}
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be steps as 5, or minutes as 10m; got {text!r}") from None
