"""Find out whether a directory can hold a store."""

import os
import shutil
import tempfile
from pathlib import Path

from plugbay_local.objects.directories import SCRATCH, create_scratch
from plugbay_local.objects.flushing import flush


def probe(root: str) -> int:
    """Do to a scratch file what a store does to objects; return the bytes free on the disk, or raise ``OSError``."""
    create_scratch(root)
    with tempfile.TemporaryDirectory(prefix="probe-", dir=Path(root, SCRATCH)) as directory:
        written, linked, moved = (Path(directory, name) for name in ("written", "linked", "moved"))
        with written.open("wb") as file:
            file.write(b"probe")
            file.flush()
            flush(file.fileno())
        linked.hardlink_to(written)
        os.utime(linked)
        written.replace(moved)
    return shutil.disk_usage(root).free
