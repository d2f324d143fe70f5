"""Runs with blobs that are shared between them and blobs that are not."""

import sys

from plugbay import pipeline, step

SHARED = 3


@step
def shared(number: int) -> bytes:
    return bytes([number]) * 8192


@step(cache=False)
def own(name: str, common: bytes) -> bytes:
    return name.encode() * 2000 + common


@step
def size(content: bytes) -> int:
    return len(content)


@pipeline
def busy(name: str, number: int) -> None:
    size(own(name, shared(number)))


if __name__ == "__main__":
    for count in range(int(sys.argv[2])):
        busy.run(name=f"{sys.argv[1]}-{count}", number=count % SHARED, stack="inline")
