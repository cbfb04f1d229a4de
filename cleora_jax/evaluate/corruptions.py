"""Ranks of true links among corrupted ones: one end is replaced by candidates that all scorers share."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.evaluate.links import ranks
from cleora_jax.evaluate.scorers import Scorer
from cleora_jax.evaluate.splits import EdgeSplit

Draw = Literal["uniform", "weighted"]
DRAWS: tuple[Draw, ...] = ("uniform", "weighted")
ENDS = (0, 1)
BLOCK = 256  # links that share their candidates


class Block(NamedTuple):
    """Some links, one end of which is replaced.

    Args:
        pairs: int64[b, 2].
        end: which is replaced, 0 or 1.
        candidates: int64[c], in its place.
        ignore: bool[b, c], candidates that make a known link or a self-pair.
    """

    pairs: np.ndarray
    end: int
    candidates: np.ndarray
    ignore: np.ndarray


class Corruptions:
    """Candidates for both ends of links; drawn anew for every 256 links, the same for every scorer.

    Candidates are of the column of the end that they replace and, where uniform, distinct entities that have a link;
    where weighted, drawn with repetition in proportion to their training degree (of a source its out-degree). Links of
    the full graph do not compete: the ranking is filtered. Kept whole: 4 bytes for each link and candidate.

    Args:
        split: what is known.
        pairs: int64[m, 2], the links to rank.
        count: candidates of each.
        seed: draws them.
    """

    def __init__(self, split: EdgeSplit, pairs: np.ndarray, count: int, seed: int) -> None:
        self.split, self.count, self.seed = split, count, seed
        self._blocks = {draw: list(self._made(pairs, draw)) for draw in DRAWS}
        if not all(self.ranked.values()):
            raise checks.OptionError("`split`: every candidate makes a known link, so no test link can be ranked.")

    @property
    def ranked(self) -> dict[str, int]:
        """How many links have a rank, counted for each end: all that have a candidate which makes no known link."""
        return {draw: sum(len(block.pairs) for block in blocks) for draw, blocks in self._blocks.items()}

    def ranks(self, scorer: Scorer, draw: Draw) -> np.ndarray:
        """float64[·]: ranks of the links among the corruptions of either end."""
        return np.concatenate(
            [ranks(scorer.pairs(*block.pairs.T), _scores(scorer, block), block.ignore) for block in self._blocks[draw]]
        )

    def _made(self, pairs: np.ndarray, draw: Draw) -> Iterator[Block]:
        """Blocks of both ends of all links, those of one column together."""
        column = self.split.graph.vocab.column_of
        for end in ENDS:
            of_end = column[pairs[:, end]]
            for code in np.unique(of_end):
                places = np.flatnonzero(of_end == code)
                for start in range(0, len(places), BLOCK):
                    rng = np.random.default_rng([self.seed, DRAWS.index(draw), end, int(code), start])
                    some = pairs[places[start : start + BLOCK]]
                    candidates = self._drawn(rng, draw, end, column == code)
                    ignore = self._ignored(some, end, candidates)
                    kept = ~ignore.all(axis=1)
                    if kept.any():
                        yield Block(some[kept], end, candidates, ignore[kept])

    def _drawn(self, rng: np.random.Generator, draw: Draw, end: int, allowed: np.ndarray) -> np.ndarray:
        if draw == "uniform":
            return rng.permutation(np.flatnonzero(allowed & self._linked))[: self.count]
        weight = np.cumsum(np.where(allowed, self._degree[end], 0))
        if not weight[-1]:  # no entity of the column has a link in training
            return np.zeros(0, np.int64)
        return np.searchsorted(weight, rng.integers(weight[-1], size=self.count), side="right")

    def _ignored(self, pairs: np.ndarray, end: int, candidates: np.ndarray) -> np.ndarray:
        anchor = pairs[:, 1 - end]
        known: np.ndarray = self._known[end][anchor][:, candidates].toarray()
        return known | (anchor[:, None] == candidates)

    @cached_property
    def _known(self) -> tuple[sp.csr_array, sp.csr_array]:
        """For each end that is replaced, the links of the other."""
        return sp.csr_array(self.split.known.T.tocsr()), self.split.known

    @cached_property
    def _linked(self) -> np.ndarray:
        linked = np.zeros(self.split.known.shape[0], bool)
        linked[np.concatenate(self.split.known.nonzero())] = True
        return linked

    @cached_property
    def _degree(self) -> list[np.ndarray]:
        """int64[n]: training degrees, of sources and of targets."""
        train, count = self.split.train, len(self._linked)
        if not self.split.directed:
            return [np.bincount(train.ravel(), minlength=count)] * 2
        return [np.bincount(train[:, end], minlength=count) for end in ENDS]


def _scores(scorer: Scorer, block: Block) -> np.ndarray:
    """float64[b, c], of the links with one end replaced."""
    if block.end == 1:
        return scorer.grid(block.pairs[:, 0], block.candidates)
    return scorer.grid(block.candidates, block.pairs[:, 1]).T
