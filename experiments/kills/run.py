"""Does a run that is killed at any moment go on to the same bits?

python -m experiments.kills.run            # 50 kills, some ten minutes on 2 cores
python -m experiments.kills.run --smoke    # 3 kills, smaller

A run with a checkpoint after every step is killed (SIGKILL) at a random moment of its life, and run again with
`--resume`, which may be killed as well, until it ends; what it wrote is compared with what the unbroken run wrote.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from experiments.record import arguments, write

ROOT = Path(__file__).resolve().parents[2]
KEEPING = ("--checkpoint-every", "1", "--resume")


def main() -> None:
    args = arguments(__file__, __doc__)
    with TemporaryDirectory() as folder:
        write(args.output, lines(Path(folder), *((3, 2_000, 16, 60) if args.smoke else (50, 60_000, 128, 60))))


def lines(folder: Path, kills: int, entities: int, dim: int, steps: int) -> Iterator[dict[str, Any]]:
    """A line for each run, with the moments it was killed at, and what was there to go on from."""
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, entities, (4 * entities, 2))
    (folder / "in.txt").write_text("\n".join(f"a{one} a{other}" for one, other in pairs) + "\n")
    command = [sys.executable, "-m", "cleora_jax", "embed", "-i", str(folder / "in.txt"), "--dim", str(dim),
               "-n", str(steps), "-q"]  # fmt: skip
    start = time.monotonic()
    subprocess.run([*command, "-o", str(folder / "whole.npz")], check=True, cwd=ROOT)
    life, whole, done = time.monotonic() - start, (folder / "whole.npz").read_bytes(), 0
    while done < kills:
        keep, output, moments, found = folder / "keep", folder / "out.npz", [], []
        while True:
            found.append(sorted(path.name for path in keep.glob("*")) if keep.exists() else [])
            moment = float(rng.uniform(0, life)) if done + len(moments) < kills and len(moments) < 3 else None
            if ended([*command, "-o", str(output), "--checkpoint", str(keep), *KEEPING], moment):
                break
            moments.append(moment)
            if output.exists():  # killed on its way out
                break
        same = output.read_bytes() == whole
        left = sorted(path.name for path in folder.iterdir() if path.name not in ("in.txt", "whole.npz", "out.npz"))
        shutil.rmtree(keep, ignore_errors=True)
        out = len(found) == len(moments)
        yield {
            "kills": moments, "found": found, "same": same, "left": left, "life": life, "killed_on_the_way_out": out,
            "entities": entities, "dim": dim, "steps": steps,
        }  # fmt: skip
        output.unlink()
        done += len(moments)


def ended(command: list[str], moment: float | None) -> bool:
    """Run; kill after so many seconds, where that is asked for and it is still alive. Whether it came to its end."""
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        code = process.wait(moment)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        return False
    if code:
        raise RuntimeError(f"a run ended with {code}")
    return True


if __name__ == "__main__":
    main()
