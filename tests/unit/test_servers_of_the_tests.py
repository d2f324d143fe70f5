"""tests/systems/servers: what the tests of the plugins stand on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from servers.installing import install
from servers.ports import free_port, free_ports
from servers.service import Service

SYSTEMS = Path(__file__).parents[1] / "systems"
STALLS_ONCE = (
    "import pathlib, sys, time; tried = pathlib.Path(sys.argv[1]); first = not tried.exists(); tried.touch(); "
)


@pytest.fixture
def required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("servers.lacking._required", True)


def test_an_installation_that_stalls_is_tried_once_more(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STALLS_ONCE + "first and time.sleep(600)", str(tmp_path / "tried")]
    install("stalling", command, seconds=1)
    assert (tmp_path / "tried").exists()


def test_an_installation_that_failed_twice_is_not_tried_again(tmp_path: Path, required: None) -> None:
    program = "import sys; open(sys.argv[1], 'a').write('x'); sys.exit('no such package')"
    command = [sys.executable, "-c", program, str(tmp_path / "tries")]
    for _ in range(3):
        with pytest.raises(pytest.fail.Exception, match=r"(?s)hopeless could not be installed by .*no such package"):
            install("hopeless", command)
    assert (tmp_path / "tries").read_text() == "xx"


def test_no_port_is_given_twice_on_one_machine() -> None:
    code = "import servers.ports, sys\nprint(*[servers.ports.free_port() for _ in range(200)], flush=True)\nsys.stdin.read()"
    others = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": str(SYSTEMS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    given = [port for other in others if other.stdout for port in other.stdout.readline().split()]
    first = free_ports(12)
    given += [str(port) for port in (*range(first, first + 12), *(free_port() for _ in range(200)))]
    for other in others:
        other.communicate()
    assert len(given) == len(set(given)) == 612


def test_a_server_that_ends_at_once_is_told_with_what_it_said(tmp_path: Path) -> None:
    server = Service([sys.executable, "-c", "print('no room')"], log=tmp_path / "log", ready=lambda: False)
    with pytest.raises(RuntimeError, match=r"(?s)ended with 0 after .*no room"):
        server.start()
    assert not server.running


def test_a_server_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    code = "import time; print('still loading', flush=True); time.sleep(600)"
    server = Service([sys.executable, "-c", code], log=tmp_path / "log", ready=lambda: False, timeout=1)
    with pytest.raises(RuntimeError, match=r"(?s)is not ready after .*still loading"):
        server.start()
    assert not server.running
