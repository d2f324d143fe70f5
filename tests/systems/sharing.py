"""What takes long to make and is the same for every worker of the tests: one makes it for all."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return the directory ``name``, which ``make`` fills, given an empty one, in whichever process asks first."""
    shared = factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else factory.getbasetemp()
    with FileLock(shared / f"{name}.lock"):
        if not (shared / name).exists():
            scratch = factory.mktemp(name)
            make(scratch)
            scratch.rename(shared / name)
    return shared / name
