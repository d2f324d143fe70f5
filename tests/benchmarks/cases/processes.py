"""What a whole process costs: a run of one step, a command, a machine with many plugins."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.case import Bench, Case, in_turns
from benchmarks.measuring import command

_PROGRAM = """
from plugbay import pipeline, step

@step(cache=False)
def one() -> int:
    return 1

@pipeline
def lone():
    one()

if __name__ == "__main__":
    lone.run()
"""
_START = """
from plugbay import Stack

with Stack.load():
    pass
"""
_LIBRARIES = "import attrs, cattrs, pluggy, platformdirs, filelock"
_PLUGINS = 50


def cases(bench: Bench) -> Iterator[Case]:
    """Yield the cases."""
    script = bench.root / "lone.py"
    script.write_text(_PROGRAM)
    start = bench.root / "start.py"
    start.write_text(_START)
    python = sys.executable
    yield Case(
        name="whole process, one step",
        floor=f'python -c "{_LIBRARIES}"',
        budget=2.0,
        pair=in_turns(lambda: command([python, str(script)]), lambda: command([python, "-c", _LIBRARIES])),
        rounds=bench.rounds(15),
    )
    for option in ("--help", "--version"):
        yield Case(
            name=f"plugbay {option}",
            floor='python -c "pass"',
            budget=2.5,
            pair=in_turns(
                partial(command, [python, "-m", "plugbay", option]),
                lambda: command([python, "-c", "pass"]),
            ),
            rounds=bench.rounds(25),
        )
    path = os.pathsep.join(filter(None, [str(_installed(bench.folder())), os.environ.get("PYTHONPATH")]))
    yield Case(
        name=f"stack start, {_PLUGINS} more plugins",
        floor="stack start without them",
        pair=in_turns(lambda: command([python, str(start)], PYTHONPATH=path), lambda: command([python, str(start)])),
        rounds=bench.rounds(15),
    )


def _installed(directory: Path) -> Path:
    """Put the metadata of distributions there that offer a flavor each."""
    for number in range(_PLUGINS):
        metadata = directory / f"acme_{number}-1.0.dist-info"
        metadata.mkdir()
        requirement = "Requires-Dist: plugbay-hookspecs>=0.1"
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.4\nName: acme-{number}\nVersion: 1.0\n{requirement}\n")
        (metadata / "entry_points.txt").write_text(f"[plugbay.artifact_store]\nacme_{number} = acme_{number}:Store\n")
    return directory
