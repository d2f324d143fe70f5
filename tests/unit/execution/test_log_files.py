"""Logs of text: all that was printed, in order, whatever becomes of the process."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from attrs import evolve

from plugbay import masking
from plugbay.execution.log_files import LONG, SpareLog, TextLog, completed
from plugbay.execution.logs import captured
from plugbay.home import growing_log_path, log_path
from plugbay_hookspecs.types import StepInfo

INFO = StepInfo(run_id="run", pipeline="p", step="talk", name="talk", attempt=1)
MANY = 10_000


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLUGBAY_HOME", str(tmp_path))
    return tmp_path


def printed() -> str:
    return log_path("run", "talk", 1).read_bytes().decode()


def print_lines(count: int, name: str = "line") -> str:
    for number in range(count):
        print(f"{name} {number}")
    return "".join(f"{name} {number}\n" for number in range(count))


@pytest.mark.parametrize("count", [1, 63, 64, 65, MANY, 100_000])
def test_all_lines_are_in_the_file(count: int, capsys: pytest.CaptureFixture[str]) -> None:
    with captured(INFO, own_process=False) as log:
        expected = print_lines(count)
    assert log.close()
    assert printed() == expected == capsys.readouterr().out
    assert not growing_log_path(log.path).exists()


def test_all_lines_are_in_the_file_once_there_was_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    masking.hide("a secret of long ago")
    masking.forget()
    with captured(INFO, own_process=False) as log:
        expected = print_lines(3)
    assert log.close()
    assert printed() == expected == capsys.readouterr().out


def test_a_silent_attempt_has_no_file() -> None:
    with captured(INFO, own_process=False) as log:
        pass
    assert not log.close()
    assert not log.path.exists()


def attempts_of_a_worker(printing: int, spare: SpareLog) -> None:
    """Three attempts in this process, of which one prints to its descriptor."""
    for number in range(1, 4):
        info = evolve(INFO, attempt=number)
        with captured(info, own_process=True, spare=spare) as log:
            kept = log_path("run", "talk", number)
            assert kept.exists(), "what is printed before it is killed belongs to the attempt"
            if number == printing:
                os.write(1, b"said\n")
        assert log.close() == (number == printing)


@pytest.mark.parametrize("printing", [1, 2, 3])
def test_an_empty_log_is_kept_for_the_next_attempt_and_another_is_not(home: Path, printing: int) -> None:
    spare = SpareLog()
    attempts_of_a_worker(printing, spare)
    assert log_path("run", "talk", printing).read_bytes() == b"said\n"
    assert len(list(log_path("run", "talk", 1).parent.iterdir())) == (1 if printing == 3 else 2)
    spare.close()
    assert list(log_path("run", "talk", 1).parent.iterdir()) == [log_path("run", "talk", printing)]


def test_an_empty_log_that_was_removed_is_made_anew() -> None:
    spare = SpareLog()
    attempts_of_a_worker(0, spare)
    shutil.rmtree(log_path("run", "talk", 1).parent)
    attempts_of_a_worker(1, spare)
    assert printed() == "said\n"
    spare.close()


@pytest.mark.parametrize("many", [0, MANY])
def test_any_text_is_kept_as_it_is(many: int, capsys: pytest.CaptureFixture[str]) -> None:
    pieces = ["a", "b\nc", "\n\0", "\0\n", "\0" * 2 * LONG, "ä🦦\n", "x" * 700_000, "\n", *["y"] * 3 * LONG, "\0"]
    with captured(INFO, own_process=False) as log:
        expected = print_lines(many)
        for piece in pieces:
            sys.stdout.write(piece)
    assert log.close()
    assert printed() == expected + "".join(pieces)
    capsys.readouterr()


def test_what_is_no_text_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    log = TextLog(INFO)
    log.put_unended("a\udc80")
    for _ in range(MANY):
        log.put_unended("\udc80")
    assert log.close()
    assert printed() == "a" + "\\udc80" * (MANY + 1)


def test_lines_of_several_threads_stay_whole(capsys: pytest.CaptureFixture[str]) -> None:
    names = ("one", "two", "three")
    with captured(INFO, own_process=False) as log:
        threads = [threading.Thread(target=print_words, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert log.close()
    lines = printed().splitlines()
    for name in names:
        assert [line for line in lines if line.startswith(name)] == [f"{name} {number}" for number in range(MANY)]
    capsys.readouterr()


def print_words(name: str) -> None:
    for number in range(MANY):
        sys.stdout.write(f"{name} {number}\n")


def test_it_is_complete_up_to_the_last_line_when_the_process_is_killed(home: Path) -> None:
    code = f"""
import os, signal, sys
from plugbay.execution.logs import captured
from plugbay_hookspecs.types import StepInfo
with captured(StepInfo(run_id="run", pipeline="p", step="talk", name="talk", attempt=1), own_process=False):
    for number in range({MANY}):
        print("line", number)
    print("zeros \\0\\0")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    growing = growing_log_path(log_path("run", "talk", 1))
    assert completed(growing) == log_path("run", "talk", 1)
    assert printed() == "".join(f"line {number}\n" for number in range(MANY)) + "zeros \0\0\n"


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("before", [0, 1, MANY])
def test_a_forked_process_adds_to_it_too(before: int, capfd: pytest.CaptureFixture[str]) -> None:
    with captured(INFO, own_process=False) as log:
        expected = print_lines(before)
        sys.stdout.write("unended ")
        child = os.fork()
        if child == 0:
            print_lines(MANY, "child")
            os._exit(0)
        os.waitpid(child, 0)
        after = print_lines(MANY, "parent")
    assert log.close()
    assert printed() == expected + "unended " + "".join(f"child {number}\n" for number in range(MANY)) + after
    capfd.readouterr()


def test_where_there_is_no_room_to_map_it_is_appended_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    room = [1 << 18]

    def fallocate(handle: int, start: int, length: int) -> None:
        if start + length > room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.truncate(handle, start + length)

    monkeypatch.setattr(os, "posix_fallocate", fallocate)
    with captured(INFO, own_process=False) as log:
        expected = print_lines(100_000)
    assert log.close()
    assert printed() == expected
    assert not growing_log_path(log.path).exists()
    capsys.readouterr()
