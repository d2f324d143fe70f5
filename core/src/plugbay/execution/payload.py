"""An attempt as a picklable call, for engines that ship Python objects between processes of one machine or cluster."""

from __future__ import annotations

import pickle
import threading

from attrs import field, frozen

from plugbay.code.location import CodeLocation
from plugbay.execution.attempt import Finished, execute_attempt
from plugbay.execution.session import Session
from plugbay.execution.tasks import Task
from plugbay.stack.shipping import ShippedStack
from plugbay.store.documents import AttemptRecord, read, write

_sessions: dict[str, Session] = {}
"""The sessions that payloads have opened in this process, by run: starting a stack for every step would cost too much."""
_opening = threading.Lock()


@frozen(kw_only=True)
class Payload:
    """Executes one attempt in the process in which it is called; see ``plugbay_hookspecs.types.StepPayload``."""

    key: str
    """Payloads with the same key share a session."""
    stack: ShippedStack = field(repr=False)
    code: CodeLocation
    task: Task

    def __call__(self) -> bytes:
        """Execute the attempt; return what :func:`unpack` reads."""
        self.code.enter()
        return pack(execute_attempt(self.task, self._session()))

    def _session(self) -> Session:
        with _opening:
            session = _sessions.get(self.key)
            if session is None:
                own_process = threading.current_thread() is threading.main_thread()
                session = Session(self.stack.build(), own_process=own_process)
                session.__enter__()
                _sessions[self.key] = session
            return session

    def release(self) -> None:
        """Close the session that this process opened for payloads of the run."""
        with _opening:
            session = _sessions.pop(self.key, None)
        if session is not None:
            session.__exit__()


def pack(finished: Finished) -> bytes:
    """The outcome of an attempt as bytes; an exception that cannot be pickled stays behind."""
    try:
        error = pickle.dumps(finished.error)
    except Exception:  # noqa: BLE001  an exception may pickle and yet not unpickle
        error = pickle.dumps(None)
    return pickle.dumps((write(finished.record), error))


def unpack(result: bytes) -> Finished:
    """Read what :func:`pack` wrote."""
    document, pickled = pickle.loads(result)  # noqa: S301  it comes from a worker of this run
    try:
        error = pickle.loads(pickled)  # noqa: S301  as above
    except Exception:  # noqa: BLE001  an exception may pickle and yet not unpickle
        error = None
    return Finished(read(document, AttemptRecord, "the result of a payload"), error)
