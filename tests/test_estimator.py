"""`CleoraEmbedder` by scikit-learn's own checks, and what its vectors are."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from cleora_jax import Cleora, embed, fit, from_hyperedges, from_scipy, transform
from cleora_jax.estimator import CleoraEmbedder

RNG = np.random.default_rng(2)
TOPIC = RNG.integers(0, 3, 150)
LINES = [" ".join(f"w{t}.{i}" for i in RNG.choice(20, 4, replace=False)) for t in TOPIC]
SMALL = {"dim": 8, "num_iterations": 3, "whiten": "off"}


@parametrize_with_checks([CleoraEmbedder(dim=4, num_iterations=2)])  # none is expected to fail
def test_scikit_learn_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        check(estimator)


def test_a_sample_has_the_mean_of_its_entities():
    model = CleoraEmbedder(**SMALL).fit(LINES)
    expected = embed(from_hyperedges(LINES), Cleora(**SMALL))
    np.testing.assert_array_equal(model.embedding_.vectors, expected.vectors)
    assert model.entity_ids_.tolist() == expected.vocab.ids.to_pylist()
    found = model.transform(LINES)
    assert found.shape == (150, 8) and found.dtype == np.float32
    for row in (0, 70):
        np.testing.assert_allclose(found[row], expected.rows(LINES[row].split()).mean(0), atol=1e-6)
    np.testing.assert_array_equal(found, CleoraEmbedder(**SMALL).fit_transform(LINES))
    lists = [line.split() for line in LINES]
    np.testing.assert_array_equal(CleoraEmbedder(**SMALL).fit_transform(lists), found)
    for same in (np.array(LINES, object), np.array(LINES), pd.Series(LINES), pd.Series(LINES, dtype=object)):
        np.testing.assert_array_equal(CleoraEmbedder(**SMALL).fit_transform(same), found)
    empty = model.transform([LINES[0], "", []])
    np.testing.assert_array_equal(empty[0], found[0])
    assert not empty[1:].any()
    with pytest.raises(TypeError, match="got the one string"):
        CleoraEmbedder().fit("tea milk")


def test_new_entities_by_transform_or_not_at_all():
    new = ["w0.1 w0.2 stranger", "other w1.1", "nobody known here"]
    model = CleoraEmbedder(**SMALL).fit(LINES)
    by_hand = transform(fit(from_hyperedges(LINES), Cleora(**SMALL)), from_hyperedges(new))
    expected = (model.embedding_["w1.1"] + by_hand["other"]) / 2
    np.testing.assert_allclose(model.transform(new)[1], expected, atol=1e-6)
    ignoring = CleoraEmbedder(unknown="ignore", **SMALL).fit(LINES)
    np.testing.assert_allclose(ignoring.transform(new)[1], model.embedding_["w1.1"], atol=1e-6)
    assert not ignoring.transform(new)[2].any()
    attending = CleoraEmbedder(attention_temperature=0.5, **SMALL)
    with pytest.raises(ValueError, match="`attention_temperature` does not go with `fit`"):
        attending.fit(LINES)
    assert attending.set_params(unknown="ignore").fit_transform(LINES).shape == (150, 8)


def test_an_incidence_matrix_is_the_same_graph():
    graph = from_hyperedges(LINES)
    held = graph.relations[0].left.matrix(graph.num_entities, np.ones(150)).toarray()
    expected = embed(from_scipy(graph.counts(), graph.vocab.ids.to_pylist(), column="feature"), Cleora(**SMALL))
    frame = pd.DataFrame(held, columns=graph.vocab.ids.to_pylist())
    for samples in (held, sp.csr_array(held), frame, held.tolist()):
        model = CleoraEmbedder(**SMALL).fit(samples)
        if samples is frame:
            np.testing.assert_allclose(model.embedding_.vectors, expected.vectors, atol=1e-5)
            assert model.feature_names_in_.tolist() == model.entity_ids_.tolist() == graph.vocab.ids.to_pylist()
        row = held[3] > 0
        np.testing.assert_allclose(model.transform(samples)[3], model.embedding_.vectors[row].mean(0), atol=1e-6)


def test_amounts_of_any_size_weigh():
    held = RNG.random((40, 6)) * (RNG.random((40, 6)) < 0.5)
    held[:, 0] += 0.1
    size = held.sum(1)
    expected = held.T @ np.diag(1 / size**2) @ held
    np.testing.assert_allclose(CleoraEmbedder(**SMALL).fit(held).graph_.counts().toarray(), expected, rtol=1e-5)


def test_tables_and_several_columns():
    frame = pd.DataFrame({"user": ["u", "v", "u"], "item": ["i", "i", "j"]})
    model = CleoraEmbedder("user item", residual_weight=0.5, **SMALL).fit(frame)
    assert model.entity_ids_.tolist() == ["u", "i", "v", "j"]
    assert model.transform(frame).shape == (3, 8)


def test_tables_of_every_make():
    lines = {"user": ["u", "v", "u"], "item": ["i", "i", "j"]}
    numbers = pd.DataFrame({"user": [1, 2, 3], "item": [7, 8, 7]})  # ids, though they are numbers: the spec names them
    for table in (pa.table(lines), pl.DataFrame(lines), pd.DataFrame(lines), numbers):
        model = CleoraEmbedder("user item", residual_weight=0.5, **SMALL).fit(table)
        assert model.graph_.vocab.columns == ("user", "item") and model.transform(table).shape == (3, 8)
    assert model.entity_ids_.tolist() == ["1", "7", "2", "8", "3"]
    for series in (pl.Series(LINES), pa.array(LINES), np.array([line.split() for line in LINES])):
        np.testing.assert_allclose(CleoraEmbedder(**SMALL).fit_transform(series),
                                   CleoraEmbedder(**SMALL).fit_transform(LINES))  # fmt: skip
    assert not CleoraEmbedder(**SMALL).fit(LINES).transform(["", []]).any()


def test_clone_params_pipeline_and_search():
    model = CleoraEmbedder(dim=8, seed=4)
    depths = clone(CleoraEmbedder(dim=4, scales=(2, 3), whiten="off")).fit(LINES)
    assert depths.embedding_.settings["num_iterations"] == 3 and depths.embedding_.dim == 8
    assert clone(model).get_params() == model.get_params() and clone(model).set_params(dim=3).dim == 3
    pipeline = make_pipeline(CleoraEmbedder(dim=8, num_iterations=3, whiten="off"), LogisticRegression(C=10))
    assert cross_val_score(pipeline, LINES, TOPIC, cv=3).mean() > 0.95
    search = GridSearchCV(pipeline, {"cleoraembedder__dim": [2, 8], "cleoraembedder__num_iterations": [2, 4]}, cv=2)
    search.fit(LINES, TOPIC)
    assert search.best_score_ > 0.9
    names = pipeline.fit(LINES, TOPIC)[0].get_feature_names_out()
    assert names.tolist()[:2] == ["cleoraembedder0", "cleoraembedder1"] and len(names) == 8
    framed = CleoraEmbedder(**SMALL).set_output(transform="pandas").fit_transform(LINES)
    assert list(framed.columns) == names.tolist()


def test_it_pickles_and_is_not_fitted_at_first():
    with pytest.raises(NotFittedError):
        CleoraEmbedder().transform(LINES)
    model = CleoraEmbedder(**SMALL).fit(LINES)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.transform(["w0.1 new"]), model.transform(["w0.1 new"]))


@pytest.mark.parametrize(
    ("model", "samples", "match"),
    [
        (CleoraEmbedder(unknown="guess"), LINES, "`unknown` must be one of"),
        (CleoraEmbedder(dim=0), LINES, "`dim` must be between"),
        (CleoraEmbedder(), np.zeros((3, 3)), "`X` holds nothing"),
        (CleoraEmbedder(), -np.ones((3, 3)), "Negative values"),
        (CleoraEmbedder(), [], "is empty"),
    ],
)
def test_errors_name_the_argument(model, samples, match):
    with pytest.raises(ValueError, match=match):
        model.fit(samples)


def test_the_kind_of_samples_must_not_change():
    with pytest.raises(ValueError, match="`X` must be hyperedges"):
        CleoraEmbedder(**SMALL).fit(LINES).transform(np.ones((2, 2)))
