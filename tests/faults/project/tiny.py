"""Two steps that write little enough for every order of it to be tried: a blob, a log, an inlined value."""

from traces import leave_trace

from plugbay import pipeline, step


@step
def text(number: int) -> str:
    leave_trace()
    print("a line of the log")
    return str(number) * 10_000


@step
def length(content: str) -> int:
    leave_trace()
    return len(content)


@pipeline
def tiny(number: int = 7) -> None:
    length(text(number))
