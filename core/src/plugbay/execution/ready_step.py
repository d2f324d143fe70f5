"""An attempt that is handed to the orchestrator."""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import evolve

from plugbay.code.location import CodeLocation, archive
from plugbay.execution.schedule import Call
from plugbay.execution.tasks import Task, task_to_tree
from plugbay.store.layout import source_key, task_key
from plugbay_hookspecs.types import Resources, StepInfo

if TYPE_CHECKING:
    from plugbay.stack import Stack
    from plugbay_hookspecs.types import StepPayload

STORE_VARIABLE = "PLUGBAY_WORKER_STORE"
"""The environment variable that tells a worker where the artifact store is."""


class Shipping:
    """What all attempts of a run that leave the driver have in common; made when the first one does."""

    def __init__(self, run_id: str, stack: Stack, code: CodeLocation) -> None:
        """Ship attempts of the run ``run_id``."""
        self.run_id, self.stack, self.code = run_id, stack, code

    @functools.cached_property
    def opening(self) -> bytes:
        """What opens a session in a process of this machine."""
        import pickle  # only attempts in other processes need these

        from plugbay.stack.shipping import for_this_machine

        return pickle.dumps((for_this_machine(self.stack), self.code), pickle.HIGHEST_PROTOCOL)

    @functools.cached_property
    def portable_stack(self) -> dict[str, object]:
        """The stack, for any machine."""
        from plugbay.stack.shipping import for_any_machine  # only attempts on other machines need it

        return for_any_machine(self.stack)

    @functools.cached_property
    def portable_json(self) -> bytes:
        """The same as JSON."""
        return json.dumps(self.portable_stack).encode()

    @functools.cached_property
    def source(self) -> str:
        """The digest of the archive of the code, which is put into the store."""
        digest, content = archive(self.code)
        store, key = self.stack.artifact_store, source_key(digest)
        began = time.time()
        store.put(key, content, if_absent=True)
        if not store.is_local:
            from plugbay.store.sweeps import Reliance  # only a store elsewhere needs it

            reliance = Reliance(store, began)
            while not reliance.holds({key}):
                store.put(key, content, if_absent=True)
        return digest


class Attempt:
    """One attempt of one call; see ``plugbay_hookspecs.types.ReadyStep``."""

    def __init__(self, call: Call, task: Task, shipping: Shipping) -> None:
        """Offer ``task``, which is an attempt of ``call``."""
        self.call, self.task, self._shipping = call, task, shipping
        self.began: float | None = None
        """When the engine began to execute it, in seconds since the epoch, where it has told."""
        self.queued = False
        """Whether the engine was to tell when it begins."""
        self.waits_for = ""
        """Why the engine lets it wait, in its words."""

    @property
    def info(self) -> StepInfo:
        """Which step of which run, and which attempt."""
        return self.task.info

    @property
    def resources(self) -> Resources:
        """What it asks for."""
        return self.task.resources

    @property
    def timeout(self) -> float | None:
        """Seconds it may take."""
        return self.task.timeout

    @property
    def image(self) -> str | None:
        """The reference of the image that its command runs in."""
        return None if self.task.image is None else self.task.image.reference

    @property
    def portable(self) -> bool:
        """Whether another process can import the step's function."""
        return self._shipping.code.root is not None and not self.task.function.startswith("<")

    def payload(self, *, anywhere: bool = False) -> StepPayload:
        """The attempt as a picklable call."""
        from plugbay.execution.payload import DistantPayload, Payload  # only attempts in other processes need it

        shipping, task = self._shipping, self.task
        if task.image is not None:  # which is for the command
            task = evolve(task, image=None)
        if anywhere:
            return DistantPayload(key=shipping.run_id, stack=shipping.portable_json, source=shipping.source, task=task)
        return Payload(key=shipping.run_id, opening=shipping.opening, task=task)

    def command(self) -> Sequence[str]:
        """The attempt as a command; its task and the code are put into the store."""
        info, shipping = self.info, self._shipping
        document = {"source": shipping.source, "stack": shipping.portable_stack, "task": task_to_tree(self.task)}
        key = task_key(info.run_id, info.step, info.attempt)
        shipping.stack.artifact_store.put(key, json.dumps(document).encode())
        python = sys.executable if self.image is None else "python"
        return [python, "-m", "plugbay.worker", info.run_id, info.step, str(info.attempt)]

    def environment(self) -> Mapping[str, str]:
        """The variable that tells the worker where the store and its secrets are; where the run is traced, so is the worker."""
        from plugbay.stack.shipping import store_part  # as above

        trace = os.environ.get("PLUGBAY_TRACE")
        traced = {"PLUGBAY_TRACE": os.path.abspath(os.path.expanduser(trace))} if trace else {}  # noqa: PTH100, PTH111
        return {STORE_VARIABLE: json.dumps(store_part(self._shipping.portable_stack)), **traced}

    def __repr__(self) -> str:
        return f"<attempt {self.info.attempt} of step {self.info.step!r}>"
