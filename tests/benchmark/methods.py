"""Methods that misbehave, each in a way of its own; fresh processes find them here by name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np


def drawn(graph, seed: int) -> tuple[np.ndarray, None]:
    return np.random.default_rng(seed).standard_normal((graph.num_entities, 4)).astype(np.float32), None


@dataclass(frozen=True)
class Plain:
    """Random vectors; prints as it goes, and takes its time before."""

    seed: int = 0

    def prepare(self, graph) -> None:
        time.sleep(0.2)

    def __call__(self, graph, **_):
        print("hello")
        os.system("echo hello again")
        return drawn(graph, self.seed)


@dataclass(frozen=True)
class Hangs:
    """From the second seed on, with a child whose number it leaves in a file."""

    file: str
    seed: int = 0

    def __call__(self, graph, **_):
        if self.seed:
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
            Path(self.file).write_text(str(child.pid))
            time.sleep(300)
        return drawn(graph, self.seed)


@dataclass(frozen=True)
class Fails:
    """By an error, without memory, or by a signal."""

    how: str
    seed: int = 0

    def __call__(self, graph, **_):
        if self.how == "memory":
            raise MemoryError("16.0 TiB needed")
        if self.how in ("SIGKILL", "SIGSEGV"):
            os.kill(os.getpid(), getattr(signal, self.how))
        raise ValueError("`graph` is not to my liking\nat all")


@dataclass(frozen=True)
class Hungry:
    """Takes so many bytes for a moment."""

    size: int
    seed: int = 0

    def __call__(self, graph, **_):
        np.ones(self.size, np.uint8).sum()
        return drawn(graph, self.seed)
