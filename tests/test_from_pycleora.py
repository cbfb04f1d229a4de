"""The page for pycleora's users names everything that pycleora has, and nothing that is not there."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from types import ModuleType

import pycleora
import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "from-pycleora.md").read_text()
SHORT = {"cj": "cleora_jax", "nx": "networkx"}
DOTTED = re.compile(r"`([A-Za-z_]\w*(?:\.\w+)+)`")


def modules() -> list[ModuleType]:
    """The package and its public sub-modules; what is defined in the extension is a name of the package itself."""
    names = [one.name for one in pkgutil.iter_modules(pycleora.__path__) if not one.name.startswith("_")]
    return [pycleora] + [importlib.import_module(f"pycleora.{name}") for name in names if name != "pycleora"]


def public_names(module: ModuleType) -> set[str]:
    """Functions and classes defined there, and public members of the classes."""
    homes = {module.__name__, "pycleora.pycleora"} if module is pycleora else {module.__name__}
    found = set()
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) not in homes:
            continue
        if inspect.isfunction(value) or inspect.isclass(value):
            found.add(name)
        if inspect.isclass(value):
            found |= {f"{name}.{member}" for member in vars(value) if not member.startswith("_")}
    return found


def tables() -> dict[str, list[tuple[str, str, str]]]:
    """The rows (name, here, what differs) of each table of the page, by module."""
    found = {}
    for part in PAGE.partition("## Name by name")[2].split("\n### ")[1:]:
        title, _, body = part.partition("\n")
        lines = [line for line in body.splitlines() if line.startswith("|")][2:]
        found[title.strip("`")] = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    return found


TABLES = tables()
ROWS = [(module, *row) for module, rows in TABLES.items() for row in rows]


def resolved(path: str) -> object:
    """What a dotted path names, importing as much of it as is a module."""
    words = path.split(".")
    found: object = importlib.import_module(words[0])
    for at, word in enumerate(words[1:], start=2):
        if not hasattr(found, word):
            importlib.import_module(".".join(words[:at]))
        found = getattr(found, word)
    return found


def test_every_module_has_its_table():
    assert list(TABLES) == sorted(module.__name__ for module in modules())
    assert all(len(row) == 4 for row in ROWS)


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__)
def test_every_name_stands_in_the_table_once(module):
    listed = [name.strip("`") for name, _, _ in TABLES[module.__name__]]
    assert len(listed) == len(set(listed))
    assert public_names(module) - set(listed) == set()
    for name in listed:
        assert resolved(f"{module.__name__}.{name}") is not None


def test_the_introspection_sees_what_there_is():
    assert sum(len(public_names(module)) for module in modules()) > 150
    assert {"SparseMatrix.from_files", "SparseMatrix.entity_ids", "embed"} <= public_names(pycleora)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}.{row[1]}".replace("`", ""))
def test_every_counterpart_imports(row):
    _, name, here, difference = row
    assert re.fullmatch(r"`\w+(\.\w+)?`", name)
    path = DOTTED.fullmatch(here)
    assert path, f"{name}: {here!r} is no dotted path"
    assert resolved(path[1]) is not None
    named = [*DOTTED.findall(difference), *re.findall(r"\b(cj\.\w+)", difference)]
    for other in named:
        first, _, rest = other.partition(".")
        if first in ("sklearn", "networkx", "scipy", "cleora_jax", "cj", "nx"):
            assert resolved(f"{SHORT.get(first, first)}.{rest}") is not None


def test_the_examples_of_the_page_run(capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "from-pycleora.md", "exec"), {})
    assert capsys.readouterr().out
