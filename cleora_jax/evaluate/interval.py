"""Numbers of repeated runs as a mean with its interval, and rows of numbers as a table people can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student

from cleora_jax import _checks as checks
from cleora_jax.evaluate import arrays

LEVEL = 0.95


@dataclass(frozen=True)
class Summary:
    """Mean of repeated runs.

    Args:
        mean: of the values.
        std: their sample deviation (n − 1), 0 for one value.
        low, high: the interval mean ± t · std / √n of Student's t at 95 %; for one value (−∞, ∞), as nothing is known.
        count: n, how many values.
    """

    mean: float
    std: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return f"{self.mean:.4f} ± {self.std:.4f}"

    def as_dict(self) -> dict[str, float | int | None]:
        """What JSON can hold: an infinite bound is None."""
        return {name: None if not np.isfinite(value) else value for name, value in asdict(self).items()}


def summary(values: Any, level: float = LEVEL) -> Summary:
    """Mean, deviation and Student's interval of repeated runs.

    Runs over random splits of the same data share most of it, so the interval is for this data set, and narrower than
    one over new data would be (Nadeau and Bengio, 2003).

    Args:
        values: float[n], finite, at least one.
        level: of the interval, in [0, 1).

    Example:
        >>> summary([1.0, 2.0, 3.0])
        Summary(mean=2.0, std=1.0, low=-0.484..., high=4.484..., count=3)
    """
    found = arrays.scores("values", values)
    level = checks.real("level", level, low=0, high=1, open_high=True)
    count, mean = len(found), float(found.mean())
    if count == 1:
        return Summary(mean, 0.0, -np.inf, np.inf, 1)
    std = float(found.std(ddof=1))
    half = float(student.ppf((1 + level) / 2, count - 1)) * std / count**0.5
    return Summary(mean, std, mean - half, mean + half, count)


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells under their headings; the first column stands to the left, numbers to the right.

    Example:
        >>> print(text_table(["scorer", "AUC"], [["dot", "0.91"], ["cosine", "0.9"]]))
        scorer   AUC
        dot     0.91
        cosine   0.9
    """
    width = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    lines = ([row[0].ljust(width[0]), *map(str.rjust, row[1:], width[1:])] for row in [head, *rows])
    return "\n".join("  ".join(cells).rstrip() for cells in lines)
