"""Where the processor time of a step goes: a sampling profile, which slows what it measures less than tracing each call does."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Literal, TypeAlias

from benchmarks.cases.chains import chain

Kind: TypeAlias = Literal["durable", "cached"]

_INTERVAL = 0.001
_LENGTH = 1000
_RUNS = 20
_MOST = 40


def profile(kind: Kind) -> Iterator[str]:
    """Run a chain again and again; yield a line for each function that takes most of a step."""
    within: Counter[str] = Counter()
    itself: Counter[str] = Counter()

    def sample(_signal: int, frame: FrameType | None) -> None:
        seen = set()
        while frame is not None:
            name = _name(frame)
            if not seen:
                itself[name] += 1
            seen.add(name)
            frame = frame.f_back
        within.update(seen)

    seed = time.time_ns()
    chain.run(length=_LENGTH, seed=seed)
    before = signal.signal(signal.SIGPROF, sample)
    began = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, _INTERVAL, _INTERVAL)
    try:
        for _ in range(_RUNS):
            chain.run(length=_LENGTH, seed=seed if kind == "cached" else time.time_ns())
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    step = (time.process_time() - began) / _RUNS / _LENGTH * 1e6
    total = itself.total()
    yield f"{kind} step of a chain of {_LENGTH:,}: {step:.0f} us of processor time, {total} samples"
    yield f"{'in all, us':>12} {'itself, us':>12}  function"
    for name, count in within.most_common(_MOST):
        yield f"{count / total * step:12.1f} {itself[name] / total * step:12.1f}  {name}"


def _name(frame: FrameType) -> str:
    code = frame.f_code
    path = Path(code.co_filename)
    return f"{path.parent.name}/{path.name}:{code.co_qualname}"
