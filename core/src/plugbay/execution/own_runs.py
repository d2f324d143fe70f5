"""Which runs this user has started on this machine, so that going on with one runs no code that somebody else has named.

The plan of a run lies in the artifact store, and says where its code is. Whoever may write to the store could say something
else. So a note of it is kept where only the user writes.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from plugbay.config.layers import project_directory
from plugbay.home import started_directory
from plugbay.store.documents import RunRecord
from plugbay.values import canonical


def note(record: RunRecord) -> None:
    """Keep in mind that this user has started the run."""
    path = started_directory() / record.id
    with suppress(OSError):  # where there is no place for it, the code has to be named to go on with the run
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(_digest(record))


def forget(run_id: str) -> None:
    """Drop the note of a run that nobody will go on with."""
    with suppress(OSError):
        (started_directory() / run_id).unlink()


def is_own(record: RunRecord) -> bool:
    """Whether this user has started the run on this machine, and it names the code that it named then."""
    with suppress(OSError, ValueError):
        return (started_directory() / record.id).read_text() == _digest(record)
    return False


def is_of_project(record: RunRecord) -> bool:
    """Whether the code that the run names lies in the project at hand: below its configuration, or the current directory."""
    if record.code_root is None:
        return False
    root, here = Path(record.code_root).resolve(), Path.cwd().resolve()
    return any(root.is_relative_to(directory) for directory in (here, project_directory(here)) if directory is not None)


def _digest(record: RunRecord) -> str:
    named = [record.plan.target, record.code_root, [step.function for step in record.plan.steps]]
    return hashlib.sha256(canonical(named)).hexdigest()
