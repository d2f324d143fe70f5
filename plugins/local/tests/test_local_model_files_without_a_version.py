"""Files that no version has, because a process was killed before it could name them or before it had deleted them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugbay_hookspecs.types import ObjectStat
from plugbay_local.model_registry import StoreModelRegistry
from plugbay_local.models import files, sweeping
from plugbay_local.models.log import Log
from plugbay_local.objects.directory import Directory

DAY = 24 * 3600

KILLED = """
    import os, signal, sys
    from pathlib import Path
    import plugbay_local.model_registry as registries
    from plugbay_local.models.log import Log


    def killed(*_):
        os.kill(os.getpid(), signal.SIGKILL)


    registry = registries.StoreModelRegistry(path=Path(sys.argv[1]))
    if sys.argv[2] == "copied":
        Log.change = killed
        registry.model_registry_create_version("flights", Path(sys.argv[3]), "", {}, None)
    else:
        registries.delete_tree = killed
        registry.model_registry_delete_version("flights", "1")
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    registry = StoreModelRegistry(path=tmp_path / "registry")
    registry.model_registry_register("flights", "", {})
    (tmp_path / "model" / "empty").mkdir(parents=True)
    (tmp_path / "model" / "weights").write_bytes(b"weights")
    return tmp_path / "registry"


def create(root: Path) -> str:
    source = root.parent / "model"
    return StoreModelRegistry(path=root).model_registry_create_version("flights", source, "", {}, None).version


def killed_once(root: Path, what: str) -> None:
    """Have a process killed when it has copied a model, or is about to delete one."""
    script = [sys.executable, "-c", textwrap.dedent(KILLED), str(root), what, str(root.parent / "model")]
    assert subprocess.run(script, timeout=60).returncode == -signal.SIGKILL


def places(root: Path) -> set[str]:
    return {
        path.name for path in (root / "files" / "flights").glob("*") if any(each.is_file() for each in path.rglob("*"))
    }


def pass_by(root: Path, seconds: float) -> None:
    """Make all objects older."""
    for path in root.rglob("*"):
        if path.is_file():
            os.utime(path, (time.time(), path.stat().st_mtime - seconds))


@pytest.mark.parametrize("what", ["copied", "deleted"])
def test_what_a_killed_process_left_is_removed_a_day_later(root: Path, what: str) -> None:
    create(root)
    before = places(root)
    killed_once(root, what)
    left = places(root) - before if what == "copied" else before
    assert len(left) == 1
    create(root)
    assert left <= places(root), "it may be in use"
    pass_by(root, DAY + 60)
    version = create(root)
    assert not left & places(root)
    (root.parent / "target").mkdir()
    for kept in {"1", "2", version} - ({"1"} if what == "deleted" else set()):
        StoreModelRegistry(path=root).model_registry_download("flights", kept, root.parent / "target")
        (root.parent / "target" / "model").rename(root.parent / "target" / kept)


def test_what_lies_about_of_a_deleted_model_is_removed_by_who_changes_another(root: Path) -> None:
    killed_once(root, "copied")
    registry = StoreModelRegistry(path=root)
    registry.model_registry_delete("flights")
    registry.model_registry_register("other", "", {})
    pass_by(root, DAY + 60)
    registry.model_registry_create_version("other", root.parent / "model", "", {}, None)
    assert not places(root)
    registry.model_registry_register("flights", "", {})
    assert create(root) == "1"


def test_nobody_looks_twice_a_day(root: Path) -> None:
    create(root)
    killed_once(root, "copied")
    left = places(root)
    pass_by(root / "files", DAY + 60)
    create(root)
    assert left <= places(root)


def test_a_slow_process_whose_files_were_removed_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = files.keep

    def keep_and_sleep(*arguments):
        kept = keep(*arguments)
        monkeypatch.undo()
        pass_by(root, DAY + 60)
        assert create(root) == "1"
        return kept

    monkeypatch.setattr(files, "keep", keep_and_sleep)
    with pytest.raises(OSError, match="create the version again"):
        create(root)
    assert len(places(root)) == 1
    assert [
        each.version for each in StoreModelRegistry(path=root).model_registry_list_versions("flights", None, "newest")
    ] == ["1"]
    assert create(root) == "2"


def test_what_a_slow_process_writes_after_its_files_were_removed_goes_too(root: Path) -> None:
    killed_once(root, "copied")
    (left,) = places(root)
    pass_by(root, DAY + 60)
    create(root)
    (root / "files" / "flights" / left / "model").mkdir(parents=True)
    (root / "files" / "flights" / left / "model" / "late").write_bytes(b"late")
    pass_by(root, DAY + 60)
    create(root)
    assert left not in places(root)


def test_files_that_come_to_have_a_version_while_somebody_looks_stay(root: Path) -> None:
    log = Log(Directory(str(root)))
    kept = files.keep(Directory(str(root)), "flights", root.parent / "model")
    pass_by(root, DAY + 60)

    class Listed(Directory):
        def list(self, prefix: str = "", *, after: str | None = None, recursive: bool = True) -> Iterator[ObjectStat]:
            yield from super().list(prefix, after=after, recursive=recursive)
            if prefix == files.PREFIX:
                named = {"files": {"key": kept.key, "directory": True, "count": kept.count, "size": kept.size}}
                said = {"source": None, "description": "", "metadata": {}, "origin": None}
                log.change("flights", lambda history: {"change": "create_version", "version": "1", **said, **named})

    store = Listed(str(root))
    sweeping.sweep(store, Log(store), time.time())
    (root.parent / "target").mkdir()
    StoreModelRegistry(path=root).model_registry_download("flights", "1", root.parent / "target")
