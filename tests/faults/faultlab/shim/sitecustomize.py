"""Imported by every Python that has this directory on its path: injects what the environment asks for, and no more.

``FAULTS_AT=n`` has the n-th call that writes to a disk meet a fault: with ``FAULTS_KIND=kill`` the process is killed
before it (in the middle of it, when it writes bytes), with the name of an error number the call raises that, once or, with
``FAULTS_LASTING``, from then on. ``FAULTS_TRACE`` names a file that takes a line for each such call. ``FAULTS_CLOCK`` sets
the clock off by so many seconds, after the first ``FAULTS_CLOCK_AFTER`` looks at it. The variables are taken out of the
environment, so that children are left alone.
"""

import errno
import os
import posix
import signal
import time


def _spoil_writes() -> None:
    at = int(os.environ.pop("FAULTS_AT", "0"))
    kind = os.environ.pop("FAULTS_KIND", "kill")
    lasting = bool(os.environ.pop("FAULTS_LASTING", ""))
    trace = os.environ.pop("FAULTS_TRACE", "")
    if not at and not trace:
        return
    count = 0
    unnamed = getattr(os, "O_TMPFILE", -1)

    def meet(name, what):
        nonlocal count
        count += 1
        if trace:
            file = posix.open(trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            posix.write(file, f"{count} {name} {what}\n".encode())
            posix.close(file)
        return at and (count == at or (lasting and count > at))

    def spoil(name):
        real = getattr(posix, name)

        def call(*args, **options):
            if name == "open" and not (args[1] & os.O_CREAT or args[1] & unnamed == unnamed):
                return real(*args, **options)
            if meet(name, args[0] if name != "write" else len(args[1])):
                if kind != "kill":
                    number = getattr(errno, kind)
                    raise OSError(number, os.strerror(number), *args[:1])
                if name == "write":
                    real(args[0], bytes(args[1])[: len(args[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **options)

        setattr(os, name, call)

    for name in ("fsync", "rename", "replace", "link", "write", "open", "mkdir"):
        spoil(name)


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


_spoil_writes()
_set_clock()
