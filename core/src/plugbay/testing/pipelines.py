"""Pipelines that show whether an orchestrator keeps its promises; in a module, so that worker processes can import them.

Steps that tell more than their outputs do so through a directory that the driver and the workers both reach.
"""

# mypy: disable-error-code="call-arg"
# `id=` names a call, and no parameter of the function.

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import time
from pathlib import Path
from typing import Annotated
from uuid import uuid4

from plugbay import current, pipeline, step
from plugbay.testing.waiting import wait_until

PATIENCE = 60.0
"""Seconds after which a step that waits for another one gives up."""


def note(directory: str, name: str) -> None:
    """Leave a file that is there only when it is complete; each call leaves one of its own."""
    Path(directory, f"{name}~{uuid4().hex}").touch()


def noted(directory: str, name: str) -> int:
    """Count the notes of a name."""
    return len(list(Path(directory).glob(f"{name}~*")))


def await_note(directory: str, name: str) -> None:
    """Wait for a note. Raises ``TimeoutError`` when none comes."""
    try:
        wait_until(lambda: noted(directory, name), PATIENCE)
    except AssertionError as error:
        msg = f"nobody noted {name!r}"
        raise TimeoutError(msg) from error


@step
def one() -> int:
    """Give 1."""
    return 1


@step
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


@step
def total(values: list[int]) -> int:
    """Add a list of numbers."""
    return sum(values)


@step
def numbers(count: int) -> list[int]:
    """Count up from 0."""
    return list(range(count))


@step
def square(number: int) -> int:
    """Multiply a number by itself."""
    return number * number


@step
def named(name: str) -> str:
    """Give the name back."""
    return name


@step
def split(number: int) -> tuple[Annotated[int, "less"], Annotated[int, "more"]]:
    """Give the numbers beside this one."""
    return number - 1, number + 1


@step
def broken(number: int) -> int:
    """Fail."""
    msg = "no number will do, ever"
    raise ValueError(msg)


@step
def broken_once_begun(directory: str, name: str) -> int:
    """Fail as soon as somebody has noted ``name``."""
    await_note(directory, name)
    msg = f"{name} has begun"
    raise ValueError(msg)


@step(retries=2, retry_delay=0.01)
def flaky(good_attempt: int) -> int:
    """Fail until the attempt of this number."""
    attempt = current().attempt
    print(f"this is attempt {attempt}")
    if attempt < good_attempt:
        msg = f"attempt {attempt} is too early"
        raise ValueError(msg)
    return attempt


@step
def fails_at_first(number: int) -> int:
    """Fail in the first attempt."""
    if current().attempt == 1:
        msg = "not yet"
        raise ValueError(msg)
    return number


@step
def counted(directory: str, name: str, number: int) -> int:
    """Note that it was executed."""
    note(directory, name)
    return number


@step
def long(directory: str, name: str, seconds: float) -> int:
    """Note that it has begun, and take long."""
    note(directory, name)
    time.sleep(seconds)
    return 1


@step
def pause(seconds: float) -> float:
    """Keep a slot for so long."""
    time.sleep(seconds)
    return seconds


@step(timeout=1)
def brief() -> int:
    """Take no time."""
    return 1


@step(timeout=0.5)
def deaf(seconds: float) -> int:
    """Go on whatever is raised."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(BaseException):
            time.sleep(0.1)
    return 1


@step
def pulsing(directory: str, name: str, seconds: float) -> int:
    """Note that it has begun, and show that it is still going on."""
    note(directory, name)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        Path(directory, "pulse").write_text(str(time.monotonic()))
        time.sleep(0.05)
    return 1


@step
def meets(directory: str, mine: str, other: str) -> int:
    """Wait until the step that waits for this one runs, too."""
    note(directory, mine)
    await_note(directory, other)
    return 1


@step
def blob(size: int) -> bytes:
    """Make bytes that differ from each other."""
    block = b"".join(hashlib.sha256(number.to_bytes(4)).digest() for number in range(1024))
    return (block * (size // len(block) + 1))[:size]


@step
def checksum(content: bytes) -> str:
    """Digest some bytes."""
    return hashlib.sha256(content).hexdigest()


@step
def letters(text: str) -> tuple[Annotated[str, "größe"], Annotated[dict[str, int], "字母"]]:
    """Give a text in capitals, and where each of its letters is found last."""
    print(text)
    return text.upper(), {letter: place for place, letter in enumerate(text)}


@step(cache=False)
def whereabouts(number: int) -> str:
    """Tell which process this is."""
    return f"{platform.node()} {os.getpid()} {number}"


@step(cache=False)
def vanishes() -> int:
    """End the process that executes it."""
    os._exit(3)


@pipeline
def diamond(start: int = 3) -> None:
    """Two ways from one step to another, outputs with names, lists of outputs."""
    less, more = split(start)
    total([square(less, id="left"), square(more, id="right"), add(less, more)], id="bottom")


@pipeline
def mapped(count: int) -> None:
    """A map over a list that is known only at run time."""
    total(square.map(numbers(count)))


@pipeline
def mapped_twice(count: int) -> None:
    """A map over the results of another one."""
    total(add.map(square.map(numbers(count)), b=10))


@pipeline
def mapped_over_a_failure(count: int) -> None:
    """A map one step before a failure."""
    total(broken.map(numbers(count)))


@pipeline
def retried(good_attempt: int) -> None:
    """A step that fails at first, beside others."""
    total([flaky(good_attempt), square(2)])


@pipeline
def failing(directory: str) -> None:
    """A failure, a step that needs it, a branch that does not, and one that needs both."""
    bad = broken(one(), id="bad")
    needs_bad = add(bad, id="needs_bad")
    beside = add(counted(directory, "beside", 2, id="beside"), id="beside_2")
    add(needs_bad, beside, id="needs_both")


@pipeline
def failing_beside_a_long_one(directory: str, seconds: float) -> None:
    """A failure while another step runs."""
    broken_once_begun(directory, "long", id="bad")
    add(long(directory, "long", seconds), id="needs_long")


@pipeline
def failing_first(directory: str) -> None:
    """A failure that everything else comes after, though not all of it needs its output."""
    bad = broken(1, id="bad")
    counted(directory, "after", add(bad, id="needs_bad"), id="after")


@pipeline
def failing_beside_a_pulsing_one(directory: str, seconds: float) -> None:
    """A step that fails once the other one shows that it is going on."""
    pulsing(directory, "pulsing", seconds)
    broken_once_begun(directory, "pulsing", id="bad")


@pipeline
def long_between(directory: str, seconds: float) -> None:
    """A step that takes long, one before it, one that may run beside it, and one that needs it."""
    name = named("long", id="first")
    square(2)
    add(long(directory, name, seconds), id="later")


@pipeline
def meeting(directory: str) -> None:
    """Two steps that end only if they run at the same time."""
    total([meets(directory, "here", "there", id="here"), meets(directory, "there", "here", id="there")])


@pipeline
def crowded(ahead: int, seconds: float) -> None:
    """Steps that keep every slot, and behind them one whose timeout is shorter than its wait."""
    for number in range(ahead):
        pause(seconds, id=f"pause_{number}")
    brief()


@pipeline
def deaf_beside_another(seconds: float) -> None:
    """A step that its timeout does not end, and one that may run beside it."""
    deaf(seconds)
    square(2)


@pipeline
def resumable(directory: str) -> None:
    """Succeeds when it is resumed; what was done before is not done again."""
    before = counted(directory, "before", 5, id="before")
    add(fails_at_first(before, id="stumbles"), square(before), id="after")


@pipeline
def wide(count: int) -> None:
    """As many independent steps as there may be, and one that takes them all."""
    total([add(number) for number in range(count)])


@pipeline
def chain(length: int) -> None:
    """Steps that can only run one after the other."""
    value = one()
    for _ in range(length - 1):
        value = add(value)


@pipeline
def heavy(size: int) -> None:
    """An artifact that is too large for a record or a message."""
    content = blob(size)
    checksum(content, id="checksum_1")
    checksum.with_options(version="2")(content, id="checksum_2")


@pipeline
def unicode_names(text: str) -> None:
    """Names and values that not every engine writes down as they are."""
    größe, _ = letters(text, id="größe_字母")
    letters(größe, id="ещё")
    letters.map([text, "ß", "🦦"], id="каждый")


@pipeline
def everything_counted(directory: str, count: int) -> None:
    """Steps that tell how often each was executed."""
    total([counted(directory, f"step{number}", number, id=f"step{number}") for number in range(count)])


@pipeline
def places() -> None:
    """Tell where steps run that may run at the same time."""
    whereabouts(1, id="here")
    whereabouts(2, id="there")


@pipeline
def accident() -> None:
    """A step that takes its process with it, and others beside it."""
    add(vanishes(), id="needs_vanishes")
    total([square(4, id="four"), square(5, id="five")])
