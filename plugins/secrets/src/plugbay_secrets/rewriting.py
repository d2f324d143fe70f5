"""Replace a private file as a whole."""

import os
from pathlib import Path


def rewrite(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read; it is durable, and at any time whole, as it was or as it is now."""
    scratch = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
