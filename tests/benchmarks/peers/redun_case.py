"""The cases on redun: tasks in threads of the local executor, recorded in its SQLite database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import measuring
from redun import Scheduler, task
from redun.config import Config

redun_namespace = "peers"


@task()
def increment(number: int) -> int:
    return measuring.incremented(number)


@task()
def pause(position: int, seed: int) -> int:
    return measuring.paused(position)


@task()
def chained(seed: int) -> int:
    number = seed
    for _ in range(measuring.CHAIN_LENGTH):
        number = increment(number)
    return number


@task()
def fanned(seed: int) -> list[int]:
    return [pause(position, seed) for position in range(measuring.FAN_WIDTH)]


def scheduler() -> Scheduler:
    """One with the database that the command line would use: ``.redun/redun.db`` in the working directory."""
    folder = Path(".redun")
    folder.mkdir(exist_ok=True)
    made = Scheduler(config=Config({"backend": {"db_uri": f"sqlite:///{folder.absolute()}/redun.db"}}))
    made.load(migrate=True)
    return made


def one(seed: int) -> Callable[[], int]:
    number = scheduler().run(increment(seed))
    return lambda: number


def chain(seed: int) -> Callable[[], int]:
    number = scheduler().run(chained(seed))
    return lambda: number


def fan(seed: int) -> Callable[[], int]:
    positions = scheduler().run(fanned(seed))
    return lambda: sum(positions)


if __name__ == "__main__":
    measuring.answer(one=one, chain=chain, again=chain, fan=fan)
