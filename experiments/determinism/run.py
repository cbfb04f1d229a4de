"""Which choices leave every bit of a result as it is, and how far do the others move it?

python -m experiments.determinism.run            # baskets of a shop, some minutes on 2 cores
python -m experiments.determinism.run --smoke    # generated baskets, a minute

Every cell is a fresh process, and the first is run twice: cores, files that the lines are spread over, bytes that are
read at once, the form of hyperedges, and whether the table is in memory or in files. The first cell of each form is
what the others of that form are compared with; the two forms are compared by the Gram matrix of 1,000 rows.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from experiments.record import arguments, table, write

ROOT = Path(__file__).resolve().parents[2]
CORES, FILES, CHUNKS, FORMS, WHERE = (1, 2), (1, 3), (1 << 23, 10_007), ("clique", "factored"), ("memory", "files")
ROWS = 1000


def main() -> None:
    args = arguments(__file__, __doc__)
    with TemporaryDirectory() as folder:
        write(args.output, lines(Path(folder), args.smoke))


Cell = tuple[str, str, int, int, int]  # form, where, files, bytes at once, cores
CELLS: list[Cell] = [
    (FORMS[0], WHERE[0], FILES[0], CHUNKS[0], CORES[0]), *product(FORMS, WHERE, FILES, CHUNKS, CORES)
]  # fmt: skip
FEW: list[Cell] = [  # one that differs in everything from the first of its form, in memory and in files
    (FORMS[0], WHERE[0], FILES[0], CHUNKS[0], CORES[0]),
    (FORMS[0], WHERE[1], FILES[1], CHUNKS[1], CORES[1]),
    (FORMS[1], WHERE[0], FILES[1], CHUNKS[1], CORES[1]),
    (FORMS[1], WHERE[1], FILES[0], CHUNKS[0], CORES[0]),
]


def lines(folder: Path, smoke: bool, cells: Sequence[Cell] = CELLS) -> Iterator[dict[str, Any]]:
    """A line for each cell, and one for the two forms."""
    baskets, dim = (generated(), 32) if smoke else (bought(), 128)
    files = {count: parts(folder, baskets, count) for count in FILES}
    first: dict[str, np.ndarray] = {}
    names: np.ndarray | None = None
    for form, where, count, chunk, cores in cells:
        ids, vectors = embedded(folder, cores, chunk, form, where, dim, files[count])
        names = ids if names is None else names
        same = first.setdefault(form, vectors)
        alike = bool((names == ids).all()) and same.tobytes() == vectors.tobytes()
        yield {
            "kind": "cell", "cores": cores, "files": count, "chunk": chunk, "form": form, "where": where,
            "dim": dim, "entities": len(vectors), "bits": alike,
            "difference": float(np.abs(same - vectors).max()),
        }  # fmt: skip
    grams = [rows @ rows.T for rows in (first[form][:ROWS].astype(np.float64) for form in FORMS)]
    apart = float(np.linalg.norm(grams[0] - grams[1]) / np.linalg.norm(grams[0]))
    yield {"kind": "forms", "difference": apart}


def generated() -> list[str]:
    """40,000 baskets of 9,000 items."""
    rng = np.random.default_rng(1)
    return [" ".join(f"item{i}" for i in row[: 1 + row[0] % 6]) for row in rng.integers(0, 9000, (40_000, 6))]


def bought() -> list[str]:
    """Those of a supermarket."""
    basket, item = table("retail-fimi", "hyperedges.tsv.gz").T
    starts = np.flatnonzero(np.r_[True, basket[1:] != basket[:-1]])
    return [" ".join(some) for some in np.split(item, starts[1:])]


def parts(folder: Path, baskets: list[str], count: int) -> list[str]:
    """The lines in so many files."""
    paths = []
    for number, some in enumerate(np.array_split(np.array(baskets, object), count)):
        path = folder / f"part{number}-of-{count}.txt"
        path.write_text("\n".join(some) + "\n")
        paths.append(str(path))
    return paths


def embedded(
    folder: Path, cores: int, chunk: int, form: str, where: str, dim: int, files: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """The ids and vectors that a fresh process makes."""
    output = folder / "vectors.npz"
    settings = [str(value) for value in (cores, chunk, form, where, dim, 10, output)]
    subprocess.run([sys.executable, "-m", "experiments.determinism.worker", *settings, *files], check=True, cwd=ROOT)
    found = np.load(output)
    return found["ids"], found["vectors"]


if __name__ == "__main__":
    main()
