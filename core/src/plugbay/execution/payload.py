"""An attempt as a picklable call, for engines that ship Python objects between processes of one machine or of many."""

from __future__ import annotations

import importlib
import json
import pickle
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import field, frozen

from plugbay.code.location import unpack
from plugbay.code.main_of_worker import name_main
from plugbay.execution.attempt import Finished, execute_attempt
from plugbay.execution.causes import packed, unpacked
from plugbay.execution.failures import without_secrets
from plugbay.execution.interruption import as_cancellation
from plugbay.execution.session import Session
from plugbay.execution.tasks import Task
from plugbay.stack import Stack
from plugbay.stack.shipping import stack_from
from plugbay.store.layout import source_key

_sessions: dict[str, Session] = {}
"""The sessions that payloads have opened in this process, by run: starting a stack for every step would cost too much."""
_opening = threading.Lock()


@frozen(kw_only=True)
class Payload:
    """Executes one attempt in the process in which it is called; see ``plugbay_hookspecs.types.StepPayload``."""

    key: str
    """Payloads with the same key share a session."""
    opening: bytes = field(repr=False)
    """What opens the session: the shipped stack and where the code is, pickled once for all attempts of a run
    and unpickled once in each process."""
    task: Task

    def __call__(self) -> bytes:
        """Execute the attempt; return what :func:`outcome_of` reads."""
        with _masking(), as_cancellation():
            return pack(execute_attempt(self.task, _session(self.key, self._open)))

    def _open(self) -> Stack:
        shipped, code = pickle.loads(self.opening)  # noqa: S301  it comes from the driver
        code.enter()
        name_main()
        stack: Stack = shipped.build()
        return stack

    @property
    def spent(self) -> bool:
        """Whether a step has left something in this process that no other step should find."""
        return _is_spent(self.key)

    def release(self) -> None:
        """Close the session that this process opened for payloads of the run."""
        _close(self.key)


@frozen(kw_only=True)
class DistantPayload:
    """Executes one attempt in a process that may be on another machine: the code comes from the artifact store."""

    key: str
    """Payloads with the same key share a session."""
    stack: bytes = field(repr=False)
    """What :func:`plugbay.stack.shipping.for_any_machine` gave, as JSON."""
    source: str
    """The digest of the archive of the code."""
    task: Task

    def __call__(self) -> bytes:
        """Execute the attempt; return what :func:`outcome_of` reads."""
        with _masking(), as_cancellation():
            session = _session(self.key, lambda: stack_from(json.loads(self.stack)))
            _unpacked.enter(self.source, session)
            return pack(execute_attempt(self.task, session))

    @property
    def spent(self) -> bool:
        """Whether a step has left something in this process that no other step should find."""
        return _is_spent(self.key)

    def release(self) -> None:
        """Close the session that this process opened for payloads of the run."""
        _close(self.key)


class _UnpackedCode:
    """The project's code in this process, which an engine may use for one run after the other."""

    def __init__(self) -> None:
        self._digest: str | None = None
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._lock = threading.Lock()

    def enter(self, digest: str, session: Session) -> None:
        """Make the code with the digest the one that is imported."""
        with self._lock:
            if digest == self._digest:
                return
            content = session.stack.artifact_store.get(source_key(digest))
            self._leave()
            self._directory = tempfile.TemporaryDirectory(prefix="plugbay-code-", ignore_cleanup_errors=True)
            unpack(digest, content, Path(self._directory.name))
            sys.path.insert(0, self._directory.name)
            importlib.invalidate_caches()
            self._digest = digest

    def _leave(self) -> None:
        """Forget the modules of other code, which this process may have imported under the same names."""
        if self._directory is None:
            return
        directory = self._directory.name
        sys.path.remove(directory)
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None) or "").startswith(directory):
                del sys.modules[name]
        self._directory.cleanup()


_unpacked = _UnpackedCode()


@contextmanager
def _masking() -> Iterator[None]:
    """What is raised instead of recorded goes to the driver, which may not know the secrets of this process."""
    try:
        yield
    except BaseException as error:
        shown = without_secrets(error)
        if shown is error:
            raise
        raise shown from None


def _session(key: str, build: Callable[[], Stack]) -> Session:
    with _opening:
        session = _sessions.get(key)
        if session is None:
            own_process = threading.current_thread() is threading.main_thread()
            session = Session(build(), own_process=own_process)
            session.__enter__()
            _sessions[key] = session
        return session


def _is_spent(key: str) -> bool:
    session = _sessions.get(key)
    return session is not None and session.spent


def _close(key: str) -> None:
    with _opening:
        session = _sessions.pop(key, None)
    if session is not None:
        session.__exit__()


def pack(finished: Finished) -> bytes:
    """The outcome of an attempt as bytes; an exception that cannot be pickled stays behind."""
    return pickle.dumps((finished.record, packed(finished.error)), pickle.HIGHEST_PROTOCOL)


def outcome_of(result: bytes) -> Finished:
    """Read what :func:`pack` wrote."""
    record, error = pickle.loads(result)  # noqa: S301  it comes from a worker of this run
    return Finished(record, None if record.error is None else unpacked(error, record.error))
