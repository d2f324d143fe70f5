"""MLflow's own current run of a thread: what ``mlflow.log_metric`` and ``mlflow.autolog()`` of user code write to."""

from __future__ import annotations

import math
import threading
from typing import Any

from attrs import define, field

from plugbay_mlflow.credentials import Credentials, lend, take_back


@define(eq=False)
class CurrentRuns:
    """Makes tracked runs the current ones of their threads, at one server.

    The server that MLflow is set to belongs to the process: it is set with the first run and set back after the last.
    """

    uri: str
    credentials: Credentials
    timeout: float
    retries: int
    _open: int = field(default=0, init=False)
    _before: str | None = field(default=None, init=False)
    _outer: dict[str, str | None] = field(factory=dict, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def begin(self, run_id: str) -> None:
        """Make a run the current one of this thread, inside of one that is already."""
        import mlflow

        self._enter(mlflow)
        try:
            outer = mlflow.active_run()
            mlflow.start_run(run_id=run_id, nested=True)
            self._outer[run_id] = None if outer is None else outer.info.run_id
        except BaseException:
            self._leave(mlflow)
            raise

    def end(self, run_id: str, status: str) -> None:
        """End a run, with all that were begun inside of it, in the thread in which it began."""
        import mlflow

        outer = self._outer.pop(run_id)
        try:
            # User code may have begun runs and left them, or have ended this one itself.
            while (run := mlflow.active_run()) is not None and run.info.run_id != outer:
                mlflow.end_run(status)
        finally:
            self._leave(mlflow)

    def _enter(self, mlflow: Any) -> None:
        from mlflow import environment_variables as variables
        from mlflow.tracking import is_tracking_uri_set

        with self._lock:
            if not self._open:
                self._before = mlflow.get_tracking_uri() if is_tracking_uri_set() else None
                # The defaults wait for minutes; variables that the user has set come before any default.
                variables.MLFLOW_HTTP_REQUEST_TIMEOUT.default = math.ceil(self.timeout)
                variables.MLFLOW_HTTP_REQUEST_MAX_RETRIES.default = self.retries
                variables.MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.default = True  # it is in the record, not in the log
                mlflow.set_tracking_uri(self.uri)
            self._open += 1
        lend(self.uri, self.credentials)

    def _leave(self, mlflow: Any) -> None:
        take_back(self.uri, self.credentials)
        with self._lock:
            self._open -= 1
            if not self._open:
                mlflow.set_tracking_uri(self._before)
