"""New entities: old rows to the bit, new ones by the definition of the last step, updates that keep their basis."""

from __future__ import annotations

import logging
import pickle
import warnings
from dataclasses import replace

import jax
import numpy as np
import pytest

from cleora_jax import Cleora, align, embed, fit, from_edges, from_hyperedges, transform, update
from cleora_jax.cleora import inductive, streaming
from cleora_jax.cleora.start import start
from cleora_jax.graph.counts import joint_factors
from tests import dense
from tests.conftest import TOYS

RNG = np.random.default_rng(8)
GROUP = np.arange(300) // 30  # ten groups of thirty


def line(size: int = 3, among: int = 300) -> str:
    group = RNG.integers(0, among // 30)
    return " ".join(f"e{i}" for i in 30 * group + RNG.choice(30, size, replace=False))


OLD = [line() for _ in range(1400)] + [" ".join(f"e{i}" for i in RNG.choice(300, 2)) for _ in range(150)]
NEW = ["new1 e1 e2", "new1 e3", "new2 e45 new3", "new3 new2 e46", "far new1", "farther far", "lost alone"]
GRAPH, MORE = from_hyperedges(OLD), from_hyperedges(NEW)
BASE = Cleora(dim=16, num_iterations=6, whiten_rank=16)
SETTLED = Cleora(dim=9, whiten_rank=9)  # ten groups have nine directions, which forty steps find
MODES = {
    "default": {}, "symmetric": {"propagation": "symmetric", "residual_weight": 0.4}, "off": {"whiten": "off"},
    "last": {"whiten": "last"}, "third": {"whiten": 3}, "l1": {"normalization": "l1"}, "confined": {"whiten_rank": 7},
    "soft": {"whiten_alpha": 0.5}, "directed": {"propagation": "directed-in"}, "scales": {"scales": (2, 40), "num_iterations": 40},
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_fitting_is_embedding(mode):
    method = replace(BASE, **MODES[mode])
    fitted = fit(GRAPH, method)
    np.testing.assert_array_equal(fitted.embedding.vectors, embed(GRAPH, method).vectors)
    assert fitted.embedding.settings == embed(GRAPH, method).settings


@pytest.mark.parametrize("name", [name for name in TOYS if TOYS[name].relations[0].counts is None])
def test_what_is_kept_makes_the_vectors_again(name):
    """x = (normalise((1 − r) M previous + r previous) − shift) matrix, on every toy, transient entities included."""
    graph = TOYS[name]
    method = Cleora(dim=8, num_iterations=4, whiten_rank=3, residual_weight=0.25)
    (step,) = (fitted := fit(graph, method, relations="joint" if len(graph.relations) > 1 else None)).steps
    y = dense.normalize(0.75 * dense.markov(graph, "left") @ step.previous + 0.25 * step.previous, "l2")
    expected = np.where(graph.isolated[:, None], 0, (y - step.shift) @ step.matrix)
    np.testing.assert_allclose(fitted.vectors, expected, atol=2e-4)
    np.testing.assert_array_equal(fitted.vectors[graph.kept], fitted.embedding.vectors)
    rows = np.column_stack([y, np.ones(len(y))])[~graph.isolated]
    best = np.linalg.lstsq(rows, step.previous[~graph.isolated].astype(float), rcond=1e-6)[0]
    moved = [np.linalg.norm(rows @ told - step.previous[~graph.isolated]) for told in (best, [*step.back, step.offset])]
    assert moved[1] < moved[0] * 1.001 + 1e-4


def by_definition(fitted, new) -> np.ndarray:
    """The last step over the whole grown graph in float64, where only x before it is estimated, hop by hop."""
    (step,) = fitted.steps
    method = fitted.method
    vocab = fitted.graph.vocab.joined(new.vocab)[0]
    batch = from_hyperedges(NEW)
    w = np.zeros((len(vocab), len(vocab)))
    rows = vocab.rows_of(batch.vocab)
    w[np.ix_(rows, rows)] = dense.counts(batch)
    known = len(fitted.graph.vocab)
    before = np.zeros((len(vocab), method.dim))
    before[:known] = step.previous
    live = before.any(1)

    def through(mean):
        return (dense.normalize(mean, method.normalization) - step.shift) @ step.matrix

    def told(mean):
        return dense.normalize(mean, method.normalization) @ step.back + step.offset

    while True:
        mass = w @ live
        todo = np.flatnonzero((mass > 0) & ~live)
        if not len(todo):
            break
        estimate = {i: told((w[i] @ before)[None] / mass[i])[0] for i in todo}
        for i, vector in estimate.items():
            before[i], live[i] = vector, True
    out = np.zeros((len(vocab) - known, method.dim))
    for at, i in enumerate(range(known, len(vocab))):
        if mass[i] > 0:
            mean = w[i] @ before / mass[i]
            r = method.residual_weight
            out[at] = through(((1 - r) * mean + r * before[i])[None])[0]
    return out


@pytest.mark.parametrize(
    "options", [{}, {"residual_weight": 0.4}, {"whiten": "off"}, {"whiten": "last", "normalization": "l1"}]
)
def test_new_rows_go_through_the_last_step(options):
    fitted = fit(GRAPH, replace(BASE, **options))
    found = transform(fitted, MORE)
    assert found.vocab.ids.to_pylist() == ["new1", "new2", "new3", "far", "farther", "lost", "alone"]
    np.testing.assert_allclose(found.vectors, by_definition(fitted, MORE), atol=1e-4)
    assert not found["lost"].any() and not found["alone"].any()
    assert found["farther"].any()


def test_a_twin_of_a_known_entity_gets_its_vector():
    """Edges of a known entity, given to a new one: nearly the vector that the known one has."""
    for mode in ("default", "symmetric", "off"):
        fitted = fit(GRAPH, replace(SETTLED, **MODES[mode]))
        own = [text for text in OLD if "e17" in text.split()]
        twin = from_hyperedges([" ".join("twin" if word == "e17" else word for word in text.split()) for text in own])
        found = transform(fitted, twin)
        assert fitted.embedding.cosine("e17", found["twin"]) > 0.97, mode


def test_new_entities_land_among_their_group():
    fitted = fit(GRAPH, replace(BASE, num_iterations=20))
    lines = [f"n{k} " + " ".join(f"e{i}" for i in 30 * (k % 10) + RNG.choice(30, 3, replace=False)) for k in range(50)]
    found = transform(fitted, from_hyperedges(lines))
    near = fitted.embedding.most_similar(found.vectors, k=5)
    right = [GROUP[int(entity[1:])] == k % 10 for k, each in enumerate(near) for entity, _ in each]
    assert np.mean(right) > 0.95


def test_time_is_that_of_the_new_hyperedges(monkeypatch):
    """Nothing of the old graph is counted again, whatever its size, and nothing of its size is multiplied."""
    fitted = fit(GRAPH, BASE)
    monkeypatch.setattr(type(fitted.graph), "counts", lambda self: pytest.fail("counted"))
    monkeypatch.setattr("cleora_jax.graph.counts.clique_counts", lambda *a: pytest.fail("counted"))
    sizes = []
    monkeypatch.setattr(inductive, "joint_factors", lambda relations, n: sizes.append(n) or joint_factors(relations, n))
    transform(fitted, MORE)
    assert sizes == [MORE.num_entities]


def test_any_number_of_new_entities_compiles_nothing():
    fitted = fit(GRAPH, BASE)
    transform(fitted, MORE)
    with jax.log_compiles(), warnings.catch_warnings():
        compiled = []
        handler = logging.Handler()
        handler.emit = lambda record: compiled.append(record.getMessage())
        logging.getLogger("jax").addHandler(handler)
        try:
            for count in (3, 4, 9):
                transform(fitted, from_hyperedges([f"n{k} e1 e{k}" for k in range(count)]))
        finally:
            logging.getLogger("jax").removeHandler(handler)
    assert not [line for line in compiled if "ompil" in line]


def test_order_of_lines_and_strangers_do_not_matter():
    fitted = fit(GRAPH, BASE)
    one = transform(fitted, MORE)
    two = transform(fitted, from_hyperedges(NEW[::-1]))
    np.testing.assert_allclose(one.vectors, two.rows(one.vocab.ids.to_pylist()), atol=1e-5)
    alone = transform(fitted, from_hyperedges(NEW[:2]))
    np.testing.assert_allclose(
        alone["new1"], transform(fitted, from_hyperedges([*NEW[:2], "s t", "t u"]))["new1"], atol=1e-6
    )
    assert len(transform(fitted, from_hyperedges(["e1 e2"]))) == 0


def test_directed_rows_follow_their_direction():
    graph = from_edges(RNG.integers(0, 60, 300), RNG.integers(0, 60, 300))
    fitted = fit(graph, Cleora(dim=8, num_iterations=3, whiten_rank=8, propagation="directed"))
    found = transform(fitted, from_edges(["out", "3"], ["4", "into"]))
    assert found["out"].any() and not found["into"].any()


def test_two_columns_and_transient_ones():
    lines = [f"u{u}\ti{RNG.integers(0, 15)} i{RNG.integers(0, 15)}" for u in range(40) for _ in range(3)]
    graph = from_hyperedges(lines, "transient::user complex::item")
    fitted = fit(graph, Cleora(dim=6, num_iterations=3, whiten_rank=2, residual_weight=0.5))
    found = transform(fitted, from_hyperedges(["u1\tnew i1", "stranger\tother i2"], "transient::user complex::item"))
    assert found.vocab.ids.to_pylist() == ["new", "other"] and found.vectors[:, :2].any(1).all()


class TestUpdate:
    def test_vectors_stay_in_their_basis(self):
        fitted = fit(GRAPH, SETTLED)
        grown = update(fitted, MORE)
        assert grown.embedding.vocab.ids.to_pylist()[:300] == fitted.embedding.vocab.ids.to_pylist()
        anew = embed(grown.graph, replace(SETTLED, seed=1))
        same = [np.mean(dense.normalize(x[:300].astype(float), "l2") * dense.normalize(fitted.vectors.astype(float), "l2")) * 9
                for x in (grown.vectors, anew.vectors)]  # fmt: skip
        assert same[0] > 0.95 > 0.5 > same[1]
        turned = align(grown.embedding, fitted.embedding)
        np.testing.assert_allclose(turned.vectors, grown.embedding.vectors, atol=1e-4)  # there is nothing left to turn

    def test_it_tends_to_embedding_anew(self):
        fitted = fit(GRAPH, SETTLED)
        grown = update(fitted, from_hyperedges(NEW[:6]), num_iterations=20)
        anew = embed(from_hyperedges(OLD + NEW[:6]), replace(SETTLED, num_iterations=60))
        assert grown.embedding.vocab == anew.vocab
        joint = dense.normalize(grown.vectors.astype(float), "l2"), dense.normalize(anew.vectors.astype(float), "l2")
        assert dense.gram_error(*joint) < 0.05

    @pytest.mark.parametrize("options", [{"whiten": "off"}, {"whiten": "last"}, {"num_iterations": 39}, {"whiten": 3}])
    def test_where_depth_has_a_meaning_it_starts_again(self, options):
        method = replace(SETTLED, **{"num_iterations": 6, **options})
        grown = update(fit(GRAPH, method), MORE)
        anew = embed(from_hyperedges(OLD + NEW), method)
        assert dense.gram_error(grown.embedding.vectors, anew.vectors.astype(float)) < 1e-4
        assert grown.method == method

    def test_where_the_walk_has_settled_it_goes_on(self):
        steps = []
        update(fit(GRAPH, SETTLED), MORE, progress=lambda stage, done, total: steps.append(total))
        assert set(steps) == {streaming.WARM_ITERATIONS}
        steps.clear()
        update(fit(GRAPH, BASE), MORE, num_iterations=2, progress=lambda stage, done, total: steps.append(total))
        assert set(steps) == {2}  # asked for

    def test_what_came_can_go(self):
        fitted = fit(GRAPH, SETTLED)
        back = update(update(fitted, MORE), gone=MORE, num_iterations=40)
        assert not back.embedding["new1"].any() and back.graph.isolated[-7:].all()
        w, expected = back.graph.counts(), GRAPH.counts()
        assert (abs(w[:300, :300] - expected) > 1e-6).nnz == 0 and w.nnz == expected.nnz
        rows = (
            dense.normalize(back.vectors[:300].astype(float), "l2"),
            dense.normalize(fitted.vectors.astype(float), "l2"),
        )
        assert dense.gram_error(*rows) < 0.05

    def test_a_stream_goes_on_and_its_last_step_transforms(self):
        fitted = fit(from_hyperedges(OLD[:800]), replace(BASE, num_iterations=20))
        for at in range(800, 1550, 150):
            fitted = update(fitted, from_hyperedges(OLD[at : at + 150]), num_iterations=5)
        found = transform(fitted, from_hyperedges([f"n{k} e{30 * k} e{30 * k + 1} e{30 * k + 2}" for k in range(10)]))
        near = fitted.embedding.most_similar(found.vectors, k=5)
        assert np.mean([GROUP[int(entity[1:])] == k for k, each in enumerate(near) for entity, _ in each]) > 0.9

    def test_who_had_no_vector_gets_one(self):
        """A component of entities that were known, but isolated: they start hashed, not all at one point."""
        lines = np.array([text.split()[:2] for text in OLD])
        ids = sorted(set(lines.ravel())) + [f"late{i}" for i in range(12)]
        row = {entity: at for at, entity in enumerate(ids)}
        graph = from_edges([row[a] for a in lines[:, 0]], [row[b] for b in lines[:, 1]], ids=ids)
        pairs = RNG.integers(0, 12, (30, 2))
        late = from_edges([f"late{a}" for a in pairs[:, 0]], [f"late{b}" for b in pairs[:, 1]])
        fitted = fit(graph, SETTLED)
        grown = update(fitted, late)
        rows = grown.embedding.rows(late.vocab.ids.to_pylist())
        anew = embed(grown.graph, SETTLED).rows(late.vocab.ids.to_pylist())
        assert rows.std(axis=0).max() > 0.1 * anew.std(axis=0).max() > 0
        back = update(update(grown, gone=late), late)
        assert back.embedding.rows(late.vocab.ids.to_pylist()).std(axis=0).max() > 0.1 * anew.std(axis=0).max()

    def test_a_path_leads_through_who_is_known_without_a_vector(self):
        graph = from_edges([*RNG.integers(0, 30, 90)], [*RNG.integers(0, 30, 90)], num_entities=32)
        found = transform(
            fit(graph, Cleora(dim=4, num_iterations=3, whiten_rank=3)), from_edges(["1", "31"], ["31", "new"])
        )
        assert found.vocab.ids.to_pylist() == ["new"] and found["new"].any()

    def test_given_first_vectors_are_not_forgotten(self):
        table = RNG.standard_normal((300, 16)).astype(np.float32)
        method = replace(BASE, whiten="off", num_iterations=3)
        grown = update(fit(GRAPH, method, init=table), MORE)
        first = np.concatenate([table, np.asarray(start(grown.graph.vocab.take(np.arange(300, 307)), 16, "hash", 0))])
        anew = embed(from_hyperedges(OLD + NEW), method, init=first)
        assert dense.gram_error(grown.embedding.vectors, anew.vectors.astype(float)) < 1e-4
        again = update(grown, from_hyperedges(["zzz e1"]))
        assert dense.gram_error(again.vectors[:300], embed(again.graph, method).vectors[:300].astype(float)) > 0.1

    def test_the_old_one_stays_as_it_is(self):
        fitted = fit(GRAPH, BASE)
        before = fitted.vectors.copy(), fitted.graph.num_hyperedges
        update(fitted, MORE)
        np.testing.assert_array_equal(fitted.vectors, before[0])
        assert fitted.graph.num_hyperedges == before[1]


def test_it_pickles():
    fitted = fit(GRAPH, BASE)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(transform(fitted, MORE).vectors, transform(again, MORE).vectors)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (
            lambda: fit(GRAPH, replace(BASE, attention_temperature=1.0)),
            "`attention_temperature` does not go with `fit`",
        ),
        (lambda: fit(GRAPH, replace(BASE, propagation="directed-both")), "fit each direction"),
        (lambda: fit(GRAPH, replace(BASE, hyperedge_trim_n=3)), "`hyperedge_trim_n`"),
        (lambda: transform(fit(GRAPH, BASE), from_hyperedges(["a\tb"], "user item")), "`new` must have columns"),
        (lambda: update(fit(GRAPH, BASE)), "`more` or `gone`"),
        (
            lambda: update(fit(GRAPH, replace(BASE, whiten="off")), MORE, num_iterations=3),
            "`num_iterations` is of a warm",
        ),
        (lambda: update(fit(GRAPH, replace(BASE, scales=(1, 2), num_iterations=2)), MORE), "`scales`"),
    ],
)
def test_errors_name_the_argument(call, match):
    with pytest.raises(ValueError, match=match):
        call()


@pytest.mark.parametrize("call", [transform, update])
def test_what_is_not_fitted_is_said(call):
    with pytest.raises(TypeError, match="`fitted` must be what `fit` gives"):
        call(embed(GRAPH, BASE), MORE)
