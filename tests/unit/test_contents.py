"""What a path leads to: equal trees are equal wherever they lie, and no change goes unnoticed."""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugbay.contents import ABSENT, Contents
from plugbay.home import contents_index


def digest(path: Path) -> str:
    return Contents().of(str(path)).digest


# A file is its content, a directory a dict, and ``None`` a link to a directory beside the tree.
names = st.sampled_from(["a", "b", "c d", "ü", "-", "x.py"])
trees = st.recursive(
    st.text(max_size=3).map(str.encode) | st.none(),
    lambda inner: st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
).filter(lambda tree: isinstance(tree, dict))


def build(tree: dict, path: Path, linked: Path) -> None:
    path.mkdir()
    for name, entry in tree.items():
        if entry is None:
            (path / name).symlink_to(linked)
        elif isinstance(entry, bytes):
            (path / name).write_bytes(entry)
        else:
            build(entry, path / name, linked)


def seen(path: Path) -> dict:
    """What a step finds below a directory."""
    found = {}
    for entry in path.iterdir():
        if entry.is_dir():
            found[entry.name] = seen(entry)
        else:
            found[entry.name] = (entry.read_bytes(), os.access(entry, os.X_OK))
    return found


@given(trees, trees)
def test_two_directories_are_equal_when_a_step_finds_the_same_in_them(one: dict, other: dict) -> None:
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        for part, tree in (("one", one), ("other", other)):
            (top / part).mkdir()
            (top / part / "linked").mkdir()
            (top / part / "linked" / "file").write_text("linked")
            build(tree, top / part / "tree", top / part / "linked")
        links = len(list(filter(Path.is_symlink, (top / "one" / "tree").rglob("*"))))
        same = seen(top / "one" / "tree") == seen(top / "other" / "tree")
        assert (digest(top / "one" / "tree") == digest(top / "other" / "tree")) == same
        shutil.move(top / "one", top / "elsewhere")
        if not links:  # they lead to where the directory was
            assert (digest(top / "elsewhere" / "tree") == digest(top / "other" / "tree")) == same


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a file is edited": lambda top: _put(top / "tree/sub/file", b"other"),
    "a file is edited and has its size and time as before": lambda top: (
        status := (top / "tree/sub/file").stat(),
        _put(top / "tree/sub/file", b"FILE"),
        os.utime(top / "tree/sub/file", ns=(status.st_atime_ns, status.st_mtime_ns)),
    ),
    "a file is replaced by another of its size and time": lambda top: (
        shutil.copyfile(top / "tree/sub/file", top / "new"),
        _put(top / "new", b"FILE"),
        shutil.copystat(top / "tree/sub/file", top / "new"),
        (top / "new").replace(top / "tree/sub/file"),
    ),
    "a file is renamed": lambda top: (top / "tree/sub/file").rename(top / "tree/sub/other"),
    "a file is moved": lambda top: (top / "tree/sub/file").rename(top / "tree/file"),
    "a file becomes executable": lambda top: (top / "tree/sub/file").chmod(0o755),
    "a file is deleted": lambda top: (top / "tree/sub/file").unlink(),
    "a file becomes a directory": lambda top: ((top / "tree/sub/file").unlink(), (top / "tree/sub/file").mkdir()),
    "an empty file is added": lambda top: _put(top / "tree/sub/more", b""),
    "an empty directory is added": lambda top: (top / "tree/sub/more").mkdir(),
    "an empty directory is deleted": lambda top: (top / "tree/empty").rmdir(),
    "a file behind a link is edited": lambda top: _put(top / "behind/file", b"other"),
    "a file of a linked directory is edited": lambda top: _put(top / "linked/deep/file", b"other"),
    "a file is added to a linked directory": lambda top: _put(top / "linked/deep/more", b""),
    "a link leads elsewhere": lambda top: (
        (top / "tree/link").unlink(),
        (top / "tree/link").symlink_to(top / "behind"),
    ),
    "a link that leads nowhere leads elsewhere": lambda top: (
        (top / "tree/nowhere").unlink(),
        (top / "tree/nowhere").symlink_to(top / "still-nowhere"),
    ),
    "a link comes to lead somewhere": lambda top: _put(top / "not-there", b""),
}


@pytest.fixture
def top(tmp_path: Path) -> Path:
    for directory in ("tree/sub", "tree/empty", "linked/deep", "behind"):
        (tmp_path / directory).mkdir(parents=True)
    for file in ("tree/sub/file", "linked/deep/file", "behind/file"):
        (tmp_path / file).write_bytes(b"file")
    (tmp_path / "tree/link").symlink_to(tmp_path / "linked")
    (tmp_path / "tree/sub/behind").symlink_to("../../behind/file")
    (tmp_path / "tree/nowhere").symlink_to(tmp_path / "not-there")
    (tmp_path / "tree/circle").symlink_to(tmp_path / "tree")
    (tmp_path / "tree/sub/up").symlink_to("..")
    return tmp_path


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("remembered", [False, True], ids=["at once", "remembered"])
def test_a_change_below_a_directory_is_noticed(
    top: Path, change: str, remembered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if remembered:  # as if the files had been written long ago
        monkeypatch.setattr("plugbay.contents._SETTLED", -3600)
        monkeypatch.setattr("plugbay.contents._MANY", 1)
    contents = Contents()
    before = contents.of(str(top / "tree"))
    contents.look_again()
    assert contents.of(str(top / "tree")) == before
    assert digest(top / "tree") == before.digest
    CHANGES[change](top)
    contents.look_again()
    assert contents.of(str(top / "tree")).digest != before.digest
    assert digest(top / "tree") == contents.of(str(top / "tree")).digest


def test_edits_within_one_tick_of_the_clock_are_noticed(tmp_path: Path) -> None:
    path, contents = tmp_path / "file", Contents()
    found = set()
    for number in range(200):
        path.write_text(f"{number:03}")
        contents.look_again()
        found.add(contents.of(str(path)).digest)
    assert len(found) == 200


def test_what_was_touched_has_the_same_digest_and_another_stamp(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    contents = Contents()
    for path in (tmp_path, tmp_path / "file"):
        before = contents.of(str(path))
        os.utime(tmp_path / "file", ns=(1, 1 + len(str(path))))
        contents.look_again()
        after = contents.of(str(path))
        assert after.digest == before.digest
        assert after.stamp != before.stamp


@pytest.mark.parametrize(
    "path",
    ["missing", "file/below", "loop", "n" * 300, "null\0", "link"],
    ids=["missing", "file", "loop", "long", "null", "link"],
)
def test_a_path_that_leads_nowhere_is_absent(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "link").symlink_to("missing")
    assert digest(tmp_path / path) == ABSENT


@pytest.mark.parametrize("place", ["pipe", "."])
def test_what_cannot_be_read_is_an_error_that_names_it_and_is_not_waited_for(tmp_path: Path, place: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="neither a file nor a directory") as caught:
        Contents().of(str(tmp_path / place))
    assert caught.value.filename == str(tmp_path / "pipe")


def test_directories_that_link_to_each_other_many_times_are_read_once(tmp_path: Path) -> None:
    directories = [tmp_path / f"d{number}" for number in range(40)]
    for directory in directories:
        directory.mkdir()
    for one, other in itertools.pairwise(directories):
        (one / "left").symlink_to(other)
        (one / "right").symlink_to(other)
    before = digest(directories[0])
    (directories[-1] / "file").touch()
    assert digest(directories[0]) != before


def test_relative_paths_count_from_the_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("content")
    monkeypatch.chdir(tmp_path)
    assert Contents().of("file").digest == digest(tmp_path / "file")
    monkeypatch.chdir("/")
    assert Contents(str(tmp_path)).of("file").digest == digest(tmp_path / "file")


def test_large_files_are_not_read_twice(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1" * (1 << 20))
    monkeypatch.setattr("plugbay.contents._SETTLED", -3600)
    before = digest(path)
    with sqlite3.connect(contents_index()) as connection:
        connection.execute("UPDATE files SET digest = 'known'")
    connection.close()
    assert digest(path) == "known"
    path.touch()
    assert digest(path) == before


@pytest.mark.parametrize("damage", ["no database", "a directory", "another version"])
def test_an_index_that_is_damaged_is_no_obstacle(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1" * (1 << 20))
    expected = digest(path)
    index = contents_index()
    index.unlink()
    if damage == "a directory":
        index.mkdir()
    elif damage == "no database":
        index.write_bytes(b"no database" * 1000)
    else:
        with sqlite3.connect(index) as connection:
            connection.execute("CREATE TABLE files (path)")
            connection.execute("PRAGMA user_version = 99")
        connection.close()
    assert digest(path) == expected
