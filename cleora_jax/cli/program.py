"""The program: its commands, what comes before and after each, and how it ends."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from functools import partial
from typing import NoReturn

from cleora_jax._checks import InputError, NotFoundError, OptionError
from cleora_jax._version import __version__
from cleora_jax.cli.commands import COMMANDS, Command
from cleora_jax.cli.messages import as_options, complain, show_json, show_warning
from cleora_jax.cli.options import common_arguments, limit_threads

OK, FAILED, WRONG_INPUT = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 done; 2 wrong arguments or input, or interrupted (a message says what to do); 1 anything else.
    """
    args = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing unfinished is left behind
    with warnings.catch_warnings():
        warnings.showwarning = partial(show_warning, vars(args))
        code = FAILED
        try:
            code = _run(args)
        finally:
            if code != OK and getattr(args, "coordinator", None) is not None:
                _leave(code)
    return code


def _leave(code: int) -> NoReturn:
    """End as one of several processes."""
    from cleora_jax.cleora.processes import leave

    if sys.exc_info()[0] is not None:
        traceback.print_exc()
    leave(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cleora-jax",
        description="Embeddings of graphs and hypergraphs: interaction files in, vectors and neighbours out.",
    )
    parser.add_argument("--version", action="version", version=f"cleora-jax {__version__}")
    commands = parser.add_subparsers(metavar="command", required=True)
    for name, command in COMMANDS.items():
        one = commands.add_parser(name, help=command.HELP)
        command.arguments(one)
        common_arguments(one)
        one.set_defaults(command=command, parser=one)
    return parser


def _run(args: argparse.Namespace) -> int:
    try:
        if args.threads is not None:
            limit_threads(args.threads)
        command: Command = args.command
        answer = command.run(args)
        if args.json:
            show_json(answer)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more to flush into the pipe
        return OK
    except (
        InputError, OptionError, NotFoundError, FileNotFoundError, IsADirectoryError, NotADirectoryError,
    ) as error:  # fmt: skip
        return _fail(as_options(vars(args), str(error)))
    except OSError as error:  # a full or failing disk
        return _fail(str(error), FAILED)
    except KeyboardInterrupt:
        return _fail(f"interrupted; no unfinished file was left. {_what_now(args)}")
    except MemoryError as error:
        told = as_options(vars(args), str(error))
        return _fail(told or "not enough memory: use a smaller --dim.", FAILED)
    return OK


def _what_now(args: argparse.Namespace) -> str:
    """What is left of a run that was interrupted, and how it goes on."""
    if getattr(args, "checkpoint", None) is not None:
        return "Run the command again with --resume: it goes on from the state in --checkpoint, where there is one."
    if args.command is COMMANDS["benchmark"]:
        return "Run the command again: what was recorded is kept."
    return "Nothing of the run was kept."


def _fail(message: str, code: int = WRONG_INPUT) -> int:
    complain(message)
    return code
