"""Worker processes that execute the steps of one run: hand out steps, collect results, notice deaths."""

from __future__ import annotations

import pickle
import threading
import time
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Pipe, wait
from typing import TYPE_CHECKING

from plugbay_local.worker import READY, RETURNED, RETURNED_LAST, PayloadError
from plugbay_local.worker_process import StartMethod, WorkerProcess, WorkerStartError, import_once

if TYPE_CHECKING:
    from types import TracebackType

    from plugbay_hookspecs.types.execution import LiveRun, ReadyStep


class WorkerPool:
    """Up to ``size`` worker processes, each started when a step needs it and ended when the pool is left.

    The thread that enters the pool assigns steps. A second one waits for all workers at once and completes their steps;
    it alone sees workers end. What both use is guarded by one lock.
    """

    def __init__(self, run: LiveRun, size: int, start_method: StartMethod) -> None:
        self._run = run
        self._size = size
        self._start_method = start_method
        self._workers: list[WorkerProcess] = []
        self._idle: list[WorkerProcess] = []
        self._closing = False
        self._failure: Exception | None = None
        self._changed = threading.Condition()
        self._wake_reader, self._wake_writer = Pipe(duplex=False)
        self._collector = threading.Thread(target=self._collect, name="plugbay-worker-pool", daemon=True)

    def __enter__(self) -> WorkerPool:
        self._collector.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._changed:
            self._closing = True
            for worker in self._workers:
                if worker.deadline is None:
                    worker.leave() if worker.step is None else worker.terminate()
        self._wake()
        try:
            self._collector.join()
        except BaseException:
            with self._changed:
                for worker in self._workers:
                    worker.kill()
            self._collector.join()
            raise
        finally:
            self._wake_reader.close()
            self._wake_writer.close()
        if self._failure is not None and error is None:
            raise self._failure

    def assign(self, step: ReadyStep) -> None:
        """Have a worker execute a step; wait when all are busy. Raises what made the pool useless."""
        if self._failure is not None:
            raise self._failure
        try:
            payload = step.payload()
            request = pickle.dumps(payload, pickle.HIGHEST_PROTOCOL)
        except Exception as error:  # noqa: BLE001  the step fails with it, and the others go on
            self._run.complete(step, error)
            return
        with self._changed:
            while not self._idle and sum(not worker.retired for worker in self._workers) >= self._size:
                self._changed.wait()
            worker = self._idle.pop() if self._idle else self._start(type(payload).__module__)
            worker.step = step
        self._run.submitted(step, partial(self._cancel, worker, step))
        worker.send(request)

    def _start(self, needs: str) -> WorkerProcess:
        if not self._workers:
            import_once(self._start_method, needs)
        worker = WorkerProcess(self._start_method, f"plugbay-worker-{self._run.id}")
        self._workers.append(worker)
        self._wake()
        return worker

    def _cancel(self, worker: WorkerProcess, step: ReadyStep) -> None:
        with self._changed:
            if worker.step is not step or worker.deadline is not None:
                return
            worker.terminate()
        self._wake()

    def _wake(self) -> None:
        """Make the collector look at the workers anew."""
        self._wake_writer.send_bytes(b"")

    def _collect(self) -> None:
        while True:
            with self._changed:
                if self._closing and not self._workers:
                    return
                by_connection = {worker.connection: worker for worker in self._workers if not worker.hung_up}
                by_sentinel = {worker.process.sentinel: worker for worker in self._workers}
                timeout = self._escalate_overdue()
            ready = wait([self._wake_reader, *by_connection, *by_sentinel], timeout)
            for source in ready:
                if source is self._wake_reader:
                    self._wake_reader.recv_bytes()
                elif source in by_connection:
                    self._receive(by_connection[source])
            # After the replies: a worker's last one may lie in the pipe that its end left behind.
            for source in ready:
                if source in by_sentinel:
                    self._bury(by_sentinel[source])

    def _escalate_overdue(self) -> float | None:
        """Signal the workers that did not end in time; return the seconds until the next is due."""
        now = time.monotonic()
        for worker in self._workers:
            if worker.deadline is not None and worker.deadline <= now:
                worker.escalate()
        return min((worker.deadline - now for worker in self._workers if worker.deadline is not None), default=None)

    def _receive(self, worker: WorkerProcess) -> None:
        try:
            reply = worker.connection.recv_bytes()
        except (EOFError, OSError):
            worker.hung_up = True
            return
        if reply == READY:
            worker.ready = True
            return
        with self._changed:
            step, worker.step = worker.step, None
            if reply.startswith(RETURNED_LAST):
                worker.retired = True
            elif worker.deadline is None:
                self._idle.append(worker)
            self._changed.notify()
        if step is not None:
            self._complete(step, _result(reply))

    def _bury(self, worker: WorkerProcess) -> None:
        while not worker.hung_up and worker.connection.poll():
            self._receive(worker)
        with self._changed:
            self._workers.remove(worker)
            if worker in self._idle:
                self._idle.remove(worker)
            error = worker.reap()
            if isinstance(error, WorkerStartError):
                # The next one would fail in the same way.
                self._failure = error
            self._changed.notify()
        if worker.step is not None:
            self._complete(worker.step, error)

    def _complete(self, step: ReadyStep, result: bytes | BaseException) -> None:
        try:
            self._run.complete(step, result)
        except Exception as error:  # noqa: BLE001  it is raised when the pool is left
            self._failure = error
            # The run would wait for ever for a step that nobody completes.
            with suppress(Exception):
                self._run.complete(step, error)


def _result(reply: bytes) -> bytes | BaseException:
    if reply.startswith((RETURNED, RETURNED_LAST)):
        return reply[1:]
    try:
        error = pickle.loads(reply[1:])  # noqa: S301  it comes from a worker that this process started
    except Exception as unreadable:  # noqa: BLE001  its class cannot be imported here, or breaks
        return PayloadError(f"the step's process raised an exception that cannot be read here: {unreadable}")
    assert isinstance(error, BaseException)
    return error
