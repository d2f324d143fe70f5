"""Six steps that write everything a step can write: an inlined value, a blob, a log."""

from traces import leave_trace

from plugbay import pipeline, step


@step
def seed(number: int) -> int:
    leave_trace()
    return number


@step
def text(number: int) -> str:
    leave_trace()
    print("a line of the log")
    return str(number) * 10_000


@step
def length(content: str) -> int:
    leave_trace()
    return len(content)


@step
def double(number: int) -> int:
    leave_trace()
    return 2 * number


@pipeline
def small(number: int = 7) -> None:
    double(double(double(length(text(seed(number))))))
