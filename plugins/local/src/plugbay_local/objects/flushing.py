"""Make what was written survive a loss of power."""

import os
import sys

if sys.platform == "darwin":
    import fcntl

    def flush(descriptor: int) -> None:
        """Flush a file or directory to the medium; ``fsync`` stops at the drive's cache there."""
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)

else:

    def flush(descriptor: int) -> None:
        """Flush a file or directory to the medium."""
        os.fsync(descriptor)
