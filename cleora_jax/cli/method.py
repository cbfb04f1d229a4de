"""The method of embedding, of its options. Those not given are left to the method, whose defaults hold."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from cleora_jax._checks import OptionError, listed
from cleora_jax.cli.features import FEATURE_OPTIONS, feature_arguments
from cleora_jax.cli.messages import say
from cleora_jax.cli.options import built, setting_argument

if TYPE_CHECKING:
    from cleora_jax import Graph
    from cleora_jax.cleora import Method

DEFAULT_SCALES = (10, 20, 30, 40)
SETTINGS = (
    "dim", "iterations", "propagation", "normalization", "whiten", "whiten_alpha", "whiten_rank", "residual_weight",
    "init", "seed", "form", "hyperedge_trim_n", "tolerance", "scales", "attention_temperature", "metapath", "storage",
)  # options that are fields of the method  # fmt: skip
FIELDS = {"iterations": "num_iterations"}  # of options that have another name
METHOD_OPTIONS = ("algorithm", "set", *SETTINGS, *FEATURE_OPTIONS)


def method_arguments(parser: argparse.ArgumentParser) -> None:
    """`--algorithm`, its settings, and what it starts from."""
    group = parser.add_argument_group(
        "method", "(defaults are those of Cleora; other methods take --dim, --seed and --set)"
    )
    group.add_argument(
        "--algorithm", default="cleora", metavar="NAME", help="see `cleora-jax methods` (default: cleora)"
    )
    setting_argument(group, "a setting of the method, e.g. --algorithm netmf --set window=5 --set rank=256")
    _step_arguments(group)
    _mode_arguments(group)
    feature_arguments(group)


def _step_arguments(group: argparse._ArgumentGroup) -> None:
    """What one step does, and how many there are."""
    group.add_argument("--dim", "-d", type=int, help="columns of the vectors (default: 256; 128 for other methods)")
    group.add_argument("--iterations", "-n", type=int, help="steps (default: 40)")
    group.add_argument(
        "--propagation", choices=("left", "symmetric", "directed", "directed-in", "directed-both"),
        help="the Markov matrix (default: left)",
    )  # fmt: skip
    group.add_argument("--normalization", choices=("l2", "l1", "none"), help="of rows (default: l2)")
    group.add_argument(
        "--whiten", type=lambda text: int(text) if text.isdecimal() else text,
        help="every, last, off, or a number k of steps (default: every)",
    )  # fmt: skip
    group.add_argument("--whiten-alpha", type=float, help="softness in [0, 1] (default: 1)")
    group.add_argument("--whiten-rank", type=int, help="directions kept (default: entities / 16, at most dim)")
    group.add_argument("--residual-weight", type=float, help="in [0, 1) (default: 0)")
    group.add_argument("--init", choices=("hash", "pycleora"), help="first vectors (default: hash)")
    group.add_argument("--seed", type=int, help="of the first vectors (default: 0)")
    group.add_argument("--form", choices=("auto", "clique", "factored"), help=argparse.SUPPRESS)
    group.add_argument(
        "--hyperedge-trim-n", type=int, metavar="N",
        help="of larger hyperedges, keep only pairs with one of their N most frequent entities (default: all)",
    )  # fmt: skip
    group.add_argument(
        "--storage", choices=("float32", "float16", "bfloat16"), help="of the table between passes (default: float32)"
    )
    group.add_argument("--tolerance", type=float, help="stop when the column space moves by at most this")


def _mode_arguments(group: argparse._ArgumentGroup) -> None:
    """Steps of another kind."""
    group.add_argument(
        "--scales", type=_depths, nargs="?", const=DEFAULT_SCALES, metavar="DEPTHS",
        help="vectors of several depths side by side (given without DEPTHS: 10,20,30,40)",
    )  # fmt: skip
    group.add_argument(
        "--attention-temperature", type=float, metavar="T",
        help="weigh neighbours by exp(cosine / T) of the vectors at each step (default: do not)",
    )  # fmt: skip
    group.add_argument(
        "--metapath", type=lambda text: tuple(text.split(",")), metavar="RELATIONS",
        help="walk these relations in turn and back, e.g. user-item,item-shop; '~' goes against one",
    )  # fmt: skip


def _depths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"depths are whole numbers with commas, as 10,20,30; got {text!r}") from None


def method_of(args: argparse.Namespace) -> Method:
    """The method, of the options that were given."""
    from cleora_jax import METHODS, method_named

    if args.algorithm not in METHODS:
        raise OptionError(f"`--algorithm` must be one of {', '.join(METHODS)}, got {args.algorithm!r}.")
    given = {FIELDS.get(name, name): getattr(args, name) for name in SETTINGS if getattr(args, name) is not None}
    return built(method_named, args.algorithm, given | dict(args.set))


def say_joint(args: argparse.Namespace, graph: Graph, method: Method, hint: str = "") -> None:
    """Say that several relations are added up, unless the method walks them in turn."""
    if len(graph.relations) > 1 and not getattr(method, "metapath", ()):
        names = listed(relation.name for relation in graph.relations)
        say(args, f"several relations ({names}) added up{hint}")
