"""Tables in files: the bits of those in memory, no more memory than a stripe or a batch, and nothing left behind."""

from __future__ import annotations

import functools
from dataclasses import replace
from mmap import mmap

import jax
import numpy as np
import pytest

import cleora_jax as cj
from cleora_jax.cleora import stored_table
from cleora_jax.cleora.run import Run
from cleora_jax.cleora.stored_table import STRIPE_COLUMNS, StoredTable
from cleora_jax.cli import main
from cleora_jax.vectors.rows import window_rows

PLAIN = cj.Cleora(dim=40, num_iterations=4)
METHODS = [
    PLAIN,
    replace(PLAIN, dim=200),  # two column blocks
    replace(PLAIN, residual_weight=0.3),
    replace(PLAIN, whiten="off"),
    replace(PLAIN, whiten="last", scales=(2, 4)),
    replace(PLAIN, whiten=3, normalization="l1"),
    replace(PLAIN, whiten_alpha=0.5, scales=(1, 4)),
    replace(PLAIN, propagation="symmetric", normalization="none"),
    replace(PLAIN, propagation="directed-both", residual_weight=0.2),
    replace(PLAIN, form="factored"),
]


SIZES = (700, 2_052, 9_502)  # entities: less than a window, few more than two, several batches (made small)


@functools.cache
def graph_of(size):
    """With isolated entities."""
    return cj.generators.planted_partition([size // 4] * 4, 8 / size, 2 / size).graph


@pytest.mark.filterwarnings("ignore::cleora_jax.RankWarning")
@pytest.mark.parametrize(
    ("method", "size"),
    [
        *((method, SIZES[-1]) for method in METHODS[1:5]),
        *(pytest.param(method, SIZES[-1], marks=pytest.mark.slow) for method in (METHODS[0], *METHODS[5:])),
        *((METHODS[2], size) for size in SIZES[:-1]),
    ],
)
def test_the_bits_are_those_of_memory(method, size, tmp_path, monkeypatch):
    graph = graph_of(size)
    monkeypatch.setattr(stored_table, "batch_windows", lambda dim: 3)
    here, there = cj.embed(graph, method), cj.embed(graph, method, spill=tmp_path / "spill")
    np.testing.assert_array_equal(there.vectors.view(np.uint32), here.vectors.view(np.uint32))
    for one, other in zip(traces(here), traces(there), strict=True):
        np.testing.assert_array_equal(one.effective_rank, other.effective_rank)
    assert not list((tmp_path / "spill").iterdir())


def traces(embedding):
    return [embedding.trace] if isinstance(embedding.trace, cj.Trace) else list(embedding.trace)


def starts(graph):
    """Every kind of first vectors, some of which know entities of the first batch only."""
    table = np.random.default_rng(0).normal(size=(graph.num_entities, 40)).astype(np.float32)
    few = graph.vocab.take(np.arange(50))
    named = {entity: table[row, :7] for row, entity in enumerate(few.ids.to_pylist())}
    return {
        "pycleora": "pycleora", "array": table, "float64": table.astype(np.float64), "jax": jax.numpy.asarray(table),
        "warm": cj.Embedding(table[:50], few), "features": cj.Features(named, 0.5),
        "features in order": cj.Features(table[:, :9]),
    }  # fmt: skip


@pytest.mark.parametrize("kind", starts(cj.from_edges(range(60), range(1, 61))))
def test_first_vectors_are_those_of_memory(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(stored_table, "batch_windows", lambda dim: 1)
    graph = graph_of(SIZES[-1])
    init = starts(graph)[kind]
    here, there = cj.embed(graph, PLAIN, init=init), cj.embed(graph, PLAIN, init=init, spill=tmp_path)
    np.testing.assert_array_equal(there.vectors, here.vectors)
    shared = cj.embed(graph, PLAIN, init=init, devices=jax.devices())
    np.testing.assert_array_equal(shared.vectors, here.vectors)


@pytest.mark.parametrize("rows", [2_000, 2_060])
def test_first_vectors_that_do_not_fit_are_refused_as_in_memory(tmp_path, rows):
    graph, table = graph_of(SIZES[1]), np.ones((rows, 40), np.float32)
    for places in ({"spill": tmp_path}, {"devices": jax.devices()}):
        with pytest.raises(cj.OptionError, match="must have shape"):
            cj.embed(graph, PLAIN, init=table, **places)
        bad = np.ones((graph.num_entities, 40))
        bad[1_500, 3] = np.nan
        with pytest.raises(cj.InputError, match="row 1500"):
            cj.embed(graph, PLAIN, init=bad, **places)


@pytest.mark.filterwarnings("ignore::cleora_jax.RankWarning")
def test_rows_go_back_where_they_were_before_they_were_reordered(tmp_path, monkeypatch):
    monkeypatch.setattr("cleora_jax.sparse.reorder.MIN_ENTITIES", 100)
    shuffled, loops = np.random.default_rng(0).permutation(3_000), np.arange(3_000)  # which fix the numbers
    ring = cj.from_edges(np.r_[loops, shuffled], np.r_[loops, np.roll(shuffled, 1)])
    assert Run(ring, PLAIN).order is not None
    for init in (None, jax.numpy.asarray(np.random.default_rng(1).normal(size=(3_000, 40)))):
        here, there = cj.embed(ring, PLAIN, init=init), cj.embed(ring, PLAIN, init=init, spill=tmp_path)
        np.testing.assert_array_equal(there.vectors, here.vectors)
        shared = cj.embed(ring, PLAIN, init=init, devices=jax.devices())
        np.testing.assert_array_equal(shared.vectors, here.vectors)


def test_memory_holds_a_stripe_or_a_batch(tmp_path, monkeypatch):
    graph, held = graph_of(SIZES[-1]), []
    read = StoredTable.read

    def watched(self, stripe, first, count):
        found = read(self, stripe, first, count)
        held.append((self, found.shape))
        return found

    monkeypatch.setattr(StoredTable, "read", watched)
    monkeypatch.setattr(stored_table, "batch_windows", lambda dim: 2)
    cj.embed(graph, replace(PLAIN, dim=200), spill=tmp_path)
    most = 3 * window_rows(graph.num_entities)  # a window that would be alone at the end joins the batch before
    assert all(width <= STRIPE_COLUMNS and (count == table.rows or count <= most) for table, (count, width) in held)
    assert len({id(table) for table, _ in held}) == 1


@pytest.mark.filterwarnings("ignore::cleora_jax.RankWarning")
@pytest.mark.parametrize("settings", [{}, {"scales": (1, 3, 4)}, {"propagation": "directed-both", "scales": (2, 4)}])
@pytest.mark.parametrize("transient", [False, True])
def test_parts_are_written_where_they_stand_in_the_result(settings, transient, tmp_path):
    """A file of the entities that are results, mapped as it is: nothing is put together in memory."""
    rng = np.random.default_rng(0)
    lines = [f"b{line}\ti{one} i{other}" for line, (one, other) in enumerate(rng.integers(0, 500, (900, 2)))]
    graph = cj.from_hyperedges(lines, f"{'transient::' if transient else ''}basket complex::item")
    method = replace(PLAIN, **{"num_iterations": 4, "residual_weight": 0.3, **settings})
    here, there = cj.embed(graph, method), cj.embed(graph, method, spill=tmp_path)
    assert (len(here) < len(graph.vocab)) == transient
    np.testing.assert_array_equal(there.vectors.view(np.uint32), here.vectors.view(np.uint32))
    owner = there.vectors
    while isinstance(owner, np.ndarray):
        owner = owner.base
    assert isinstance(owner, mmap) and there.vocab.ids == here.vocab.ids
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("rows", [1, 5, 1_024, 1_025, 3_073, 20_000])
@pytest.mark.parametrize("windows", [1, 2, 16])
def test_batches_are_whole_windows_and_cover_all_rows(rows, windows, tmp_path, monkeypatch):
    monkeypatch.setattr(stored_table, "batch_windows", lambda dim: windows)
    table = StoredTable(tmp_path, rows, 3)
    batches, size = list(table.batches), window_rows(rows)
    assert [first for first, _ in batches] == np.cumsum([0, *(count for _, count in batches)]).tolist()[:-1]
    assert sum(count for _, count in batches) == rows
    assert all(count % size == 0 for _, count in batches[:-1])
    assert len(batches) == 1 or batches[-1][1] > size


def test_a_table_gives_back_what_was_put_in(tmp_path):
    wide = np.random.default_rng(0).normal(size=(50, 70)).astype(np.float32)
    table = StoredTable(tmp_path, 50, 70)
    assert [stripe.stop - stripe.start for stripe in table.stripes] == [32, 32, 6]
    for stripe in table.stripes:
        table.write(stripe, 0, wide[:, stripe])
    np.testing.assert_array_equal(np.concatenate(table.batch(7, 20), axis=1), wide[7:27])
    table.put_batch(3, table.batch(30, 10))
    np.testing.assert_array_equal(table.read(slice(64, 70), 3, 10), wide[30:40, 64:])


@pytest.mark.parametrize(
    ("method", "options", "name"),
    [
        (replace(PLAIN, tolerance=0.1), {}, "tolerance"),
        (replace(PLAIN, attention_temperature=1.0), {}, "attention_temperature"),
        (replace(PLAIN, scales=(1, 2), num_iterations=2, scale_weights=(1.0, 1.0)), {}, "scale_weights"),
        (PLAIN, {"devices": jax.devices()}, "spill"),
        (cj.RandNE(dim=8), {}, "spill"),
    ],
)
def test_what_needs_more_than_one_table_is_refused(method, options, name, tmp_path):
    graph = cj.from_edges([0, 1, 2], [1, 2, 3])
    with pytest.raises(cj.OptionError, match=f"`{name}`"):
        cj.embed(graph, method, spill=tmp_path, **options)
    assert not list(tmp_path.iterdir())


def test_on_the_command_line(tmp_path, capsys):
    (tmp_path / "in.txt").write_text("".join(f"a{i} a{(7 * i + 1) % 50}\n" for i in range(200)))
    command = ["embed", "-i", str(tmp_path / "in.txt"), "--dim", "4", "-n", "3", "-q", "-o"]
    assert main([*command, str(tmp_path / "one.npz")]) == 0
    assert main([*command, str(tmp_path / "two.npz"), "--spill", str(tmp_path / "spill")]) == 0
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    assert main([*command, str(tmp_path / "three.npz"), "--spill", str(tmp_path), "--save-model", "m.npz"]) == 2
    assert "`--spill`" in capsys.readouterr().err
