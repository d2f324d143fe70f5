"""One store for several users of a machine."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from faultlab.tally import Tally
from faultlab.users import Machine, as_user, can_be_others

pytestmark = pytest.mark.skipif(not can_be_others(), reason="needs root, setpriv and a Python that others may run")

FLOW = """
import os
from pathlib import Path

from plugbay import pipeline, step


@step
def big() -> bytes:
    print("made by", os.getuid())
    return b"x" * 100_000


@step(cache=False)
def fails(data: bytes) -> int:
    print("as", os.getuid())
    if os.environ.get("FAIL"):
        raise ValueError("asked to")
    return len(data)


@step
def tree(count: int, directory: str) -> Path:
    made = Path(directory, f"tree-{os.getuid()}")
    made.mkdir(exist_ok=True)
    (made / "file").write_text("text")
    return made


@pipeline
def p(directory: str) -> None:
    tree(fails(big()), directory)
"""
GROUP = 7001
USERS = (7101, 7102)


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody may enter."""
    directory = Path(tempfile.mkdtemp(prefix="plugbay-users-")).resolve()
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def users(place: Path, *, umask: str, **settings: str) -> list[Machine]:
    project, store = place / "project", place / "store"
    project.mkdir()
    (project / "flow.py").write_text(FLOW)
    store.mkdir()
    os.chown(store, USERS[0], GROUP)
    store.chmod(0o755)
    found = []
    for uid in USERS:
        home = place / f"home-{uid}"
        home.mkdir(mode=0o700)
        os.chown(home, uid, uid)
        before = [*as_user(uid, uid)[:-1], f"--groups={GROUP}", "sh", "-c", f'umask {umask}; exec "$@"', "sh"]
        found.append(Machine(home=home, project=project, store=store, before=before, settings=settings))
    return found


@pytest.mark.parametrize("umask", ["022", "077", "002"])
def test_two_users_share_a_store_whatever_their_umask(place: Path, umask: str, tally: Tally) -> None:
    """Injects: a second user of the group, who resumes the first one's run, runs the pipeline again and collects garbage.
    Proves: each may read, resume, cancel, and delete what the other has written: logs, blobs, records, claims and scratch files."""
    first, second = users(place, umask=umask, PLUGBAY_STACKS__DEFAULT__ARTIFACT_STORE__SHARED="group")
    code, said = first.run("run", "flow.py:p", "-p", f"directory={first.home}", FAIL="1")
    assert code == 1, said
    tally.fault("users")
    assert "ValueError: asked to" in second.run("show", "last")[1]
    assert "as 7101" in second.run("logs", "last", "fails")[1]
    code, said = second.run("run", "--resume", "last")
    assert code in (0, 1), said
    code, said = second.run("run", "flow.py:p", "-p", f"directory={second.home}")
    assert code == 0, said
    for path in [first.store, *first.store.rglob("*")]:
        found = path.stat()
        assert found.st_gid == GROUP, path
        wanted = 0o2070 if path.is_dir() else 0o060
        assert stat.S_IMODE(found.st_mode) & wanted == wanted, (path, oct(found.st_mode))
    code, said = first.run("gc", "--keep", "0", "--grace", "0s")
    assert code == 0, said
    assert not [path for path in first.store.rglob("*") if path.is_file()], said
    tally.recovery()


def test_without_the_setting_the_umask_decides(place: Path) -> None:
    first, second = users(place, umask="022")
    code, said = first.run("run", "flow.py:p", "-p", f"directory={first.home}")
    assert code == 0, said
    assert all(not path.stat().st_mode & stat.S_IWGRP for path in first.store.rglob("*"))
    assert second.run("show", "last")[0] == 0
    assert second.run("gc", "--keep", "0")[0] == 2


def test_who_may_not_share_a_directory_is_told_what_to_do(place: Path) -> None:
    _, second = users(place, umask="022", PLUGBAY_STACKS__DEFAULT__ARTIFACT_STORE__SHARED="group")
    code, said = second.run("run", "flow.py:p", "-p", f"directory={second.home}")
    assert code == 2
    assert f"chmod g+rwxs {second.store}" in said
