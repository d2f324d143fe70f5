"""A run that a test drives by hand, and payloads that do what steps do, and what they should not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from attrs import define, field, frozen

from plugbay_hookspecs.types import Plan, PlannedStep, Resources, StepInfo


@frozen
class Payload:
    """Call a function of this module; ``release`` leaves a mark."""

    call: str
    arguments: tuple[object, ...] = ()
    mark: str | None = None

    def __call__(self) -> bytes:
        result = globals()[self.call](*self.arguments)
        assert isinstance(result, bytes)
        return result

    def release(self) -> None:
        if self.mark:
            Path(self.mark, str(os.getpid())).touch()


@define(eq=False)
class Step:
    name: str
    what: Payload
    portable: bool = True
    resources: Resources = field(factory=Resources)
    timeout: float | None = None

    @property
    def info(self) -> StepInfo:
        return StepInfo(run_id="r", pipeline="p", step=self.name, name=self.name, attempt=1)

    def payload(self) -> Payload:
        return self.what

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        raise NotImplementedError


@define(eq=False)
class RunByHand:
    """Yields its steps as fast as they are taken and keeps what they were completed with."""

    steps: list[Step]
    id: str = "r"
    cancelled: bool = False
    plan: Plan = field(init=False)
    results: dict[str, bytes | BaseException | None] = field(factory=dict)
    cancels: dict[str, Callable[[], None]] = field(factory=dict)
    executed: list[str] = field(factory=list)
    interrupt: Callable[[], None] | None = None
    """Called by ``ready`` where it would wait for the last steps."""
    _open: int = 0
    _changed: threading.Condition = field(factory=threading.Condition)

    def __attrs_post_init__(self) -> None:
        planned = [PlannedStep(id=s.name, name=s.name, function="m:f", inputs={}, outputs=()) for s in self.steps]
        self.plan = Plan(pipeline="p", target=None, parameters={}, steps=tuple(planned))

    def ready(self, limit: int | None = None) -> Iterator[Step]:
        for step in self.steps:
            with self._changed:
                self._changed.wait_for(lambda: limit is None or self._open < limit)
                self._open += 1
            yield step
        if self.interrupt is not None:
            self.interrupt()
        with self._changed:
            self._changed.wait_for(lambda: not self._open)

    def execute(self, step: Step) -> None:
        self.executed.append(step.name)
        self.complete(step, step.what())

    def submitted(self, step: Step, cancel: Callable[[], None]) -> None:
        self.cancels[step.name] = cancel

    def complete(self, step: Step, result: bytes | BaseException | None = None) -> None:
        with self._changed:
            assert step.name not in self.results, "a step was completed twice"
            self.results[step.name] = result
            self._open -= 1
            self._changed.notify_all()


class Unpicklable(Exception):
    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


def echo(text: str) -> bytes:
    return text.encode()


def pid() -> bytes:
    return str(os.getpid()).encode()


def slow_pid(seconds: float) -> bytes:
    time.sleep(seconds)
    return pid()


def variable(name: str) -> bytes:
    return os.environ.get(name, "").encode()


def where() -> bytes:
    return str(Path.cwd()).encode()


def segfault() -> bytes:
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError


def leave(code: int) -> bytes:
    os._exit(code)


def fail(message: str) -> bytes:
    raise LookupError(message)


def fail_unpicklably() -> bytes:
    first, second = "not", "picklable"
    raise Unpicklable(first, second)


def sleep(started: str, stubborn: bool = False) -> bytes:
    """Sleep for a minute with a process of its own; write both pids to ``started``."""
    if stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    draft = Path(f"{started}.draft")
    draft.write_text(f"{os.getpid()} {child.pid}")
    draft.rename(started)
    time.sleep(600)
    return b""


def use_processes() -> bytes:
    from multiprocessing import get_context

    with get_context("spawn").Pool(1) as pool:
        return str(pool.apply(abs, (-3,))).encode()


def ignores_interrupts() -> bytes:
    os.kill(os.getpid(), signal.SIGINT)
    return b"still here"
