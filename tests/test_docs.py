"""The Python on the pages for users runs, block after block, in the root of a clone."""

from __future__ import annotations

import os
import re
import shutil
import warnings

import pytest

from tests.conftest import ROOT

PAGES = [
    "README.md",
    *(
        f"docs/{page}.md"
        for page in (
            "quickstart",
            "modes",
            "methods",
            "evaluation",
            "datasets",
            "graphs",
            "vectors",
            "large",
            "recommend",
        )
    ),
]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
CLAIM = re.compile(
    r"^([a-z_]+\.[^#\n]*|(?:len|round)\([^#\n]*)  # (True|[\d., ]+|'[^'\n]*'|\([^\n]*\))(?::.*)?$", re.MULTILINE
)
CLAIMS = {
    "docs/modes.md": 5,
    "docs/methods.md": 2,
    "docs/evaluation.md": 2,
    "docs/datasets.md": 2,
    "docs/graphs.md": 5,
    "docs/vectors.md": 5,
    "docs/large.md": 2,
    "docs/recommend.md": 1,
}  # at least so many
NOT_THERE = "purchases/*.tsv.gz"  # an example of files that a reader has


COOKBOOK = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs/cookbook").glob("[!i]*.md"))


@pytest.mark.realdata
@pytest.mark.parametrize("page", COOKBOOK)
def test_the_cookbook_is_true(page, tmp_path, monkeypatch, data):
    monkeypatch.setenv("CLEORA_JAX_DATA", str(data))
    run(page, tmp_path, monkeypatch, least=2)


@pytest.mark.parametrize("page", PAGES)
def test_examples_run_and_their_comments_are_true(page, tmp_path, monkeypatch):
    run(page, tmp_path, monkeypatch, least=CLAIMS.get(page, 0))


def run(page, tmp_path, monkeypatch, least):
    """Run the blocks of a page; what a comment claims to come out of a line is checked where that is a plain value."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {"__name__": "page"}
    text = (ROOT / page).read_text()
    blocks = [(match[1], text[: match.start()].count("\n") + 1) for match in BLOCK.finditer(text)]
    assert blocks
    claims = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for code, line in blocks:
            if NOT_THERE in code:
                continue
            exec(compile("\n" * line + code, os.path.join(ROOT, page), "exec"), scope)
            for expression, claim in CLAIM.findall(code):
                value, expected = eval(expression, scope), eval(claim, {})
                claims.append(expression)
                assert value == (pytest.approx(expected, abs=1e-6) if isinstance(expected, float) else expected), (
                    expression
                )
    assert len(claims) >= least
