"""Forty quick calls: a source, a map, a reduction and a chain."""

from traces import leave_trace

from plugbay import pipeline, step

PAUSE = 0.01


@step
def numbers(count: int) -> list[int]:
    leave_trace(PAUSE)
    print("counting")
    return list(range(count))


@step
def square(number: int) -> int:
    leave_trace(PAUSE)
    return number * number


@step
def total(parts: list[int]) -> int:
    leave_trace(PAUSE)
    return sum(parts)


@step
def add(number: int, more: int) -> int:
    leave_trace(PAUSE)
    print(f"adding {more}")
    return number + more


@pipeline
def steady(count: int = 24) -> None:
    number = total(square.map(numbers(count)))
    for more in range(14):
        number = add(number, more)
