from __future__ import annotations

import json
import logging
import os
import pty
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plugbay.testing.alerter import AlerterContract
from plugbay_hookspecs.types import Message
from plugbay_local.alerter import LogAlerter

HOSTILE = Message(
    title="two\nlines", text="\x1b[2J\x85\ud800 ü", severity="error", link="http://a/", fields={"b": "1", "a": "2"}
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLUGBAY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def records(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_an_alert_is_a_line_of_the_file(home: Path) -> None:
    LogAlerter().alerter_post(HOSTILE)
    (record,) = records(home / "alerts.jsonl")
    assert (record["title"], record["text"], record["severity"]) == (HOSTILE.title, HOSTILE.text, "error")
    assert list(record["fields"]) == ["b", "a"]


def test_an_alert_after_a_torn_line_has_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text('{"title": "to')
    LogAlerter(path=path).alerter_post(Message(title="whole"))
    assert json.loads(path.read_text().splitlines()[1])["title"] == "whole"


def test_a_logger_gets_one_line_that_no_terminal_obeys(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "mine"):
        LogAlerter(logger="mine").alerter_post(HOSTILE)
    assert caplog.record_tuples == [
        ("mine", logging.ERROR, r"two\nlines | \x1b[2J | \ud800 ü | b: 1 | a: 2 | http://a/"),
    ]
    assert not home.exists()


@pytest.fixture
def terminal():
    """A person's end of a terminal, and the path of the other."""
    person, other = pty.openpty()
    yield person, Path(os.ttyname(other))
    os.close(person)
    os.close(other)


def reply_once_asked(person: int, *replies: bytes) -> None:
    def reply() -> None:
        for text in replies:
            shown = b""
            while b"why: " not in shown:
                shown += os.read(person, 4096)
            os.write(person, text)

    threading.Thread(target=reply, daemon=True).start()


@pytest.mark.parametrize(
    ("replies", "approved", "comment"),
    [
        ([b"yes\n"], True, ""),
        ([b"Y, it is good\n"], True, "it is good"),
        ([b"no: too late\n"], False, "too late"),
        ([b"\n", b"yesterday\n", b"perhaps yes\n", b"n\n"], False, ""),
    ],
)
def test_a_person_answers(terminal, replies: list[bytes], approved: bool, comment: str) -> None:
    person, path = terminal
    reply_once_asked(person, *replies)
    answer = LogAlerter(terminal=path).alerter_ask(HOSTILE, 20)
    assert answer is not None
    assert (answer.approved, answer.comment) == (approved, comment)
    assert answer.by
    assert abs(answer.at - time.time()) < 20


def test_what_was_typed_before_the_question_is_no_answer(terminal) -> None:
    person, path = terminal
    os.write(person, b"yes\n")
    answer = LogAlerter(terminal=path).alerter_ask(HOSTILE, 0.2)
    assert answer is not None
    assert (answer.approved, answer.by) == (False, None)


def test_half_an_answer_is_none_when_the_time_is_over(terminal) -> None:
    person, path = terminal
    reply_once_asked(person, b"yes")
    answer = LogAlerter(terminal=path).alerter_ask(HOSTILE, 0.3)
    assert answer is not None
    assert (answer.approved, answer.by) == (False, None)


def test_two_questions_are_asked_one_after_the_other(terminal) -> None:
    person, path = terminal
    alerter = LogAlerter(terminal=path)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(alerter.alerter_ask(HOSTILE, 20))) for _ in range(2)]
    reply_once_asked(person, b"yes\n", b"no\n")
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.approved for answer in answers) == [False, True]


def test_without_a_terminal_it_does_not_ask(tmp_path: Path) -> None:
    assert LogAlerter(terminal=tmp_path / "none").alerter_ask(HOSTILE, 1) is None
    code = (
        "from plugbay_local.alerter import LogAlerter; from plugbay_hookspecs.types import Message\n"
        "assert LogAlerter().alerter_ask(Message(title='?'), 9) is None"
    )
    subprocess.run([sys.executable, "-c", code], check=True, start_new_session=True, timeout=30)


class TestLog(AlerterContract):
    @pytest.fixture
    def component(self, tmp_path: Path) -> Iterator[LogAlerter]:
        self.person, other = pty.openpty()
        yield LogAlerter(path=tmp_path / "alerts", terminal=Path(os.ttyname(other)))
        os.close(self.person)
        os.close(other)

    def told(self, component: LogAlerter) -> list[str]:
        assert component.path is not None
        texts = component.path.read_text(encoding="utf-8").splitlines() if component.path.exists() else []
        return ["\n".join(map(str, json.loads(text).values())) for text in texts]

    @contextmanager
    def answering(self, component: LogAlerter, approved: bool) -> Iterator[None]:
        def answer() -> None:
            shown = b""
            while b"why: " not in shown:
                shown += os.read(self.person, 4096)
            os.write(self.person, b"yes\n" if approved else b"no\n")

        thread = threading.Thread(target=answer)
        thread.start()
        yield
        thread.join()
