"""Steps whose processes are killed."""

from traces import leave_trace

from plugbay import pipeline, step

PAUSE = 0.3


@step
def numbers(count: int) -> list[int]:
    return list(range(count))


@step(retries=1)
def held(number: int) -> int:
    leave_trace(PAUSE)
    return number


@step
def fragile(number: int) -> int:
    leave_trace(PAUSE)
    return number


@step
def total(parts: list[int]) -> int:
    return sum(parts)


@pipeline
def retried(count: int = 12) -> None:
    total(held.map(numbers(count)))


@pipeline(failure="continue")
def unretried(count: int = 8) -> None:
    total(fragile.map(numbers(count)))
