"""Where a run's state is kept and where its tables are, in place of memory alone: checked once, at the door."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.cleora.checkpoint import Checkpoint
from cleora_jax.cleora.method import BOTH_WAYS, Cleora
from cleora_jax.cleora.result_file import ResultFile
from cleora_jax.cleora.sharded import Sharded, check_alike, check_sharded, mesh_of
from cleora_jax.cleora.start import Init
from cleora_jax.cleora.striped import Striped, check_on_disk, made
from cleora_jax.graph.build import Graph

FITS: dict[str, Callable[[Cleora], None]] = {"spill": check_on_disk, "devices": check_sharded}


class Places(NamedTuple):
    """Options of `embed`: one of them, or none, or a checkpoint of tables in files."""

    checkpoint: Checkpoint | None = None
    spill: str | os.PathLike[str] | None = None
    devices: Sequence[jax.Device] | None = None

    def check(self, method: Any, runs: Sequence[str] = ("",)) -> None:
        """Raise unless the method goes with what is given, and a state that there is will be gone on from.

        Args:
            method: what is run.
            runs: names of the runs, where several keep states of their own.
        """
        check_names([name for name, value in self._asdict().items() if value is not None], method)
        if self.devices is not None:
            mesh_of(self.devices)
        if self.checkpoint is None:
            return
        if not isinstance(self.checkpoint, Checkpoint):
            raise TypeError(f"`checkpoint` must be a Checkpoint(folder), got {self.checkpoint!r:.100}.")
        ways = ("directed", "directed-in") if method.propagation == BOTH_WAYS else ("",)
        self.checkpoint.check([os.path.join(run, way) for run in runs for way in ways])

    def within(self, name: str) -> Places:
        """Those of one run of several."""
        return self if self.checkpoint is None else self._replace(checkpoint=self.checkpoint.within(name))

    def of(self, method: Any, graph: Graph, init: Init | None) -> Callable[..., tuple[np.ndarray, Any]]:
        """The method with what is given."""
        settings = method
        if self.checkpoint is not None:
            method = partial(method, checkpoint=self.checkpoint)
        if self.spill is not None:
            ways = 2 if settings.propagation == BOTH_WAYS else 1
            columns = ways * settings.num_parts * settings.dim
            result = ResultFile(made(self.spill), graph.num_entities, graph.kept, columns)
            return partial(method, tables=partial(Striped, self.spill, settings.storage, result))
        if self.devices is not None:
            check_alike(self.devices, graph, method, init)
            return partial(method, tables=partial(Sharded, mesh_of(self.devices)))
        return method


def check_names(names: Sequence[str], method: Any) -> None:
    """Raise OptionError unless the options of these names go with each other and with the method."""
    if not names:
        return
    if not isinstance(method, Cleora):
        raise checks.OptionError(f"`{names[0]}` is for the steps of Cleora; {method} has none.")
    if len(names) > 1 and "devices" in names:
        raise checks.OptionError(f"`{names[0]}` does not go with `{names[1]}`.")
    for name in names:
        if name in FITS:
            FITS[name](method)
