"""The process beside a driver that beats in its place; see :mod:`plugbay.store.pulse`.

It is run twice: as a file, by an interpreter that loads nothing else, to wait until the driver falls silent; then, should that
ever happen, as a module, with everything that the artifact store needs. It ends when the driver does.
"""

import os
import select
import sys
import time

LIFE, DESCRIPTION = 3, 4
"""Descriptors: a pipe that the driver holds open and writes to whenever it has beaten itself; what the beats need."""
_LOOK = 1.0


def wait(pid: int, began: str, patience: float) -> bool:
    """Wait until the driver has said nothing for ``patience`` seconds. Return ``False`` once it has ended."""
    silent_since = time.monotonic()
    while time.monotonic() - silent_since < patience:
        if select.select([LIFE], [], [], _LOOK)[0]:
            if not os.read(LIFE, 1024):
                return False
            silent_since = time.monotonic()
        elif _state(pid, began) == "gone":  # a process that the driver has forked may keep the pipe open
            return False
    return True


def _state(pid: int, began: str) -> str:
    """``running``, ``stopped`` or ``gone``; a driver that is stopped gives no sign of life, and neither does this process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123  loads nothing
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        fields = []
    if len(fields) > 19:
        gone = fields[0] in "ZX" or (began != "" and fields[19] != began)
        return "gone" if gone else "stopped" if fields[0] in "Tt" else "running"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "gone"
    except OSError:
        pass
    return "running"


def main(pid: int, began: str, heartbeat: float) -> None:
    """Wait for the driver to fall silent, then go on with all that is needed to beat."""
    if wait(pid, began, heartbeat * 1.4):
        words = ["-P", "-m", "plugbay.store.pulse_process", str(pid), began, str(heartbeat)]
        os.execv(sys.executable, [sys.executable, *words])  # noqa: S606


def beat(pid: int, began: str, heartbeat: float) -> None:
    """Beat whenever the driver, which is alive, does not."""
    from plugbay.store.pulse import read_description

    with os.fdopen(DESCRIPTION, "rb") as pipe:
        stack, key, text = read_description(pipe.read())
    with stack:
        count = 0
        while True:
            if _state(pid, began) == "running":
                count += 1
                try:
                    stack.artifact_store.put(key, f"{text} in its place {count}".encode(), durable=False)
                except Exception:  # noqa: BLE001, S110  the store may be away for a while
                    pass
            if not wait(pid, began, heartbeat):
                return


if __name__ == "__main__":
    given = (int(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
    (beat if sys.flags.safe_path and not sys.flags.isolated else main)(*given)
