"""Imported by every Python that has this directory on its path: sets the clock off, if the environment asks for it.

``FAULTS_CLOCK`` says by so many seconds, after the first ``FAULTS_CLOCK_AFTER`` looks at it. The variables are taken out of the
environment, so that children are left alone. ``faults.c`` beside this file is the shim that sees what is written.
"""

import os
import time


def _set_clock() -> None:
    offset = float(os.environ.pop("FAULTS_CLOCK", "0"))
    after = int(os.environ.pop("FAULTS_CLOCK_AFTER", "0"))
    if not offset:
        return
    real, real_ns, looks = time.time, time.time_ns, 0

    def off():
        nonlocal looks
        looks += 1
        return offset if looks > after else 0.0

    time.time = lambda: real() + off()
    time.time_ns = lambda: real_ns() + int(off() * 1e9)


_set_clock()
