"""The protocol of link prediction: vectors of the training graph, judged on links that it lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.cleora.verb import Method, embed
from cleora_jax.evaluate.arrays import opened
from cleora_jax.evaluate.corruptions import DRAWS, Corruptions
from cleora_jax.evaluate.heuristics import HEURISTICS, heuristic
from cleora_jax.evaluate.interval import text_table
from cleora_jax.evaluate.links import average_precision, hits_within, mean_reciprocal_rank, roc_auc
from cleora_jax.evaluate.scorers import SCORERS, Scorer, ScorerName, scorer
from cleora_jax.evaluate.splits import EdgeSplit, HeldOut
from cleora_jax.vectors.embedding import Embedding

NEGATIVES = ("uniform", "matched")
TABLE = {
    "auc_uniform": "AUC",
    "ap_uniform": "AP",
    "auc_matched": "AUC deg.",
    "ap_matched": "AP deg.",
    "mrr_uniform": "MRR",
    "hits10_uniform": "H@10",
    "mrr_weighted": "MRR deg.",
    "hits10_weighted": "H@10 deg.",
}


@dataclass(frozen=True)
class LinkProtocol:
    """Settings of `predict_edges`.

    Args:
        scorers: of pairs, from vectors: "dot", "cosine", "hadamard" (logistic regression on products of coordinates,
            fitted to training pairs) and "halves" (first half of the one with second half of the other, for methods
            that give an entity two vectors). The best on validation is chosen.
        heuristics: judge `HEURISTICS` of the training graph, too.
        candidates: corruptions of each end of a link that it is ranked among, drawn uniformly, and as many by degree.
        ranked: so many test links at most are ranked, drawn by `seed`.
        C: inverse weight of L2 of "hadamard".
        fit_pairs: training pairs of either kind that "hadamard" is fitted to, at most.
        seed: draws corruptions and whatever is limited above.
    """

    scorers: tuple[ScorerName, ...] = ("dot", "cosine", "hadamard")
    heuristics: bool = True
    candidates: int = 1000
    ranked: int = 10_000
    C: float = 1.0
    fit_pairs: int = 100_000
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.scorers, (tuple, list)) or not self.scorers:
            raise TypeError(f"`scorers` must be a tuple of names, got {self.scorers!r}.")
        for scorer_name in self.scorers:
            checks.one_of("scorers", scorer_name, SCORERS)
        checks.keep(self, scorers=tuple(dict.fromkeys(self.scorers)), C=checks.real("C", self.C, low=0))
        checks.keep(self, heuristics=checks.boolean("heuristics", self.heuristics))
        checks.keep_integers(self, candidates=1, ranked=1, fit_pairs=1, seed=0)
        if not self.C:
            raise checks.OptionError(f"`C` must be above 0, got {self.C}.")


@dataclass(frozen=True)
class LinkRow:
    """One scorer, judged.

    Args:
        name: of the scorer or heuristic.
        fitted: it is of the embedding; else a heuristic of the graph.
        validation: AUC against uniform and against degree-matched negatives; empty where there is no validation part.
        test: AUC and average precision against both, and of the filtered ranks among uniform and degree-weighted
            corruptions the mean reciprocal and the share of at most 10.
    """

    name: str
    fitted: bool
    validation: dict[str, float]
    test: dict[str, float]


@dataclass(frozen=True)
class LinkScores:
    """What `predict_edges` found; prints as a table, of which `records` are the lines.

    Args:
        protocol: how it was judged.
        settings: of the embedding, if it has any.
        rows: scorers of the embedding, then heuristics.
        chosen: the scorer of the embedding that is best on validation, by the mean of both AUCs.
        split_seed, directed: of the split.
        train, validation, test: numbers of links.
        ranked: how many links were ranked, counted for each end, among either kind of corruptions: not those beyond
            `LinkProtocol.ranked`, nor those to whom every candidate is linked.
        isolated_share: of the linked entities, without a link in training.
    """

    protocol: LinkProtocol
    settings: dict[str, Any]
    rows: tuple[LinkRow, ...]
    chosen: str
    split_seed: int
    directed: bool
    train: int
    validation: int
    test: int
    ranked: dict[str, int]
    isolated_share: float

    def __getitem__(self, name: str) -> dict[str, float]:
        """Test metrics of a scorer or heuristic by name."""
        found = {row.name: row.test for row in self.rows}
        checks.one_of("name", name, tuple(found))
        return found[name]

    @property
    def best(self) -> dict[str, float]:
        """Test metrics of the chosen scorer: what to report of the embedding."""
        return self[self.chosen]

    def records(self) -> list[dict[str, Any]]:
        """One flat dict for each scorer, for lines of JSON."""
        method = str(self.settings.get("method", "embedding"))
        return [
            {"method": method if row.fitted else row.name, "scorer": row.name, "chosen": row.name == self.chosen}
            | {"split_seed": self.split_seed}
            | {f"validation_{name}": value for name, value in row.validation.items()}
            | row.test
            for row in self.rows
        ]

    def as_dict(self) -> dict[str, Any]:
        """Everything, as what JSON can hold."""
        return asdict(self)

    def __str__(self) -> str:
        head = ["scorer", *TABLE.values()]
        rows = [
            [f"{row.name}{' *' if row.name == self.chosen else ''}", *(f"{row.test[name]:.4f}" for name in TABLE)]
            for row in self.rows
        ]
        counts = f"{self.train:,} training, {self.validation:,} validation, {self.test:,} test links"
        notes = ["* chosen on validation; deg.: negatives follow degrees", counts]
        return "\n".join([text_table(head, rows), *notes, f"{self.isolated_share:.1%} isolated in training"])


def predict_edges(
    split: EdgeSplit,
    embedding: Embedding | np.ndarray | Method,
    protocol: LinkProtocol | None = None,
    *,
    relations: Literal["joint"] | None = None,
) -> LinkScores:
    """How well vectors of the training graph tell held-out links from pairs without one.

    Every scorer is judged on the test part, and the one to report is chosen on the validation part. Heuristics of the
    training graph stand beside, as with uniform negatives the product of degrees alone beats many embeddings; with
    degree-matched negatives it is worth little.

    Args:
        split: see `split_edges` and `split_hyperedges`.
        embedding: a method, which is run on `split.graph`; or vectors **of `split.graph`**, an Embedding (matched by
            column and id) or float[n, d] in its order. Vectors of the full graph have seen the answers.
        protocol: default `LinkProtocol()`.
        relations: as of `embed`, for a method: "joint" where the graph has several.

    Raises:
        ValueError: several relations without `relations="joint"`, vectors that do not fit the graph or are not finite,
            or no validation part where there are several scorers to choose from.
        TypeError: another kind of argument.

    Example:
        >>> import cleora_jax as cj
        >>> rng = np.random.default_rng(0)
        >>> group = np.repeat(np.arange(8), 20)
        >>> ends = rng.integers(0, 160, (2, 3000))
        >>> graph = cj.from_edges(*ends[:, group[ends[0]] == group[ends[1]]], num_entities=160)
        >>> from cleora_jax.evaluate import split_edges
        >>> found = predict_edges(split_edges(graph), cj.Cleora(dim=8), LinkProtocol(scorers=("cosine",)))
        >>> found.chosen, found.best["auc_uniform"] > 0.8
        ('cosine', True)
        >>> [row.name for row in found.rows][1:]
        ['common neighbours', 'Adamic–Adar', 'resource allocation', 'preferential attachment']
    """
    protocol = LinkProtocol() if protocol is None else protocol
    if not isinstance(split, EdgeSplit):
        raise TypeError(f"`split` must be an EdgeSplit (see `split_edges`), got {split!r:.100}.")
    if not len(split.validation) and len(protocol.scorers) > 1:
        raise checks.OptionError("`split` has no validation links to choose among several `scorers`: name one.")
    vectors, settings = vectors_of(split, embedding, relations)
    order = np.random.default_rng([protocol.seed, 3]).permutation(len(split.test))[: protocol.ranked]
    corruptions = Corruptions(split, split.test.positive[np.sort(order)], protocol.candidates, protocol.seed)
    rows = tuple(_judged(split, corruptions, *one) for one in _contestants(split, vectors, protocol))
    own = [row for row in rows if row.fitted]
    best = np.argmax([np.mean(list(row.validation.values())) for row in own]) if len(own) > 1 else 0
    return LinkScores(
        protocol,
        settings,
        rows,
        own[int(best)].name,
        split.seed,
        split.directed,
        len(split.train),
        len(split.validation),
        len(split.test),
        corruptions.ranked,
        split.isolated_share,
    )


def _contestants(split: EdgeSplit, vectors: np.ndarray, protocol: LinkProtocol) -> Iterator[tuple[str, bool, Scorer]]:
    """Name, whether it is of the embedding, and the scorer."""
    for name in protocol.scorers:
        yield name, True, scorer(name, vectors, split, protocol.C, protocol.fit_pairs, protocol.seed)
    for other in HEURISTICS if protocol.heuristics else ():
        yield other, False, heuristic(other, split.graph)


def _judged(split: EdgeSplit, corruptions: Corruptions, name: str, fitted: bool, judge: Scorer) -> LinkRow:
    validation = against_negatives(judge, split.validation) if len(split.validation) else {}
    test = against_negatives(judge, split.test)
    for draw in DRAWS:
        ranks = corruptions.ranks(judge, draw)
        test[f"mrr_{draw}"], test[f"hits10_{draw}"] = mean_reciprocal_rank(ranks), hits_within(ranks, 10)
    auc = {name: value for name, value in validation.items() if name.startswith("auc")}
    return LinkRow(name, fitted, auc, test)


def against_negatives(judge: Scorer, held_out: HeldOut) -> dict[str, float]:
    """AUC and average precision against both kinds of negatives."""
    positive = judge.pairs(*held_out.positive.T)
    found: dict[str, float] = {}
    for kind in NEGATIVES:
        negative = judge.pairs(*getattr(held_out, kind).T)
        found |= {f"auc_{kind}": roc_auc(positive, negative), f"ap_{kind}": average_precision(positive, negative)}
    return found


def vectors_of(
    split: EdgeSplit, embedding: Any, relations: Literal["joint"] | None = None
) -> tuple[np.ndarray, dict[str, Any]]:
    """Vectors float[n, d] in the order of the graph, and settings of the embedding."""
    graph = split.graph
    if callable(embedding):
        embedding = embed(graph, embedding, relations=relations)
    vectors, vocab, settings = opened(embedding)
    if not isinstance(embedding, Embedding):
        if len(vectors) != graph.num_entities:
            raise checks.OptionError(
                f"`embedding` must have a row for each entity of the graph ({graph.num_entities}), got {len(vectors)}."
            )
        return vectors, settings
    rows = vocab.rows_of(graph.vocab)
    linked = np.unique(np.concatenate(split.known.nonzero()))
    missing = linked[rows[linked] < 0]
    if len(missing):
        raise checks.OptionError(
            f"`embedding` lacks {len(missing):,} entities that have links, the first is {graph.vocab[missing[0]]!r}."
        )
    aligned = np.zeros((len(rows), vectors.shape[1]), vectors.dtype)
    aligned[rows >= 0] = vectors[rows[rows >= 0]]
    return aligned, settings
