"""A store that several users share: whatever writes into it, the umask decides who may read what."""

import os

import pytest

FLOW = """
from pathlib import Path

from plugbay import pipeline, step


@step
def said(number: int) -> int:
    for line in range(number):
        print("line", line)
    return number


@step
def made() -> Path:
    Path("made.txt").write_text("text")
    Path("made.txt").chmod(0o600)
    return Path("made.txt")


@step
def large() -> bytes:
    return bytes(300_000)


@step
def tree() -> Path:
    Path("tree/below").mkdir(parents=True, exist_ok=True)
    Path("tree/below/file").write_text("text")
    return Path("tree")


@step
def odd() -> object:
    return {1: object}


@pipeline
def p():
    said.map([1, 2, 1000])
    made(), large(), tree(), odd()
"""


@pytest.mark.parametrize("workers", [1, 2], ids=["inline", "in workers"])
@pytest.mark.parametrize("umask", [0o002, 0o027])
def test_every_file_of_a_run_has_the_mode_that_the_umask_gives(bare, workers, umask):
    bare.write("flow.py", FLOW)
    bare.write(
        "plugbay.toml",
        'observers = []\n[stacks.default]\nartifact_store = "local"\n'
        f'orchestrator = {{ flavor = "local", workers = {workers} }}\n',
    )
    before = os.umask(umask)
    try:
        done = bare.plugbay("run", "flow.py:p")
    finally:
        os.umask(before)
    assert done.code == 0, done
    files = [path for path in (bare.home / "store").rglob("*") if path.is_file()]
    assert any(path.name.endswith(".log") for path in files)
    modes = {str(path): oct(path.stat().st_mode & 0o777) for path in files}
    assert set(modes.values()) == {oct(0o666 & ~umask)}, modes
