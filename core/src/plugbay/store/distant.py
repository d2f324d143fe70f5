"""Many requests to a store at once, where each one takes a journey over a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from plugbay.stack.facades.artifact_store import ArtifactStore

THREADS = 16
T = TypeVar("T")
R = TypeVar("R")


def each(store: ArtifactStore, request: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Call ``request`` with every item and return what it gives, in order; the first error is raised.

    One after the other where the store's objects are files of this machine: threads would cost more than they save.
    """
    several = list(items)
    if store.is_local or len(several) < 2:
        return [request(item) for item in several]
    from concurrent.futures import ThreadPoolExecutor  # only a distant store needs it

    with ThreadPoolExecutor(min(THREADS, len(several)), thread_name_prefix="plugbay-store") as threads:
        return list(threads.map(request, several))
