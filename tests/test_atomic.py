"""A file appears whole or not at all."""

from __future__ import annotations

import errno
import os

import pytest

from cleora_jax._atomic import atomic_path, atomic_paths


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.ENOSPC, "No space left on device"), ValueError])
@pytest.mark.parametrize("before", [None, "old"])
def test_failure_keeps_what_was_there(tmp_path, error, before):
    path = tmp_path / "x"
    if before is not None:
        path.write_text(before)
    caught = error if isinstance(error, type) else type(error)
    with pytest.raises(caught), atomic_path(path) as temporary, open(temporary, "w") as file:  # noqa: PT012
        file.write("half")
        raise error
    assert os.listdir(tmp_path) == ([] if before is None else ["x"])
    assert before is None or path.read_text() == before


def test_success_replaces_and_keeps_permissions(tmp_path):
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(0o640)
    with atomic_path(path) as temporary, open(temporary, "w") as file:
        assert os.path.dirname(temporary) == str(tmp_path)
        file.write("new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["x"]


def test_failure_at_the_rename_and_at_the_sync(tmp_path, monkeypatch):
    def full(*args, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, full)
            with pytest.raises(OSError, match="No space left"), atomic_path(tmp_path / "x"):
                pass
        assert os.listdir(tmp_path) == []


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere.*create it"), atomic_path(tmp_path / "nowhere" / "x"):
        pass
    with pytest.raises(IsADirectoryError, match="folder"), atomic_path(tmp_path):
        pass
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError), atomic_path(tmp_path / "file" / "x"):
        pass


def test_several_files_none_or_all(tmp_path):
    paths = tmp_path / "a", tmp_path / "b"
    with pytest.raises(KeyboardInterrupt), atomic_paths(*paths) as (first, second):  # noqa: PT012
        first.write_text("1")
        second.write_text("2")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []
    with atomic_paths(*paths) as (first, second):
        first.write_text("1")
        second.write_text("2")
    assert [path.read_text() for path in paths] == ["1", "2"]


def test_links_are_followed(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with atomic_path(tmp_path / "link") as temporary, open(temporary, "w") as file:
        file.write("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"
