"""What the process of a server does to take the place of the one that answers, and how its turn ends.

It is handed the socket on which the one before listens, so that no connection is refused or lost. It serves once it has
decided to; who waits for it in vain decides against it.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from attrs import field, frozen

from plugbay_local.serving.generations import HOST, Generations

Model = TypeVar("Model")


@frozen(kw_only=True)
class Turn:
    """The time in which a server answers the requests of its deployment."""

    generation: int
    given: Mapping[str, Any]
    """What the deployer said of the model: ``uri``, ``path``, ``format``, ``predictor``, ``digest``."""
    listening: socket.socket
    """Where connections come in. It does not block: two servers accept from it for a moment, and one comes too late."""
    _before: int | None = field(alias="before")
    _generations: Generations = field(alias="generations")

    def begin(self) -> None:
        """Tell that the server accepts connections; the one before is asked to end."""
        self._generations.make_current(self.generation)
        print(f"serving {self.given['uri']} at http://{HOST}:{_port(self.listening)}", file=sys.stderr, flush=True)
        if self._before is not None:
            self._generations.process(self._before).signal(signal.SIGTERM)

    @property
    def is_last(self) -> bool:
        """Whether the deployment is stopped, so that nobody takes the socket over."""
        return self._generations.stopped.exists()

    def end(self) -> None:
        """Tell that the server accepts no more connections; it may go on with those it has."""
        self._generations.retire(self.generation)


def take_turn(load: Callable[[Mapping[str, Any]], Model], answer: Callable[[Turn, Model], None]) -> None:
    """Serve the generation on the command line: what the module that a deployer names as its ``server`` does.

    :param load: makes a model of what was given. What it raises is told to whoever deploys.
    :param answer: begins the turn, answers requests until SIGTERM comes, and ends the turn. SIGINT is ignored.
    """
    generation = int(sys.argv[1])
    os.set_inheritable(int(sys.argv[2]), False)  # the lock by which this process is known to live
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    generations = Generations(Path.cwd())
    try:
        given = generations.given(generation)
        if given["memory"] is not None:
            resource.setrlimit(resource.RLIMIT_AS, (given["memory"], given["memory"]))
        model = load(given)
        before = generations.current()
        listening = _handed_over(before) or _bound(generations, given["port"])
    except BaseException as error:
        generations.fail(generation, error)
        raise
    if generations.decide(generation):
        _hand_over_when_asked(listening, generation)
        turn = Turn(generation=generation, given=given, listening=listening, before=before, generations=generations)
        answer(turn, model)


def _handed_over(generation: int | None) -> socket.socket | None:
    """The socket of the server that listens at present; ``None`` when there is none."""
    with socket.socket(socket.AF_UNIX) as other, suppress(FileNotFoundError, ConnectionError):
        other.settimeout(10)
        other.connect(f"{generation}.sock")  # relative: the path of a socket is short
        _, descriptors, _, _ = socket.recv_fds(other, 1, 1)
        if descriptors:
            return socket.socket(fileno=descriptors[0])
    return None


def _bound(generations: Generations, port: int | None) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((HOST, generations.port() or port or 0))
    listening.listen(1024)
    listening.setblocking(False)
    generations.set_port(_port(listening))
    return listening


def _hand_over_when_asked(listening: socket.socket, generation: int) -> None:
    door = socket.socket(socket.AF_UNIX)
    Path(f"{generation}.sock").unlink(missing_ok=True)
    door.bind(f"{generation}.sock")
    door.listen(1)

    def hand_over() -> None:
        while True:
            successor, _ = door.accept()
            with successor, suppress(OSError):
                socket.send_fds(successor, [b"s"], [listening.fileno()])

    threading.Thread(target=hand_over, daemon=True).start()


def _port(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])
