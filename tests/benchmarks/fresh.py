"""A process that takes one sample: ``python -m benchmarks.fresh MODULE:FUNCTION JSON-ARGUMENTS``.

The function prepares and returns what is to be measured. One line says that it is ready, a line of input lets it begin,
and one more line has the sample.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
from pathlib import Path

from attrs import asdict, evolve

from benchmarks.measuring import measured


def main() -> None:
    """Take the sample."""
    reference, arguments = sys.argv[1:]
    module, _, name = reference.partition(":")
    prepared = getattr(importlib.import_module(module), name)(*json.loads(arguments))
    print(json.dumps({"ready": True}), flush=True)
    sys.stdin.readline()
    sample = evolve(measured(prepared), peak=_peak())
    print("\n" + json.dumps({"sample": asdict(sample)}), flush=True)


def _peak() -> int:
    """Bytes; from ``/proc`` where there is one, because Linux counts the parent into ``ru_maxrss`` of a new process."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main()
