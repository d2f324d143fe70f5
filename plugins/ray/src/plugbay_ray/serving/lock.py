"""One process of a cluster at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

_NAMESPACE = "plugbay-locks"
_PAUSE = 0.1


class _Holder:
    """An actor that does nothing: its name is what is had."""


@contextmanager
def alone(name: str, deadline: float) -> Iterator[None]:
    """Have the name to oneself, as long as the process lives: Ray ends its actors with it.

    :raises TimeoutError: when another one has it until the deadline.
    """
    import ray

    make = ray.remote(num_cpus=0)(_Holder).options(name=name, namespace=_NAMESPACE)
    while True:
        try:
            holder = make.remote()
            break
        except ValueError as error:  # the name is taken
            if time.monotonic() > deadline:
                msg = f"another process was at work on {name!r} all the time"
                raise TimeoutError(msg) from error
            time.sleep(_PAUSE)
    try:
        yield
    finally:
        ray.kill(holder)
