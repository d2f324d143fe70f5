"""Which runs this user has started on this machine, so that going on with one runs no code that somebody else has named.

The plan of a run lies in the artifact store, and says where its code is. Whoever may write to the store could say something
else. So a note of it is kept where only the user writes.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from plugbay.config.layers import project_directory
from plugbay.home import started_file
from plugbay.store.documents import RunRecord
from plugbay.values import canonical


def note(record: RunRecord) -> None:
    """Keep in mind that this user has started the run."""
    path = started_file()
    with suppress(OSError):  # where there is no place for it, the code has to be named to go on with the run
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, _line(record).encode())
        finally:
            os.close(descriptor)


def is_own(record: RunRecord) -> bool:
    """Whether this user has started the run on this machine, and it names the code that it named then."""
    wanted = _line(record)
    with suppress(OSError, ValueError), started_file().open(encoding="ascii") as lines:
        return wanted in lines
    return False


def is_of_project(record: RunRecord) -> bool:
    """Whether the code that the run names lies in the project at hand: below its configuration, or the current directory."""
    if record.code_root is None:
        return False
    root, here = Path(record.code_root).resolve(), Path.cwd().resolve()
    return any(root.is_relative_to(directory) for directory in (here, project_directory(here)) if directory is not None)


def _line(record: RunRecord) -> str:
    named = [record.plan.target, record.code_root, [step.function for step in record.plan.steps]]
    return f"{record.id} {hashlib.sha256(canonical(named)).hexdigest()}\n"
