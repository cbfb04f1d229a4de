"""One vocabulary of several processes, agreed upon without any of them seeing all of it.

Entities stand in order of first appearance, as if one process had read everything: those that process 0 met, in its
order, then those that process 1 was the first to meet, and so on. Who was the first to meet an id is known to one
process, which is found by the id's hash: the others ask it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cleora_jax.cleora.start import entity_hashes
from cleora_jax.graph.hyperedges import frozen, offsets_of
from cleora_jax.graph.intern import codes_of, first_tokens
from cleora_jax.graph.tokens import numpy_of
from cleora_jax.graph.vocab import Vocab, id_parts

if TYPE_CHECKING:
    from cleora_jax.cleora.peers import Peers


def agreed_rows(vocab: Vocab, peers: Peers) -> tuple[np.ndarray, np.ndarray, int]:
    """Where each entity that this process read stands in the vocabulary of all.

    Returns:
        Rows int64[len(vocab)]; bool[len(vocab)], whether this process met it first (each entity has one such); and n.
    """
    asked = split_by(entity_hashes(vocab, 0) % np.uint64(peers.count), peers.count)
    told = send_ids(peers, [vocab.take(rows) for rows in asked])
    sizes = [len(part) for part in told]
    code = _codes(told)
    first = first_tokens(code)
    is_first = np.zeros(len(code), bool)
    is_first[first] = True
    mine = np.zeros(len(vocab), bool)
    _put(mine, asked, peers.swap(_split(is_first, sizes)))
    counts = peers.everyones(np.array(mine.sum(), np.int64))
    rows = np.full(len(vocab), -1, np.int64)
    rows[mine] = counts[: peers.index].sum() + np.arange(counts[peers.index])
    known = np.concatenate(peers.swap([rows[some] for some in asked]))
    _put(rows, asked, peers.swap(_split(known[first][code], sizes)))
    return frozen(rows), frozen(mine), int(counts.sum())


def send_ids(peers: Peers, vocabs: Sequence[Vocab]) -> list[Vocab]:
    """Vocabulary p goes to process p; back come those that the others have for this one."""
    parts = [id_parts(vocab) for vocab in vocabs]
    text = peers.swap([text for text, _ in parts])
    lengths = peers.swap([np.diff(offset) for _, offset in parts])
    columns = peers.swap([vocab.column_of for vocab in vocabs])
    return [Vocab(_ids(*part), vocabs[0].columns, column) for *part, column in zip(text, lengths, columns, strict=True)]


def _ids(text: np.ndarray, lengths: np.ndarray) -> pa.LargeStringArray:
    return pa.LargeStringArray.from_buffers(len(lengths), pa.py_buffer(offsets_of(lengths)), pa.py_buffer(text))


def joined(vocabs: Sequence[Vocab]) -> Vocab:
    """Vocabularies of the same columns that have no entity in common, one after the other."""
    ids = pa.concat_arrays([vocab.ids for vocab in vocabs])
    return Vocab(ids, vocabs[0].columns, np.concatenate([vocab.column_of for vocab in vocabs]))


def split_by(group: np.ndarray, count: int) -> list[np.ndarray]:
    """The places of each group 0 … count − 1, in order."""
    order = np.argsort(group, kind="stable")
    return _split(order, np.bincount(group.astype(np.int64), minlength=count))


def _codes(vocabs: Sequence[Vocab]) -> np.ndarray:
    """int32: equal for equal entities, by first appearance."""
    together = joined(vocabs)
    ids = numpy_of(together.ids.dictionary_encode().indices, np.int32).astype(np.uint64)
    return codes_of(ids * np.uint64(len(together.columns)) + together.column_of)[1]


def _split(values: np.ndarray, sizes: Sequence[int] | np.ndarray) -> list[np.ndarray]:
    return np.split(values, np.cumsum(sizes)[:-1])


def _put(values: np.ndarray, places: Sequence[np.ndarray], parts: Sequence[np.ndarray]) -> None:
    for place, part in zip(places, parts, strict=True):
        values[place] = part
