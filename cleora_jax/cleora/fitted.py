"""What `fit` gives, in memory and on disk: an embedding with what it takes to embed new entities.

On disk it is one archive (see `graph.archive`), format version 1:

    header            JSON: format, version, library, jax, numpy (which versions wrote it), method (the settings of
                      `Cleora`), settings (of the embedding), graph, start (how first vectors were given), notes
    graph.*           the graph, as in its own files
    counts.*          data float64[m], indices, indptr: W, where the graph has it at hand (after `update`)
    vectors           float32[n, parts · d] of all entities
    step{i}.*         previous float32[n, d], back and matrix float64[d, d], offset and shift float64[d]
    start.*           the first vectors, where they were given
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import jax
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.cleora.method import Cleora
from cleora_jax.cleora.saved_start import start_from_parts, start_parts
from cleora_jax.cleora.start import Init
from cleora_jax.graph.archive import Arrays, Kind, believed, is_in_range, is_offset, read_archive, under, write_archive
from cleora_jax.graph.build import Graph, knowing
from cleora_jax.graph.counts import joint_factors
from cleora_jax.graph.save import graph_from_parts, graph_parts
from cleora_jax.vectors.embedding import Embedding

KIND = Kind("model", "cleora_jax model", 1)


class LastStep(NamedTuple):
    """The last step of a run, to put new rows through: x = (y − shift) matrix, y = normalise(M previous). In C order.

    Args:
        previous: x before it, float32[n, d].
        back, offset: float64[d, d] and [d], what tells `previous` best of y: y back + offset, by least squares over all
            entities.
        shift, matrix: the whitening that follows, float64[d] and [d, d] (zeros and the identity where none does).
    """

    previous: np.ndarray
    back: np.ndarray
    offset: np.ndarray
    shift: np.ndarray
    matrix: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class Fitted:
    """An embedding with what it takes to embed new entities: from `fit`, for `transform` and `update`. Pickles.

    Args:
        graph: what was embedded.
        method: how.
        embedding: the result, as from `embed`.
        vectors: float32[n, parts · d] of all entities, transient ones included.
        steps: the last step, of each of `method.scales` where there are several.
        init: the first vectors, where they were given.
        notes: what is to be kept with it, of what JSON can hold: the command line keeps how lines were read.
    """

    graph: Graph
    method: Cleora
    embedding: Embedding
    vectors: np.ndarray
    steps: tuple[LastStep, ...]
    init: Init | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Fitted({self.graph!r}, {self.method!r})"

    @cached_property
    def degree(self) -> np.ndarray:
        """float64[n]: the row sums of W."""
        scatter, gather = joint_factors(self.graph.relations, self.graph.num_entities)
        return np.asarray(scatter.astype(np.float64) @ (gather.astype(np.float64) @ np.ones(self.graph.num_entities)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one file, an `.npz` without pickle, atomically (to a temporary name, then renamed).

        What `load_fitted` reads transforms and updates to the same bits. The embedding's trace is not kept.

        Raises:
            OSError: the folder does not exist, or the disk refuses; nothing is left behind.

        Example:
            >>> import cleora_jax as cj, tempfile, os
            >>> path = os.path.join(tempfile.mkdtemp(), "model.npz")
            >>> cj.fit(cj.from_hyperedges(["a b", "b c", "c a", "x y", "y z", "z x"]), cj.Cleora(dim=4)).save(path)
            >>> cj.transform(cj.load_fitted(path), cj.from_hyperedges(["new a", "new b"])).vocab.ids.to_pylist()
            ['new']
        """
        graph, graph_arrays = graph_parts(self.graph)
        start, start_arrays = start_parts(self.init)
        header = {
            "jax": jax.__version__, "numpy": np.__version__, "method": asdict(self.method),
            "settings": self.embedding.settings, "graph": graph, "start": start, "notes": self.notes,
        }  # fmt: skip
        arrays: Arrays = {"vectors": self.vectors}
        arrays |= {f"graph.{name}": array for name, array in graph_arrays.items()}
        arrays |= {f"start.{name}": array for name, array in start_arrays.items()}
        for at, step in enumerate(self.steps):
            arrays |= {f"step{at}.{name}": array for name, array in step._asdict().items()}
        counts = self.graph.known_counts
        if counts is not None:
            arrays |= {f"counts.{name}": getattr(counts, name) for name in ("data", "indices", "indptr")}
        write_archive(path, KIND, header, arrays)


def load_fitted(path: str | os.PathLike[str]) -> Fitted:
    """Read what `Fitted.save` wrote: `transform` and `update` give the same bits as before.

    Raises:
        MissingFileError: no such file.
        InputError: not such a file, a newer format version, or a damaged one; the fault is named.
    """
    source = os.fspath(path)
    header, arrays = read_archive(path, KIND)
    with believed(source, KIND):
        graph = _graph(source, header["graph"], arrays)
        method = _method(source, header["method"])
        steps = tuple(_step(source, under(arrays, f"step{at}."), graph, method) for at in range(method.num_parts))
        vectors = arrays["vectors"]
        _require(source, _is_table(vectors, (graph.num_entities, method.dim * len(steps)), np.float32), "the vectors")
        _require(source, isinstance(header["notes"], dict), "the notes")
        every = len(graph.kept) == graph.num_entities
        shown, vocab = (vectors, graph.vocab) if every else (vectors[graph.kept], graph.vocab.take(graph.kept))
        embedding = Embedding(shown, vocab, header["settings"])
        init = start_from_parts(source, header["start"], under(arrays, "start."))
    return Fitted(graph, method, embedding, vectors, steps, init, header["notes"])


def _graph(source: str, header: dict[str, Any], arrays: Arrays) -> Graph:
    graph = graph_from_parts(source, header, under(arrays, "graph."))
    if "counts.data" not in arrays:
        return graph
    data, indices, indptr = (arrays[f"counts.{name}"] for name in ("data", "indices", "indptr"))
    size = graph.num_entities
    whole = is_offset(indptr, len(indices)) and len(indptr) == size + 1 and is_in_range(indices, size)
    _require(source, whole and _is_table(data, indices.shape, np.float64), "the counts")
    return knowing(replace(graph), sp.csr_array((data, indices, indptr), shape=(size, size)))


def _method(source: str, settings: dict[str, Any]) -> Cleora:
    try:
        return Cleora(**settings)
    except checks.OptionError as error:
        raise checks.InputError(f"{source}: a damaged model file: {error}") from error


def _step(source: str, arrays: Arrays, graph: Graph, method: Cleora) -> LastStep:
    step, dim = LastStep(**arrays), method.dim
    shapes = {"back": (dim, dim), "offset": (dim,), "shift": (dim,), "matrix": (dim, dim)}
    fine = all(_is_table(getattr(step, name), shape, np.float64) for name, shape in shapes.items())
    _require(source, fine and _is_table(step.previous, (graph.num_entities, dim), np.float32), "the last step")
    return step


def _is_table(array: np.ndarray, shape: tuple[int, ...], dtype: type) -> bool:
    return array.shape == shape and array.dtype == dtype and bool(np.isfinite(array).all())


def _require(source: str, fine: bool, what: str) -> None:
    if not fine:
        raise checks.InputError(f"{source}: a damaged model file: {what} do not hold together.")
