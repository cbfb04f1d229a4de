"""`cleora-jax recommend fit | for | evaluate`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cleora_jax._checks import OptionError
from cleora_jax.cli.messages import say, show
from cleora_jax.cli.options import built, common_arguments, setting_argument
from cleora_jax.cli.reading import line_arguments, say_read
from cleora_jax.cli.watching import bar, steps
from cleora_jax.cli.writing import check_not_an_input, output_argument

if TYPE_CHECKING:
    from cleora_jax.recommend import Interactions, Recommender
    from cleora_jax.recommend.method import RecommenderMethod

HELP = "recommend items: fit a recommender, ask it, judge it"
USUAL = "gf-cf"
READING = ("columns", "format", "weight", "header", "comment", "on_bad_line")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Three commands of this one."""
    parts = parser.add_subparsers(metavar="what", required=True)
    for name, (help, add, run_part) in PARTS.items():
        part = parts.add_parser(name, help=help)
        add(part)
        common_arguments(part, again=True)
        part.set_defaults(part=run_part, parser=part)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Do the one that was named."""
    answer: dict[str, Any] = args.part(args)
    return answer


def _fit_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--input", "-i", nargs="+", required=True, metavar="FILE", help="files of user and item, also .gz and .zst"
    )
    _reading_arguments(parser)
    _method_arguments(parser)
    output_argument(parser, help="where to keep the recommender; ends in .npz")


def _fit(args: argparse.Namespace) -> dict[str, Any]:
    from cleora_jax._atomic import check_target

    method = _method(args, args.algorithm)
    if Path(args.output).suffix != ".npz":
        raise OptionError(f"`--output` must end in .npz, got {args.output!r}.")
    check_target(args.output)
    check_not_an_input(args.output, args.input)
    found = _fitted(args, _read(args, args.input), method)
    found.save(args.output)
    say(args, f"{found} kept in {args.output}")
    given = found.interactions
    return {
        "output": args.output, "algorithm": args.algorithm,
        "users": len(given.users), "items": len(given.items), "pairs": len(given),
    }  # fmt: skip


def _for_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", "-m", required=True, metavar="FILE", help="what `recommend fit` wrote")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", action="append", metavar="ID", help="a known user; may be repeated")
    who.add_argument("--basket", nargs="+", metavar="ITEM", help="items of somebody unknown")
    who.add_argument("--item", metavar="ID", help="list what goes best with this item")
    parser.add_argument("--top-k", "-k", type=int, default=10, metavar="K", help="how many (default: 10)")
    parser.add_argument("--keep-seen", action="store_true", help="items that were taken may be listed, too")
    parser.add_argument("--candidates", nargs="+", metavar="ITEM", help="the only items that may be listed")


def _for(args: argparse.Namespace) -> dict[str, Any]:
    from cleora_jax.recommend import load_recommender

    _check_depths([args.top_k])
    found = load_recommender(args.model)
    if args.item is not None:
        if args.keep_seen:
            raise OptionError("`--keep-seen` does not go with `--item`: an item goes best with itself.")
        names, lists = [args.item], [found.similar_items(args.item, args.top_k, candidates=args.candidates)]
    else:
        whos: list[Any] = args.user if args.user else [args.basket]
        names = args.user if args.user else [" ".join(args.basket)]
        options = {"filter_seen": not args.keep_seen, "candidates": args.candidates}
        lists = found.recommend_each(whos, args.top_k, **options)
    for name, listed in zip(names, lists, strict=True):
        if len(names) > 1:
            show(args, name)
        for item, score in listed:
            show(args, f"{score + 0.0:10.4g}  {item}")
    return {
        name: [{"id": item, "score": _digits(score)} for item, score in listed]
        for name, listed in zip(names, lists, strict=True)
    }


def _digits(score: float) -> float:
    """A score to the digits that float32 has, however small it is; −0 is 0."""
    return float(f"{score:.7g}") + 0.0


def _check_depths(depths: list[int]) -> None:
    if min(depths) < 1:
        raise OptionError(f"`--top-k` must be at least 1, got {min(depths)}.")


def _evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--train", nargs="+", required=True, metavar="FILE", help="interactions to fit to")
    parser.add_argument("--test", nargs="+", required=True, metavar="FILE", help="interactions to be found")
    _reading_arguments(parser)
    _method_arguments(parser, several=True)
    parser.add_argument(
        "--top-k", "-k", type=int, nargs="+", default=[20], metavar="K", help="depths of the metrics (default: 20)"
    )


def _evaluate(args: argparse.Namespace) -> dict[str, Any]:
    """All metrics of each method, as "gf-cf/recall@20"; and what of the test part could not be judged."""
    from cleora_jax.recommend import evaluate_recommender

    _check_depths(args.top_k)
    names = [name.strip() for name in args.algorithm.split(",")]
    if len(names) > 1 and args.set:
        raise OptionError("`--set` is of one method: give one `--algorithm`.")
    methods = {name: _method(args, name) for name in names}
    train, test = _read(args, args.train), _read(args, args.test)
    answer: dict[str, Any] = {}
    for name, method in methods.items():
        found = _fitted(args, train, method)
        with bar(args) as progress:
            scored = evaluate_recommender(found, test, args.top_k, progress=progress)
        show(args, f"{name}\n{scored}")
        answer |= {f"{name}/{metric}": value for metric, value in scored.metrics.items()}
    counts = {name: value for name, value in scored.record().items() if name != "metrics"}
    return answer | counts


def _reading_arguments(parser: argparse.ArgumentParser) -> None:
    """How lines are read: as other commands read them, but of two columns."""
    group = parser.add_argument_group("input")
    group.add_argument(
        "--columns", "-c", default="user item", metavar="SPEC",
        help="users, items, and what is ignored, e.g. 'user item ignore::time'; 'user complex::item' for a line of a "
        "user and all items (default: %(default)s)",
    )  # fmt: skip
    group.add_argument("--weight", metavar="COLUMN", help="column of weights (default: each line counts 1)")
    line_arguments(group)


def _method_arguments(parser: argparse.ArgumentParser, several: bool = False) -> None:
    group = parser.add_argument_group("method")
    group.add_argument(
        "--algorithm", default=USUAL, metavar="NAMES" if several else "NAME",
        help=f"{'names, separated by commas' if several else 'a name'} (default: {USUAL}): {', '.join(NAMES)}",
    )  # fmt: skip
    setting_argument(group, "a setting of the method, e.g. --set rank=512")


def _method(args: argparse.Namespace, name: str) -> RecommenderMethod:
    from cleora_jax.recommend import RECOMMENDERS, recommender_named

    if name not in RECOMMENDERS:
        raise OptionError(f"`--algorithm` must be of {', '.join(RECOMMENDERS)}, got {name!r}.")
    return built(recommender_named, name, dict(args.set))


def _read(args: argparse.Namespace, paths: list[str]) -> Interactions:
    from cleora_jax.recommend import read_interactions

    with bar(args) as progress:
        ways = {name: getattr(args, name) for name in READING}
        found = read_interactions(paths, progress=progress, **ways)
    say_read(args, found, found.report)
    return found


def _fitted(args: argparse.Namespace, given: Interactions, method: RecommenderMethod) -> Recommender:
    from cleora_jax.recommend import fit_recommender

    with steps(args) as progress:
        return fit_recommender(given, method, progress=progress)


NAMES = (
    "popularity", "item-knn", "ease", "gf-cf", "bspm", "graph-filter", "cleora-knn", "cleora-filter",
    "emde",
)  # as in `RECOMMENDERS`, which is not imported for `--help`  # fmt: skip
PARTS = {
    "fit": ("fit a recommender to interactions, and keep it", _fit_arguments, _fit),
    "for": ("what to recommend to users, to a basket, or beside an item", _for_arguments, _for),
    "evaluate": ("fit to one part of the interactions, judge by another", _evaluate_arguments, _evaluate),
}
