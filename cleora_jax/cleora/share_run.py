"""`embed_share`: Cleora over a graph of which each process holds its own rows, from the reading to the result."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

import jax
import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax._progress import Progress, no_progress
from cleora_jax.cleora.loop import Numbers, State, Walk
from cleora_jax.cleora.method import Cleora
from cleora_jax.cleora.owned import Cut, form_of, ground_of, owners_of
from cleora_jax.cleora.result_file import ResultFile
from cleora_jax.cleora.run import Run, warn_of_two_sides
from cleora_jax.cleora.sharded import Sharded, check_sharded, mesh_of, put_table
from cleora_jax.cleora.share import Share, check_same
from cleora_jax.cleora.start import Init, starter
from cleora_jax.cleora.tables import gathered
from cleora_jax.cleora.verb import check_relations
from cleora_jax.graph.vocab import Vocab
from cleora_jax.vectors.embedding import Embedding
from cleora_jax.vectors.passes import dim_of
from cleora_jax.vectors.rows import Blocks


def embed_share(
    share: Share,
    method: Cleora | None = None,
    *,
    relations: Literal["joint"] | None = None,
    progress: Progress = no_progress,
) -> Embedding:
    """Vectors for the entities whose rows this process owns; all processes call it alike, each gets its own.

    One after the other, in the order of processes, they are those that `embed` gives over the whole graph, up to
    rounding. No process holds the whole operator or the whole table, only 32 columns of the latter at a time.

    Args:
        share: see `read_share`.
        method: default `Cleora()`. Propagation "left" or "symmetric"; without what needs the whole in one place:
            `tolerance`, `attention_temperature`, `scale_weights`, `metapath`, `hyperedge_trim_n`.
        relations, progress: as in `embed`.

    Raises:
        OptionError: a method that does not go with it, or processes that were not called alike.
        ConnectionError: another process is gone.

    Example:
        >>> import cleora_jax as cj, tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "in.tsv"
        >>> _ = path.write_text("alice laptop\\nalice mouse\\nbob keyboard\\n")
        >>> from cleora_jax.cleora import read_share
        >>> len(embed_share(read_share(path), cj.Cleora(dim=2)))
        5
    """
    method = Cleora() if method is None else method
    checks.kind("share", share, Share, "see `read_share`")
    check_owned(method)
    check_relations(share.graph, method, relations)
    if share.num_entities < 2:
        raise checks.OptionError(f"`share` must have at least two entities, for vectors to differ; got {share!r}.")
    check_same(share.peers, asdict(method))
    warn_of_two_sides(share.graph, method)
    mesh = mesh_of(sorted(jax.devices(), key=lambda device: (device.process_index, device.id)))
    with one_blas_thread():
        ground, cut = ground_of(share, mesh, owners_of(mesh), method.propagation, form_of(share, method.form))
        run = Run.over(ground, method, Owned(Sharded(mesh), cut, share.peers.index))
        vectors = method.joined(run.parts(method.init, progress))
    return _results(share, ground.vocab, vectors, method, run)


def check_owned(method: Any) -> None:
    """Raise OptionError for a method that does not run over shares."""
    if not isinstance(method, Cleora):
        raise checks.OptionError(f"`method` must be a Cleora: only its steps run over shares; got {method!r:.100}.")
    check_sharded(method)
    for name in ("metapath", "hyperedge_trim_n"):
        if getattr(method, name):
            raise checks.OptionError(f"`{name}` does not go with shares: it needs the whole graph in one place.")
    if method.propagation.startswith("directed"):
        raise checks.OptionError("`propagation` over shares must be 'left' or 'symmetric'.")


def _results(share: Share, vocab: Vocab, vectors: np.ndarray, method: Cleora, run: Run) -> Embedding:
    """Without the entities of transient columns, as `embed`."""
    hidden = [code for code, name in enumerate(vocab.columns) if name in share.graph.transient]
    kept = np.flatnonzero(~np.isin(vocab.column_of, hidden))
    if len(kept) < len(vocab):
        vocab, vectors = vocab.take(kept), vectors[kept]
    settings = {"method": "Cleora", **asdict(method), "process": share.peers.index, "processes": share.peers.count}
    return Embedding(vectors, vocab, settings, run.trace())


class Owned:
    """Tables of which each process makes, and gets, its own rows; see `tables.Tables`.

    Args:
        sharded: what works on them.
        cut: which rows are whose.
        process: which this one is.
    """

    result: ResultFile | None = None

    def __init__(self, sharded: Sharded, cut: Cut, process: int) -> None:
        self.sharded, self.cut, self.process = sharded, cut, process
        self.advance, self.whiten_last = sharded.advance, sharded.whiten_last

    def spread(self, walk: Walk) -> Walk:
        """It is already."""
        return walk

    def first(
        self, vocab: Vocab, dim: int, init: Init, seed: int, order: np.ndarray | None, alive: np.ndarray
    ) -> Blocks:
        """See `Tables`."""
        make = starter(vocab, dim, init, seed)

        def rows(part: int) -> np.ndarray:
            some = self.cut.mine(part, self.process)
            return np.asarray(make(np.arange(some.start, some.stop))) * alive[some, None]

        return put_table(self.sharded.mesh, self.cut.each, dim, rows)

    def vectors(
        self, walk: Walk, numbers: Numbers, state: State, order: np.ndarray | None, *, last: bool
    ) -> np.ndarray:
        """Those of this process."""
        blocks = self.sharded.whitened(walk, numbers, state)
        size = int(np.diff(self.cut.process_bounds)[self.process])
        return gathered((self._mine(block) for block in blocks), (size, dim_of(blocks)), None)

    def _mine(self, block: jax.Array) -> np.ndarray:
        shards = sorted(block.addressable_shards, key=lambda shard: shard.index[0].start or 0)
        sizes = np.diff(self.cut.bounds)[self.cut.owners[self.process] :]
        return np.concatenate([np.asarray(shard.data)[:size] for shard, size in zip(shards, sizes, strict=False)])
