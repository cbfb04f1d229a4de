"""One embedding in a fresh process on so many cores, to a file. Started by `run.py`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

if __name__ == "__main__":
    threads, chunk, form, where, dim, steps, output, *files = sys.argv[1:]
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(threads)])
    import cleora_jax as cj  # after the cores are set: XLA sizes its threads by them

    graph = cj.read(files, chunk_bytes=int(chunk))
    with TemporaryDirectory(dir=Path(output).parent) as folder:
        method = cj.Cleora(dim=int(dim), num_iterations=int(steps), form=form)  # type: ignore[arg-type]
        found = cj.embed(graph, method, spill=folder if where == "files" else None)
        np.savez(output, vectors=found.vectors, ids=np.array(found.vocab.ids.to_pylist()))
