"""``python tests/benchmarks``: measure, print the table, and exit with 1 when a budget is exceeded."""

import os
import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    # Compiled files are what users have: start-up is measured with them.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # the package is `benchmarks`, in worker processes too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the directory it works in goes too
    from benchmarks.command import main

    sys.exit(main())
