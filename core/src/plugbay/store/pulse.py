"""Signs of life of a driver whose interpreter is kept by a step.

A step in the driver's own process may compute for minutes without letting any other thread have the interpreter. So a
process beside it waits for the driver to fall silent, and beats in its place as long as the driver is alive and not stopped.
Few runs live so long that it matters: for the first seconds it is two small programs that wait, and nothing when the run ends
before. It is nobody's child, so that a step that waits for its children does not meet it.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from plugbay.store.machine import started

if TYPE_CHECKING:
    from plugbay.stack import Stack

_PATIENCE = 4
"""Seconds that a run lives before it is given an interpreter of its own to wait with."""
_SHELL = "/bin/sh"
_WAIT = f"""trap '' HUP INT TERM
{{ timeout -s KILL {_PATIENCE} cat <&3 >/dev/null && exit; exec "$@"; }} </dev/null >/dev/null 2>&1 &"""


class Pulse:
    """The process that beats in the place of this one."""

    def __init__(self, stack: Stack, *, key: str, text: str, heartbeat: float) -> None:
        """Prepare it; nothing is started yet.

        :param key: of the object that is written at each beat.
        :param text: what the object begins with.
        :param heartbeat: seconds between two beats.
        """
        self._stack, self._key, self._text, self._heartbeat = stack, key, text, heartbeat
        self._pipe: int | None = None
        self._shell: int | None = None

    def start(self) -> None:
        """Start the process. Where it cannot be, the driver's own thread beats alone."""
        if os.name == "posix" and sys.executable and os.path.exists(_SHELL):  # noqa: PTH110  once a run
            with suppress(Exception):  # no room for a process, or a store built in code that cannot be pickled
                self._spawn()

    def _spawn(self) -> None:
        import fcntl  # where there is no such module, nothing is spawned

        process = str(Path(__file__).with_name("pulse_process.py"))
        waiting = [sys.executable, "-I", "-S", process, str(os.getpid()), started(os.getpid()), str(self._heartbeat)]
        opened = [*os.pipe(), *os.pipe()]
        try:
            description = _description(self._stack, self._key, self._text)
            os.set_blocking(opened[3], False)
            if os.write(opened[3], description) != len(description):  # more than a pipe holds
                return
            # above the numbers they get in the process, so that neither overwrites the other on the way
            above = [fcntl.fcntl(opened[end], fcntl.F_DUPFD_CLOEXEC, 10) for end in (0, 2)]
            opened += above
            actions = [(os.POSIX_SPAWN_DUP2, above[0], 3), (os.POSIX_SPAWN_DUP2, above[1], 4)]
            words = [_SHELL, "-c", _WAIT, "plugbay", *waiting]
            self._shell = os.posix_spawn(_SHELL, words, os.environ, file_actions=actions)
            self._pipe = opened.pop(1)
        finally:
            for descriptor in opened:
                os.close(descriptor)

    def told(self) -> None:
        """Say that the driver has just beaten itself."""
        if self._pipe is not None:
            with suppress(OSError):  # the process is gone, or has not read what it was told before
                os.set_blocking(self._pipe, False)
                os.write(self._pipe, b".")

    def reap(self) -> None:
        """Take note that the shell which has started the process is over, so that no step meets a child it does not know."""
        shell, self._shell = self._shell, None
        if shell is not None:
            with suppress(OSError):  # somebody has waited for every child
                os.waitpid(shell, 0)

    def stop(self) -> None:
        """Let the process end."""
        self.reap()
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            os.close(pipe)


def _description(stack: Stack, key: str, text: str) -> bytes:
    """What another process of this machine needs to write the object; it may hold secrets."""
    from plugbay.errors import PluginError
    from plugbay.stack.shipping import for_any_machine, store_part

    known = {"key": key, "text": text, "path": sys.path}
    try:
        return json.dumps({**known, "store": store_part(for_any_machine(stack))}).encode()
    except PluginError:  # a component that was built in code, or holds a secret that is written out
        import pickle

        store = stack.of_type("artifact_store")[0].plugin
        managers = {component.info.name: component.plugin for component in stack.of_type("secrets_manager")}
        return json.dumps(known).encode() + b"\n" + pickle.dumps((store, managers), pickle.HIGHEST_PROTOCOL)


def read_description(content: bytes) -> tuple[Stack, str, str]:
    """The stack, the key and the text that were described: the stack has an artifact store and secrets managers."""
    from plugbay.stack import Stack
    from plugbay.stack.shipping import store_from

    line, _, pickled = content.partition(b"\n")
    known = json.loads(line)
    sys.path[:] = known["path"]
    if not pickled:
        return store_from(known["store"]), known["key"], known["text"]
    import pickle

    store, managers = pickle.loads(pickled)  # noqa: S301  the driver wrote it into a pipe of its own
    return Stack(artifact_store=store, secrets_manager=managers), known["key"], known["text"]
