"""What one process needs to execute attempts: the started stack, its artifacts, and where logs go."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from plugbay.errors import StoreError, listed
from plugbay.execution.descriptors import process as descriptors
from plugbay.execution.forks import ChildrenEndHere
from plugbay.execution.leftovers.interpreter import GOING_ON
from plugbay.execution.log_files import SpareLog
from plugbay.serializers.choice import Serializers
from plugbay.stack import Stack
from plugbay.store.artifacts import Artifacts
from plugbay.store.layout import log_key
from plugbay_hookspecs import hookimpl
from plugbay_hookspecs.types import StepCall, StepInfo

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


_log = logging.getLogger("plugbay")


class _LastCaller:
    """The host's own implementation of ``step_call``."""

    @hookimpl(trylast=True)
    def step_call(self, call: StepCall) -> Any:
        with ChildrenEndHere():
            if call.timeout is None:
                return call()
            from plugbay.execution.timeout import limited  # few steps have one

            with limited(call.timeout):
                return call()


class Session:
    """Executes attempts on one stack in one process; ``with`` starts the stack and stops it."""

    def __init__(self, stack: Stack, *, own_process: bool) -> None:
        """Execute on ``stack``.

        :param own_process: the process does nothing else, so its standard streams may be redirected.
        """
        self.stack = stack
        self.own_process = own_process
        self.spent = False
        """Whether a step has left something in this process that no other step should find."""
        self.spare_log = SpareLog()
        self.artifacts = Artifacts(stack.artifact_store, Serializers(allow_pickle=stack.allow_pickle))
        stack.host.add_last(_LastCaller())
        self._uploads: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def left_behind(self, step: StepInfo, things: Sequence[str]) -> None:
        """Take note of what a step has changed in this process and what cannot be put back."""
        self.spent = True
        if not self.own_process and things != [GOING_ON]:
            _log.warning(
                "step %r has changed %s, which cannot be put back: later steps find it so", step.step, listed(things)
            )

    def upload_log(self, info: StepInfo, path: Path) -> None:
        """Put the log of an attempt into the store, in the background."""
        with self._lock:
            if self._uploads is None:
                from concurrent.futures import ThreadPoolExecutor  # only a step that prints needs it

                self._uploads = ThreadPoolExecutor(1, thread_name_prefix="plugbay-logs")
            self._uploads.submit(self.put_log, info.run_id, info.step, info.attempt, path)

    def put_log(self, run_id: str, step: str, attempt: int, path: Path) -> None:
        """Move a log into the store; on failure it stays where it is and is found there."""
        with suppress(StoreError, OSError):
            self.stack.artifact_store.put(log_key(run_id, step, attempt), path, durable=False)
            path.unlink(missing_ok=True)  # a store on another machine has not moved it
            with suppress(OSError):
                path.parent.rmdir()

    def __enter__(self) -> Self:
        """Start the stack."""
        self.stack.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Wait for uploads, remove fetched files and stop the stack."""
        with self._lock:
            uploads, self._uploads = self._uploads, None
        if uploads is not None:
            uploads.shutdown()
        self.spare_log.close()
        descriptors.leave()
        self.artifacts.close()
        self.stack.stop()
