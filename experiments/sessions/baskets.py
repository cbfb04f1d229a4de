"""What is in the next basket? What the user took most often, and EMDE without training, on tafeng-nbr.

python -m experiments.sessions.baskets
python -m experiments.sessions.baskets --smoke        # generated, in seconds

Settings are chosen by NDCG@10 on each user's last training basket, foretold from those before it; the test basket is
looked at once. All users are judged, and all items ranked: those bought before, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

import cleora_jax as cj
from cleora_jax._memory import peak_bytes
from cleora_jax.evaluate.ranking import ranking_metrics
from cleora_jax.graph.hyperedges import Incidence
from cleora_jax.recommend.emde.coder import DLSH, codes_of, fit_coder, random_codes
from cleora_jax.recommend.sessions.graphs import history_graph
from cleora_jax.recommend.sessions.histories import Histories, basket_histories
from cleora_jax.recommend.sessions.popularity import SessionPopularity
from cleora_jax.recommend.sessions.ranking import Scorer, top_lists
from cleora_jax.recommend.sessions.sketched import Matching
from experiments.record import arguments, data_folder, write

SOURCE, WIDTH, KS = "tafeng-nbr", 128, (10, 20)


@dataclass
class Part:
    """Baskets of users, what came next for each, and vectors of the items by their baskets."""

    name: str
    users: Histories
    relevant: sp.csr_array
    vectors: np.ndarray

    @property
    def num_items(self) -> int:
        return len(self.vectors)


Way = tuple[str, dict[str, Any], Callable[[Part], Scorer]]


def main() -> None:
    args = arguments(__file__, __doc__)
    output: Path = args.output
    write(output.with_name("baskets.jsonl") if output.name == "results.jsonl" else output, lines(args.smoke))


def lines(smoke: bool) -> Iterator[dict[str, Any]]:
    """Every setting on validation; of each method the best, on test."""
    validation, test = parts(smoke)
    about = {"source": "generated" if smoke else SOURCE, "users": len(test.users), "items": test.num_items}
    for ways in (popularity(), matching()):
        found = []
        for way in ways:
            found.append(line_of(way, validation))
            yield about | {"kind": "tuning"} | found[-1]
        best = max(range(len(ways)), key=lambda at: found[at]["ndcg@10"])
        yield about | {"kind": "test", "of": len(ways)} | line_of(ways[best], test)


def line_of(way: Way, part: Part) -> dict[str, Any]:
    """Fitted, and its lists judged."""
    method, settings, fit = way
    start = time.perf_counter()
    lists = top_lists(fit(part), part.users, part.num_items, max(KS))
    seconds = time.perf_counter() - start
    about = {"method": method, "settings": settings, "part": part.name, "seconds": seconds}
    return about | ranking_metrics(lists, part.relevant, KS) | {"peak_so_far": peak_bytes()}


def popularity() -> list[Way]:
    methods = (SessionPopularity(personal_weight=0), *(SessionPopularity(decay) for decay in (0.6, 0.8, 0.9, 1.0)))
    return [("popularity", asdict(method), lambda part, m=method: m(part.users, part.num_items)) for method in methods]


def matching() -> list[Way]:
    base = Matching(decay=0.9)
    hows = (base, replace(base, decay=1.0), replace(base, decay=0.7), replace(base, epsilon=0.01),
            replace(base, prior=4.0), replace(base, prior=16.0), replace(base, prior=0, mass=0))  # fmt: skip
    return [
        ("EMDE, no training", {"random": random, "matching": asdict(how)}, partial(matched, how=how, random=random))
        for random in (8, 48)
        for how in hows
    ]


def matched(part: Part, how: Matching, random: int) -> Scorer:
    """Codes of depth 64, so many of them random."""
    method = DLSH(64 - random, WIDTH, "median")
    codes = codes_of(fit_coder(part.vectors, method), part.vectors)
    named = random_codes(part.num_items, DLSH(random, WIDTH, seed=1))
    return how(part.users, np.concatenate([codes, named], axis=1), WIDTH)


def parts(smoke: bool) -> tuple[Part, Part]:
    """Validation and test."""
    if smoke:
        owner = np.repeat(np.arange(60), 5)
        rng = np.random.default_rng(0)
        member = ((np.repeat(owner, 3) * 7 + rng.integers(0, 9, 900)) % 80).astype(np.int32)
        baskets = Incidence(np.arange(0, 901, 3), member)
        vocab, last = cj.Vocab.of([f"i{row}" for row in range(80)], "item"), np.arange(4, 300, 5)
        owner, baskets, after = np.delete(owner, last), baskets.without(last), baskets.take(last)
    else:
        data = cj.load_dataset(SOURCE, data_folder())
        assert data.sessions is not None
        train, test, vocab = data.sessions.train, data.sessions.test, data.graph.vocab
        owner, baskets, after = train.owner, train.items, test.items
        assert np.array_equal(np.unique(owner), test.owner)  # one next basket for each user, in their order
    last = np.flatnonzero(np.append(owner[1:] != owner[:-1], True))
    last = last[np.bincount(np.unique(owner, return_inverse=True)[1]) > 1]  # who has a basket before it
    early = Histories.of(baskets.without(last))
    kept = np.isin(np.delete(owner, last), owner[last])
    rest = early.incidence().take(np.flatnonzero(kept))
    users = basket_histories(np.delete(owner, last)[kept], rest)
    return (
        part_of("validation", users, baskets.take(last), early, vocab),
        part_of("test", basket_histories(owner, baskets), after, Histories.of(baskets), vocab),
    )


def part_of(name: str, users: Histories, after: Incidence, baskets: Histories, vocab: cj.Vocab) -> Part:
    """Items are embedded by the baskets that may be known."""
    vectors = cj.embed(history_graph(baskets, vocab), cj.Cleora(num_iterations=4)).vectors
    return Part(name, users, Histories.of(after).weights(len(vocab)), vectors)


if __name__ == "__main__":
    main()
