"""GraRep against its log matrices."""

from __future__ import annotations

import numpy as np
import pytest

import cleora_jax as cj
from cleora_jax.baselines import grarep
from tests import dense
from tests.baselines import literature as lit

GRAPH, A = lit.communities(120, 4)
WEIGHTED, W = lit.graph_and_matrix(60, 120, weighted=True, hubs=0.6)


@pytest.mark.parametrize(("columns", "num_steps"), [(512, 1), (50, 3)])
def test_steps(monkeypatch, columns, num_steps):
    monkeypatch.setattr(grarep, "COLUMNS", columns)
    found = cj.GraRep(dim=4 * num_steps, num_steps=num_steps)(GRAPH)[0]
    assert dense.gram_error(found, lit.grarep(A, [4] * num_steps)) < 2e-3


def test_whole_rank():
    """The remainder of `dim` goes to the first steps; a column more than there are directions is zero."""
    found = cj.GraRep(dim=181, num_steps=3)(WEIGHTED)[0]
    assert dense.gram_error(found, lit.grarep(W, [60] * 3)) < 1e-4


def test_logs_of_columns():
    """Zeros stay zero, columns of nothing too; n entries alike are β, whose log is taken away."""
    found = grarep.positive_logs(np.array([[0.5, 0, 0.2], [0.5, 0, 0.0]], np.float32))
    np.testing.assert_allclose(found, [[0, 0, np.log(2)], [0, 0, 0]], atol=1e-6)


def test_steps_need_a_column_each():
    with pytest.raises(cj.OptionError, match="`num_steps` must be between 1 and 4"):
        cj.GraRep(dim=4, num_steps=5)
