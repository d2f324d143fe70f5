"""What the same work costs by hand: the least that is durable, without any of Plugbay.

Numpy is imported where it is used: worker processes import this module too, and few of them need it.
"""

from __future__ import annotations

import os
import pickle
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import numpy as np


def write_durably(target: Path, save: Callable[[BinaryIO], object]) -> None:
    """Write a file, flush it, move it to its name and flush the directory."""
    part = f"{target}.part"
    with open(part, "wb") as file:
        save(file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(part, target)
    folder = os.open(target.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def pickles(directory: Path, count: int) -> None:
    """One pickle after the other."""
    for number in range(count):
        write_durably(directory / str(number), partial(pickle.dump, number))


def small_arrays(directory: Path, count: int) -> None:
    """One ``.npy`` file of 1,000 numbers after the other."""
    import numpy as np

    array = np.arange(1000.0)
    for number in range(count):
        write_durably(directory / str(number), lambda file: np.save(file, array))


def pickles_with_rows(directory: Path, count: int) -> None:
    """One pickle after the other, each with a durable row in a SQLite database that says so."""
    with closing(sqlite3.connect(directory / "steps.sqlite")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE steps (number INTEGER PRIMARY KEY, status TEXT)")
        for number in range(count):
            write_durably(directory / str(number), partial(pickle.dump, number))
            connection.execute("INSERT INTO steps VALUES (?, 'succeeded')", (number,))
            connection.commit()


def large_array(directory: str, megabytes: int) -> Callable[[], object]:
    """Prepare: make an array, save it, flush it, load it and read it."""

    import numpy as np

    def by_hand() -> None:
        write_durably(Path(directory) / "array.npy", lambda file: np.save(file, make_array(megabytes)))
        read_array(np.load(Path(directory) / "array.npy"))

    return by_hand


def make_array(megabytes: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """An array that cannot be compressed, made much faster than a disk writes."""
    import numpy as np

    block = np.random.default_rng().integers(0, 255, 1 << 20, dtype=np.uint8)
    return np.tile(block, megabytes)


def read_array(array: np.ndarray[Any, Any]) -> int:
    """Read each page."""
    return int(array[::4096].sum())
