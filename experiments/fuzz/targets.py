"""What is fuzzed: for each target valid inputs to begin with, and what is done with any input."""

from __future__ import annotations

import gzip
import io
import os
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import cleora_jax as cj

EXPECTED = (cj.InputError, cj.OptionError, cj.NotFoundError, FileNotFoundError)  # a refusal with a reason
SPECS = (
    "user item", "complex::product", "user complex::item", "complex::reflexive::product", "transient::user item",
    "a ~ b", "user complex::reflexive::item shop",
)  # fmt: skip
LINES = (
    b"a b\nb c\n", b"a\tx y\nb\ty\n", b'"a ""q""",b,2\nc,d,1e3\n', b"1,2,2.5\r\n3,4,nan\r\n",
    b'{"user": "u", "item": ["a", "b"]}\n', "\u00e9 \U0001f600\n\n# c\n".encode(),
)  # fmt: skip


class Target(NamedTuple):
    """A door of the library.

    Args:
        seeds: valid inputs.
        run: takes any bytes; may raise only EXPECTED.
    """

    seeds: Callable[[], list[bytes]]
    run: Callable[[bytes], Any]


def _scratch(suffix: str) -> Path:
    folder = "/dev/shm" if os.path.isdir("/dev/shm") else None
    return Path(tempfile.gettempdir() if folder is None else folder) / f"cleora-jax-fuzz-{os.getpid()}{suffix}"


def _loaded(suffix: str, load: Callable[[Path], Any]) -> Callable[[bytes], Any]:
    """Put bytes into a file, and load it."""
    path = _scratch(suffix)

    def run(content: bytes) -> Any:
        path.write_bytes(content)
        try:
            return load(path)
        finally:
            path.unlink(missing_ok=True)

    return run


def _saved(*things: Any, suffix: str = ".npz") -> Callable[[], list[bytes]]:
    """Files of things that can save themselves, or are graphs."""

    def seeds() -> list[bytes]:
        path, found = _scratch(suffix), []
        for make in things:
            thing = make()
            cj.save_graph(thing, path) if isinstance(thing, cj.Graph) else thing.save(path)
            found.append(path.read_bytes())
            path.unlink()
        return found

    return seeds


def _within(seeds: Callable[[], list[bytes]], load: Callable[[Path], Any]) -> Target:
    """One array of an archive is changed, and packed with the checksum it then has: damage that the zip does not find.

    The first byte says which archive, the second which array of it, the rest is what the array's file holds.
    """

    @cache
    def archives() -> list[dict[str, bytes]]:
        return [_unpacked(archive) for archive in seeds()]

    def pieces() -> list[bytes]:
        return [
            bytes((which, member)) + content
            for which, archive in enumerate(archives())
            for member, content in enumerate(archive.values())
        ]

    def packed(content: bytes) -> bytes:
        which, member = (*content[:2], 0, 0)[:2]
        archive = archives()[which % len(archives())]
        changed = list(archive)[member % len(archive)]
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as file:
            for name, kept in archive.items():
                file.writestr(name, content[2:] if name == changed else kept)
        return stream.getvalue()

    loaded = _loaded(".npz", load)
    return Target(pieces, lambda content: loaded(packed(content)))


def _unpacked(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return {name: file.read(name) for name in file.namelist()}


def _graph() -> cj.Graph:
    return cj.from_hyperedges(["a b", "b c", "c a d", "e f"])


def _typed() -> cj.Graph:
    return cj.from_hyperedges(["a\tx y", "b\ty z"], "user complex::item")


def _vectors() -> cj.Embedding:
    return cj.Embedding(np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32), _graph().vocab, {"dim": 4})


def _read(options: dict[str, Any]) -> Callable[[Path], Any]:
    """Read text; every line must be told of, and what was read must hold together."""

    def load(path: Path) -> None:
        content = path.read_bytes()
        graph = cj.read(path, on_bad_line="skip", **options)
        report = graph.report
        text = content.removeprefix(b"\xef\xbb\xbf")
        lines = text.count(b"\n") + (not text.endswith(b"\n"))
        if options.get("format") in ("space", "tsv"):
            assert report.lines == lines, f"{report.lines} of {lines} lines are told of"
        told = report.blank_lines + report.header_lines + report.comment_lines + report.bad_lines
        assert told <= report.lines
        counts = graph.counts()
        assert counts.shape == (graph.num_entities,) * 2 and np.isfinite(counts.data).all()

    return load


def _fitted() -> Any:
    return cj.fit(_graph(), cj.Cleora(dim=2, num_iterations=2, whiten_rank=2))


def _checkpoint(path: Path) -> Any:
    from cleora_jax.cleora.checkpoint import KIND, unpacked
    from cleora_jax.graph.archive import believed, read_archive

    header, arrays = read_archive(path, KIND)
    with believed(str(path), KIND):
        return unpacked(header, arrays)


def _state() -> list[bytes]:
    from cleora_jax.cleora.checkpoint import STATE

    with tempfile.TemporaryDirectory() as folder:
        cj.embed(_graph(), cj.Cleora(dim=2, num_iterations=2, whiten_rank=2), checkpoint=cj.Checkpoint(folder))
        return [(Path(folder) / STATE).read_bytes()]


def _recommenders() -> list[bytes]:
    from cleora_jax.recommend import RECOMMENDERS, fit_recommender, interactions, recommender_named

    train = interactions([(f"u{user}", f"i{(user * step) % 7}") for user in range(6) for step in (1, 2, 3)])
    more: dict[str, dict[str, Any]] = {"gf-cf": {"rank": 2}, "bspm": {"rank": 2}, "emde": {"depth": 2}}
    more |= {"cleora-knn": {"dim": 4}, "cleora-filter": {"dim": 4}}
    return _saved(*(
        lambda name=name: fit_recommender(train, recommender_named(name, **more.get(name, {}))) for name in RECOMMENDERS
    ))()  # fmt: skip


def _recommender(path: Path) -> None:
    """Loaded, and asked: of what loads, a known user is given known items by finite scores, or a reason why not."""
    from cleora_jax.recommend import load_recommender

    found = load_recommender(path)
    if len(found.interactions.users):
        user = found.interactions.users[0]
        try:
            given = found.recommend(user, 3)
        except cj.NotFoundError as error:
            raise AssertionError(f"{user!r} is not known") from error
        assert all(item in found.interactions.items and np.isfinite(score) for item, score in given), given


def _spec(content: bytes) -> Any:
    return cj.parse_columns(content.decode("utf-8", "replace"))


def _codes() -> list[bytes]:
    codecs = (cj.Int8(), cj.Binary(), cj.Float16(), cj.PCA(2), cj.ProductQuantization(2, 1))
    return _saved(*(lambda codec=codec: cj.compress(_vectors(), codec) for codec in codecs))()


ARCHIVES: dict[str, tuple[Callable[[], list[bytes]], Callable[[Path], Any]]] = {
    "graphs": (_saved(_graph, _typed), cj.load_graph),
    "models": (_saved(_fitted), cj.load_fitted),
    "checkpoints": (_state, _checkpoint),
    "indexes": (_saved(lambda: cj.build_index(_vectors())), cj.load_index),
    "codes": (_codes, cj.load_compressed),
    "vectors .npz": (_saved(_vectors), cj.load_embedding),
    "recommenders": (_recommenders, _recommender),
}
TARGETS: dict[str, Target] = {
    "column specs": Target(lambda: [spec.encode() for spec in SPECS], _spec),
    "lines of words": Target(lambda: list(LINES), _loaded(".txt", _read({"format": "space"}))),
    "tsv": Target(lambda: list(LINES), _loaded(".tsv", _read({"columns": "user complex::item", "format": "tsv"}))),
    "csv": Target(lambda: list(LINES), _loaded(".csv", _read({"columns": "user item amount", "weight": "amount"}))),
    "jsonl": Target(lambda: list(LINES), _loaded(".jsonl", _read({"columns": "user complex::item"}))),
    "gzip": Target(lambda: [gzip.compress(lines) for lines in LINES], _loaded(".txt.gz", _read({}))),
    **{
        f"vectors {suffix}": Target(_saved(_vectors, suffix=suffix), _loaded(suffix, cj.load_embedding))
        for suffix in (".parquet", ".csv", ".vec", ".bin")
    },
    **{name: Target(seeds, _loaded(".npz", load)) for name, (seeds, load) in ARCHIVES.items()},
    **{f"within {name}": _within(seeds, load) for name, (seeds, load) in ARCHIVES.items()},
}
