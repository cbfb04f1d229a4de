"""Node classification on real data, beside what others measured by the authors' steps: docs/experiments.md has the table."""

from __future__ import annotations

import pytest

import cleora_jax as cj
from experiments.baselines.run import Source, line
from experiments.baselines.targets import TARGETS, TOLERANCES
from experiments.record import data_folder

SPLITS = {"cora": 20, "ppi": 10, "wikipedia-pos": 10, "blogcatalog": 10}
# Splits of the targets on Cora: five, the same for all methods, of which one deviates by 1 to 2 points at 10 %. So
# there, and nowhere else, two standard errors of the target's mean are allowed on top of the tolerance.
TARGET_SPLITS = 5
KNOWN = {
    ("wikipedia-pos", "GraRep"): "1.3 below at 10 % (47.7 against 49.0), for every seed; within at 50 and 90 %",
    ("cora", "RandNE, A"): "above by 2.1, 1.3 and 3.9: random projections of raw counts, better here than there",
}


def cases():
    for source, method in TARGETS:
        known = KNOWN.get((source, method))
        marks = [pytest.mark.xfail(reason=known, strict=True)] if known else []
        yield pytest.param(source, method, marks=marks, id=f"{source}, {method}")


@pytest.mark.realdata
@pytest.mark.parametrize(("source", "method"), list(cases()))
def test_micro_f1_is_that_of_the_literature(source, method):
    if not (data_folder() / source).is_dir():
        pytest.skip(f"data set {source} is not at {data_folder()}; set CLEORA_JAX_DATA")
    splits = 3 if "FastRP" in method else SPLITS[source]  # liblinear takes minutes on 512 columns
    found = line(cj.load_dataset(source, data_folder()), Source(source, splits, (method,)), method)
    for micro, deviation, target, tolerance in zip(
        found["micro"], found["micro_std"], TARGETS[source, method][:3], TOLERANCES, strict=True
    ):
        more = 2 * deviation / TARGET_SPLITS**0.5 if source == "cora" else 0
        assert abs(micro - target) <= tolerance + more, f"{micro} against {target}"
