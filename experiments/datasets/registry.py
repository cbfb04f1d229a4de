"""Write the registry of data sets (cleora_jax/data/registry.json) from the MANIFEST.json of the data folder.

`python -m experiments.datasets.registry` overwrites it; `tests/data/test_registry.py` checks that this makes it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

from experiments.record import data_folder

TARGET = Path(__file__).resolve().parents[2] / "cleora_jax" / "data" / "registry.json"
BUNDLED = ("karate", "lesmis", "davis-women")  # the package holds these itself
KEPT = ("source", "home", "homepage", "licence", "published", "note", "protocol")


def main() -> None:
    TARGET.write_text(registry(data_folder()))


def registry(folder: Path) -> str:
    """The registry as JSON, a line for each data set and each file, so that changes can be read."""
    given = json.loads((folder / "MANIFEST.json").read_text())["datasets"]
    sets = [_set(name, entry, folder) for name, entry in given.items() if name not in BUNDLED]
    return "[\n" + ",\n".join(sets) + "\n]\n"


def _set(name: str, entry: dict[str, Any], folder: Path) -> str:
    counts = {what: count for what, count in entry["counts"].items() if what != "class_sizes"}
    revisions = {f"{file['repository']}@{file['commit']}" for file in entry["source_files"]}
    about = {"name": name, "title": entry["title"], "kind": _kind(entry), "counts": counts}
    about |= {key: entry[key] for key in KEPT} | {"revision": " ".join(sorted(revisions))}
    files = ",\n  ".join(json.dumps(_file(file, folder)) for file in entry["files"])
    return f'{json.dumps(about, ensure_ascii=False)[:-1]}, "files": [\n  {files}]}}'


def _kind(entry: dict[str, Any]) -> str:
    kind: str = entry["kind"].removeprefix("labelled ")
    return f"directed {kind}" if kind == "graph" and entry["directed"] else kind


def _file(file: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What is known of a file; of compressed text also the text's own size and checksum."""
    known = {"name": file["file"].split("/")[1], "size": file["bytes"], "sha256": file["sha256"]}
    if not file["file"].endswith(".gz"):
        return known
    text = gzip.decompress((folder / file["file"]).read_bytes())
    known |= {"rows": file["rows"], "columns": file["columns"]}
    return known | {"text_size": len(text), "text_sha256": hashlib.sha256(text).hexdigest()}


if __name__ == "__main__":
    main()
