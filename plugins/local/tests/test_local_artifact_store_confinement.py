"""Nothing outside the root is read, written or deleted, whatever the key and whatever lies in the store."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugbay_local.artifact_store import LocalArtifactStore
from plugbay_local.objects.keys import parts_of

OPERATIONS: dict[str, Callable[[LocalArtifactStore, str], object]] = {
    "put": lambda store, key: store.artifact_store_put(key, b"x", False, True),
    "put if absent": lambda store, key: store.artifact_store_put(key, b"x", True, True),
    "get": lambda store, key: store.artifact_store_get(key),
    "open": lambda store, key: store.artifact_store_open(key, 0, None),
    "stat": lambda store, key: store.artifact_store_stat(key),
    "delete": lambda store, key: store.artifact_store_delete([key]),
    "local path": lambda store, key: store.artifact_store_local_path(key),
}
BAD_KEYS = [
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "a/../b",
    "../a",
    "a/.",
    ".scratch/a",
    "a/.b",
    "a\\b",
    "a\0b",
    "a\nb",
    "a\x7f",
    "a\x85",
    "\ud800",
]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"untouched")
    return tmp_path / "outside"


@pytest.mark.parametrize("key", BAD_KEYS, ids=ascii)
@pytest.mark.parametrize("operation", [*OPERATIONS, "url"])
def test_a_key_that_could_lead_out_is_refused(store: LocalArtifactStore, operation: str, key: str) -> None:
    with pytest.raises(ValueError, match="not an object's key"):
        OPERATIONS.get(operation, LocalArtifactStore.artifact_store_url)(store, key)


@pytest.mark.parametrize("prefix", ["a", "/", "../", "a//", ".scratch/", "a/../"])
def test_a_prefix_that_could_lead_out_is_refused(store: LocalArtifactStore, prefix: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        store.artifact_store_list(prefix, None, True)


@given(st.text())
def test_a_key_either_is_refused_or_stays_below_the_root(key: str) -> None:
    try:
        parts = parts_of(key)
    except ValueError:
        return
    assert "/".join(parts) == key
    assert os.path.normpath(f"/root/{key}") == f"/root/{key}"


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("planted", ["a", "a/b", "a/b/file"])
def test_a_planted_link_is_refused(
    store: LocalArtifactStore, tmp_path: Path, outside: Path, planted: str, operation: str
) -> None:
    link = tmp_path / "store" / planted
    link.parent.mkdir(parents=True)
    link.symlink_to(outside / "file" if planted == "a/b/file" else outside)
    key = "a/b/file" if planted != "a" else "a/file"
    with pytest.raises(PermissionError, match=f"symbolic link.*{key}"):
        OPERATIONS[operation](store, key)
    assert [path.name for path in outside.iterdir()] == ["file"]
    assert (outside / "file").read_bytes() == b"untouched"
    assert link.is_symlink()


def test_a_link_in_place_of_the_scratch_directory_is_never_followed(
    store: LocalArtifactStore, tmp_path: Path, outside: Path
) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / ".scratch").symlink_to(outside)
    with suppress(PermissionError):  # where the system makes files without a name, small ones need no such directory
        store.artifact_store_put("a", b"x", False, True)
    with pytest.raises(PermissionError, match="symbolic link"):
        store.artifact_store_scratch()
    assert [path.name for path in outside.iterdir()] == ["file"]


def test_links_and_pipes_are_not_listed_and_a_linked_prefix_is_refused(
    store: LocalArtifactStore, tmp_path: Path, outside: Path
) -> None:
    store.artifact_store_put("a/object", b"x", False, True)
    (tmp_path / "store" / "a" / "directory").symlink_to(outside)
    (tmp_path / "store" / "a" / "linked").symlink_to(outside / "file")
    os.mkfifo(tmp_path / "store" / "a" / "pipe")
    assert [found.key for found in store.artifact_store_list("", None, True)] == ["a/object"]
    with pytest.raises(PermissionError, match="symbolic link"):
        store.artifact_store_list("a/directory/", None, True)
    with pytest.raises(FileNotFoundError):
        store.artifact_store_get("a/pipe")


def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "store").symlink_to(tmp_path / "disk")
    store = LocalArtifactStore(path=tmp_path / "store")
    store.artifact_store_put("a/b", b"x", False, True)
    assert (tmp_path / "disk" / "a" / "b").read_bytes() == b"x"
