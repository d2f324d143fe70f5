from __future__ import annotations

import os
from pathlib import Path

import pytest

from plugbay_hookspecs.types import StackInfo
from plugbay_local.artifact_store import LocalArtifactStore

STACK = StackInfo(name="s", components=())


def put(store: LocalArtifactStore, key: str, source: bytes | Path = b"x", *, if_absent: bool = False) -> bool:
    return store.artifact_store_put(key, source, if_absent, True)


def files(root: Path) -> set[str]:
    """All paths under a directory but the empty scratch directory."""
    return {str(path.relative_to(root)) for path in root.rglob("*")} - {".scratch"}


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("if_absent", [False, True])
@pytest.mark.parametrize("key", ["a", "a/b", "runs/r/steps/s/1.json", "ü/日本/🎈", "with space/%41", "-/~/+"])
def test_what_was_put_is_got(store: LocalArtifactStore, key: str, if_absent: bool, durable: bool) -> None:
    assert store.artifact_store_put(key, b"content", if_absent, durable)
    assert store.artifact_store_get(key) == b"content"
    found = store.artifact_store_stat(key)
    assert found is not None
    assert (found.key, found.size) == (key, 7)
    assert files(store.artifact_store_scratch()) == set()


def test_put_replaces_and_if_absent_does_not(store: LocalArtifactStore) -> None:
    assert put(store, "a/b", b"first")
    assert put(store, "a/b", b"second")
    assert not put(store, "a/b", b"third", if_absent=True)
    assert store.artifact_store_get("a/b") == b"second"


def test_an_object_left_alone_counts_as_modified_now(store: LocalArtifactStore) -> None:
    put(store, "a/b")
    path = store.artifact_store_local_path("a/b")
    assert path is not None
    os.utime(path, (1, 1))
    put(store, "a/b", if_absent=True)
    assert path.stat().st_mtime > 1e9


def test_a_file_is_moved_from_scratch_and_keeps_its_inode(store: LocalArtifactStore) -> None:
    for if_absent in (False, True):
        source = store.artifact_store_scratch() / "made"
        source.write_bytes(b"large")
        inode = source.stat().st_ino
        key = f"moved/{if_absent}"
        assert put(store, key, source, if_absent=if_absent)
        assert not source.exists()
        path = store.artifact_store_local_path(key)
        assert path is not None
        assert path.stat().st_ino == inode


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="needs a second file system, /dev/shm")
@pytest.mark.parametrize("if_absent", [False, True])
def test_a_file_from_another_file_system_is_copied_and_removed(store: LocalArtifactStore, if_absent: bool) -> None:
    store.artifact_store_scratch()
    source = Path(f"/dev/shm/plugbay-local-test-{os.getpid()}")
    try:
        source.write_bytes(os.urandom(3_000_000))
        expected = source.read_bytes()
        if source.stat().st_dev == store.artifact_store_scratch().stat().st_dev:
            pytest.skip("the store lies on the same file system as /dev/shm")
        assert put(store, "a/b", source, if_absent=if_absent)
        assert not source.exists()
    finally:
        source.unlink(missing_ok=True)
    assert store.artifact_store_get("a/b") == expected
    assert files(store.artifact_store_scratch()) == set()


def test_a_source_that_is_a_link_or_a_directory_is_refused(store: LocalArtifactStore, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    link = tmp_path / "link"
    link.symlink_to(secret)
    for source in (link, tmp_path):
        with pytest.raises(OSError, match=source.name):
            put(store, "a", source)
    assert secret.read_bytes() == b"secret"
    assert store.artifact_store_stat("a") is None


@pytest.mark.parametrize("key", ["a", "a/b", "no/such/thing"])
def test_an_absent_object_is_not_found(store: LocalArtifactStore, key: str) -> None:
    put(store, "a/b/c")
    with pytest.raises(FileNotFoundError, match=key):
        store.artifact_store_get(key)
    with pytest.raises(FileNotFoundError, match=key):
        store.artifact_store_open(key, 0, None)
    assert store.artifact_store_stat(key) is None
    assert store.artifact_store_local_path(key) is None
    store.artifact_store_delete([key])
    assert store.artifact_store_get("a/b/c") == b"x"


def test_a_store_that_does_not_exist_yet_is_empty(store: LocalArtifactStore, tmp_path: Path) -> None:
    assert store.artifact_store_stat("a") is None
    assert list(store.artifact_store_list("", None, True)) == []
    store.artifact_store_delete(["a"])
    assert files(tmp_path) == set()


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (0, None, b"0123456789"),
        (3, None, b"3456789"),
        (3, 4, b"3456"),
        (0, 0, b""),
        (8, 100, b"89"),
        (10, None, b""),
        (100, 5, b""),
    ],
)
def test_a_range_ends_where_it_should(
    store: LocalArtifactStore, offset: int, length: int | None, expected: bytes
) -> None:
    put(store, "a", b"0123456789")
    with store.artifact_store_open("a", offset, length) as file:
        assert file.read() == expected
        assert file.read() == b""
    with store.artifact_store_open("a", offset, length) as file:
        assert b"".join(iter(lambda: file.read(1), b"")) == expected


def test_a_range_can_be_sought_within(store: LocalArtifactStore) -> None:
    put(store, "a", bytes(range(256)) * 4096)
    with store.artifact_store_open("a", 256, 1000) as file:
        assert file.seek(-4, os.SEEK_END) == 996
        assert file.read() == bytes([228, 229, 230, 231])
        assert file.seek(1) == 1
        assert file.read(2) == b"\x01\x02"
        assert file.tell() == 3


def test_a_negative_range_is_refused(store: LocalArtifactStore) -> None:
    put(store, "a")
    for offset, length in ((-1, None), (0, -1)):
        with pytest.raises(ValueError, match="not a range of 'a'"):
            store.artifact_store_open("a", offset, length)


def test_delete_removes_directories_it_empties_and_no_others(store: LocalArtifactStore, tmp_path: Path) -> None:
    for key in ("a/b/c", "a/b/d/e", "f"):
        put(store, key)
    store.artifact_store_delete(["a/b/d/e", "no/such", "f"])
    assert files(tmp_path / "store") == {"a", "a/b", "a/b/c"}
    store.artifact_store_delete(["a/b/c", "a/b/c"])
    assert files(tmp_path / "store") == set()


def test_an_object_under_an_object_is_an_error_and_changes_nothing(store: LocalArtifactStore) -> None:
    put(store, "a")
    with pytest.raises(NotADirectoryError, match="a/b"):
        put(store, "a/b")
    put(store, "d/e")
    for if_absent in (False, True):
        with pytest.raises(IsADirectoryError, match="d"):
            put(store, "d", if_absent=if_absent)
    assert files(store.artifact_store_scratch()) == set()


def test_a_key_part_too_long_for_the_disk_is_an_error_that_names_it(store: LocalArtifactStore) -> None:
    with pytest.raises(OSError, match=r"File name too long.*ééé"):
        put(store, "é" * 128)
    assert files(store.artifact_store_scratch()) == set()


def test_the_address_is_a_quoted_file_url(store: LocalArtifactStore, tmp_path: Path) -> None:
    assert store.artifact_store_url("a b/ü#") == f"file://{tmp_path}/store/a%20b/%C3%BC%23"


def test_the_store_lies_where_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("PLUGBAY_HOME", raising=False)
    monkeypatch.chdir(tmp_path)

    def path(setting: str | None = None) -> str:
        return LocalArtifactStore(path=None if setting is None else Path(setting)).component_describe()["path"]

    assert path().startswith(str(tmp_path / "home"))
    assert path().endswith("plugbay/store")
    assert path("~/s") == str(tmp_path / "home/s")
    assert path("s") == str(tmp_path / "s")
    monkeypatch.setenv("PLUGBAY_HOME", str(tmp_path / "kept"))
    assert path() == str(tmp_path / "kept/store")
    assert path("s") == str(tmp_path / "s")


def test_the_home_of_an_unknown_user_is_a_problem_of_the_settings() -> None:
    store = LocalArtifactStore(path=Path("~nobody-of-this-name/store"))
    (problem,) = store.component_validate(STACK)
    assert "~nobody-of-this-name/store" in problem.message
    assert not LocalArtifactStore(path=Path("~/store")).component_validate(STACK)


def test_health_tells_whether_objects_can_be_stored(store: LocalArtifactStore, tmp_path: Path) -> None:
    health = store.component_health()
    assert health.ok
    assert "GB free" in health.detail
    assert files(tmp_path / "store") == set()
    (tmp_path / "file").touch()
    health = LocalArtifactStore(path=tmp_path / "file").component_health()
    assert not health.ok
    assert str(tmp_path / "file") in health.detail


@pytest.mark.parametrize("umask", [0o002, 0o022, 0o027, 0o077])
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o700, 0o400])
@pytest.mark.parametrize("if_absent", [False, True])
def test_every_object_has_the_mode_that_the_umask_gives(
    store: LocalArtifactStore, tmp_path: Path, umask: int, mode: int, if_absent: bool
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x")
    source.chmod(mode)
    before = os.umask(umask)
    try:
        put(store, "a/file", source, if_absent=if_absent)
        put(store, "a/bytes", if_absent=if_absent)
    finally:
        os.umask(before)
    for key in ("a/file", "a/bytes"):
        path = store.artifact_store_local_path(key)
        assert path is not None
        assert path.stat().st_mode & 0o777 == 0o666 & ~umask
