"""Attempts that run as jobs of a step operator: submitted, waited for in a thread each, cancelled, cleaned up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from plugbay.errors import PlanError, StoreError
from plugbay.execution.failures import WorkerLost
from plugbay.execution.ready_step import Attempt
from plugbay.stack import Stack
from plugbay.stack.facades.step_operator import StepOperator
from plugbay.store.layout import attempt_key, log_key
from plugbay_hookspecs.types import JobStatus, StepInfo

FIRST_POLL, LAST_POLL = 0.1, 5.0
"""Seconds between two questions for the status of a job; they grow from the one to the other."""
WAIT = 30.0
"""Seconds for which a tool is asked to wait at a time."""
PATIENCE = 600.0
"""Seconds for which a tool that cannot be asked is asked again before the attempt counts as lost."""

_log = logging.getLogger("plugbay")


class Jobs:
    """The jobs of a run. The driver's thread submits them; a thread for each tells when it is over."""

    def __init__(
        self,
        stack: Stack,
        submitted: Callable[[Attempt, Callable[[], None]], None],
        started: Callable[[Attempt], None],
        complete: Callable[[Attempt, BaseException | None], None],
        *,
        resumed: bool,
    ) -> None:
        """Tell of each attempt how it is cancelled, when it begins, and when it is over.

        :param resumed: there may be jobs of a driver that is gone.
        """
        self._stack, self._resumed = stack, resumed
        self._submitted, self._started, self._complete = submitted, started, complete

    def start(self, attempt: Attempt) -> None:
        """Submit the attempt through the step operator that its step names; what goes wrong fails the attempt."""
        name = attempt.call.step.operator or ""
        try:
            if not attempt.portable:
                msg = (
                    f"step {attempt.info.step!r} cannot be imported by another process, so no step operator can run it"
                )
                raise PlanError(msg)
            operator = self._stack.step_operators[name]
            job = self._found(operator, attempt) or operator.submit(
                attempt.info,
                attempt.command(),
                attempt.environment(),
                attempt.resources,
                image=attempt.image,
                timeout=attempt.timeout,
            )
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  whatever it raises, the attempt was not taken
            self._complete(attempt, error)
            return
        self._submitted(attempt, lambda: operator.cancel(job))
        waiting = threading.Thread(
            target=self._follow, args=(attempt, name, operator, job), name=f"plugbay-job-{job}", daemon=True
        )
        waiting.start()

    def clean(self, name: str, info: StepInfo) -> None:
        """Remove what the job of an attempt left that a driver which is gone did not see the end of."""
        component = next((part for part in self._stack.of_type("step_operator") if part.info.name == name), None)
        if component is not None:
            _, job = self._stack.host.tell_one(component, "step_operator_find", step=info)
            if job is not None:
                self._stack.host.tell_one(component, "step_operator_cleanup", job=job)

    def _found(self, operator: StepOperator, attempt: Attempt) -> str | None:
        """The job of a driver that is gone, unless it has ended without a record."""
        job = operator.find(attempt.info) if self._resumed else None
        if job is None:
            return None
        try:
            ended = operator.status(job).ended
        except KeyError:
            ended = True
        except Exception as error:  # noqa: BLE001  whoever follows the job asks again
            _log.debug("job %s cannot be asked for: %s", job, error)
            return job
        # Asked for last: a job that has just ended has left its record before.
        return None if ended and not self._recorded(attempt) else job

    def _recorded(self, attempt: Attempt) -> bool:
        info = attempt.info
        return self._stack.artifact_store.stat(attempt_key(info.run_id, info.step, info.attempt)) is not None

    def _follow(self, attempt: Attempt, name: str, operator: StepOperator, job: str) -> None:
        error: BaseException | None = None
        try:
            status = self._end_of(operator, job, attempt)
            if not self._recorded(attempt):
                self._keep_log(attempt, operator, job)
                code = "" if status.exit_code is None else f" with exit code {status.exit_code}"
                why = f": {status.reason}" if status.reason else ""
                error = WorkerLost(f"job {job} of step operator {name!r} {status.state}{code} without a record{why}")
        except KeyError:
            error = WorkerLost(f"step operator {name!r} does not know job {job} any more, and it left no record")
        except Exception as raised:  # noqa: BLE001  the run must end with it and not hang
            error = raised
        try:
            component = next(part for part in self._stack.of_type("step_operator") if part.info.name == name)
            self._stack.host.tell_one(component, "step_operator_cleanup", job=job)
        finally:
            self._complete(attempt, error)

    def _keep_log(self, attempt: Attempt, operator: StepOperator, job: str) -> None:
        """Keep what a job that left no record has printed: the worker could not."""
        info = attempt.info
        try:
            lines = operator.logs(job, follow=False)
            content = "".join(f"{line}\n" for line in lines or ()).encode()
            if content:
                key = log_key(info.run_id, info.step, info.attempt)
                self._stack.artifact_store.put(key, content, if_absent=True, durable=False)
        except Exception as error:  # noqa: BLE001  the attempt is lost with or without its log
            _log.warning("the log of job %s cannot be read: %s: %s", job, type(error).__name__, error)

    def _end_of(self, operator: StepOperator, job: str, attempt: Attempt) -> JobStatus:
        """Wait until the job has ended. Raises ``KeyError`` when the tool does not know it, and its error when it is silent."""
        pause, silent_since, queued = FIRST_POLL, None, True
        while True:
            asked = time.monotonic()
            try:  # while it is queued, a look now and then: the tool may wait for its end only
                waited = None if queued else operator.wait(job, timeout=WAIT)
                status = waited or operator.status(job)
            except KeyError:
                raise
            except Exception as error:
                silent_since = silent_since or asked
                if asked - silent_since > PATIENCE:
                    raise
                _log.debug("job %s cannot be asked for: %s", job, error)
            else:
                silent_since = None
                if status.ended:
                    return status
                attempt.waits_for = status.reason
                if queued and status.state == "running":
                    self._started(attempt)
                    pause, queued = FIRST_POLL, False
                    continue
            if time.monotonic() - asked < pause:  # it did not wait by itself
                time.sleep(pause)
                pause = min(pause * 1.5, LAST_POLL)
