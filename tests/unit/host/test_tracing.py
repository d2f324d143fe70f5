"""``PLUGBAY_TRACE``: every call of a hook is in the file, no secret is, and nothing depends on it."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import field

from plugbay.host.host import Component, Host
from plugbay.host.summaries import LONGEST, Summaries
from plugbay_hookspecs import Secret, component, hookimpl
from plugbay_hookspecs.types import ComponentInfo, Message, RegistryLogin

TOKEN = 'tok/en "with" quotes\nand a second line'


@component
class Chatty:
    """Says too much in its errors."""

    token: Secret = Secret(TOKEN)
    host: Any = field(default=None, init=False, repr=False)

    @hookimpl
    def component_start(self) -> None:
        msg = f"no entry for {self.token.reveal()!r} at https://me:{'pass'}@example.com/x?signature=abc"
        raise PermissionError(msg)

    @hookimpl
    def component_stop(self) -> None:
        self.host.one(self.host.components[0], "component_describe")
        self.host.one(self.host.components[0], "component_health")

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"kept in": TOKEN}

    @hookimpl
    def component_health(self) -> None:
        raise SystemExit(3)

    @hookimpl
    def step_call(self) -> None:
        return None

    @hookimpl
    def secrets_manager_get(self, name: str) -> str | None:
        return "from the vault" if name == "s3" else None

    @hookimpl
    def alerter_post(self, message: Message) -> None:
        msg = "the key is from the vault, or from%20the%20vault"
        raise RuntimeError(msg)


class Last:
    @hookimpl(trylast=True)
    def step_call(self) -> str:
        return "called"


def made(plugin: object) -> Host:
    info = ComponentInfo(type="observer", name="chatty", flavor="loud", distribution="acme-loud", version="2.1")
    return Host([Component(info, plugin)])


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLUGBAY_TRACE", str(tmp_path / "trace.json"))
    return tmp_path / "trace.json"


@pytest.fixture
def host(trace: Path) -> Host:
    plugin = Chatty()
    plugin.host = made(plugin)
    return plugin.host


def read(path: Path) -> list[dict[str, Any]]:
    """What the guide says of a file whose writers may have been killed."""
    return json.loads(path.read_text() + "]")


def calls(path: Path) -> list[tuple[str, str]]:
    return [(event["ph"], event["name"]) for event in read(path) if event["ph"] in "BE"]


def chatty(host: Host) -> Component:
    return host.components[0]


def test_a_call_has_a_begin_and_an_end_with_who_answered_in_which_process_and_thread(host: Host, trace: Path) -> None:
    host.one(chatty(host), "component_describe")
    begin, end = [event for event in read(trace) if event["ph"] in "BE"]
    assert begin["args"] == {
        "component": "observer.chatty",
        "flavor": "loud",
        "distribution": "acme-loud 2.1",
        "arguments": {},
    }
    assert end["args"] == {"result": "{kept in}"}
    assert begin["ts"] <= end["ts"]
    assert {(event["pid"], event["tid"]) for event in (begin, end)} == {(os.getpid(), threading.get_native_id())}
    names = {event["name"]: event["args"]["name"] for event in read(trace) if event["ph"] == "M"}
    assert names["thread_name"] == threading.current_thread().name


def test_a_call_inside_of_a_call_is_nested_also_when_it_ends_with_an_error(host: Host, trace: Path) -> None:
    with pytest.raises(SystemExit):
        host.one(chatty(host), "component_stop")
    assert calls(trace) == [
        ("B", "component_stop"),
        ("B", "component_describe"),
        ("E", "component_describe"),
        ("B", "component_health"),
        ("E", "component_health"),
        ("E", "component_stop"),
    ]
    assert read(trace)[-1]["args"] == {"error": "SystemExit", "message": "3"}


def test_of_several_implementations_each_has_its_own_time(host: Host, trace: Path) -> None:
    host.add_last(Last())
    assert host.call("step_call", step=None, call=None) == "called"
    assert calls(trace) == [
        ("B", "step_call"),
        ("B", "observer.chatty"),
        ("E", "observer.chatty"),
        ("B", "plugbay"),
        ("E", "plugbay"),
        ("E", "step_call"),
    ]
    assert read(trace)[-2]["args"] == {"result": "called"}


def test_an_error_of_one_of_several_still_names_its_component(host: Host) -> None:
    @component
    class Failing:
        @hookimpl
        def step_call(self) -> None:
            msg = "no"
            raise LookupError(msg)

    failing = made(Failing())
    failing.add_last(Last())
    with pytest.raises(LookupError) as caught:
        failing.call("step_call", step=None, call=None)
    assert caught.value.__notes__ == ["in hook step_call of observer.chatty (flavor loud, acme-loud 2.1)"]


def test_no_form_of_a_secret_is_in_the_file(host: Host, trace: Path) -> None:
    with pytest.raises(PermissionError):
        host.one(chatty(host), "component_start", store=None)
    text = trace.read_text()
    for part in ("tok/en", "tok%2Fen", "second line", "me:pass", "signature=abc"):
        assert part not in text
    assert "no entry for" in text
    assert "PermissionError" in text


def test_what_a_secrets_manager_gives_is_hidden_from_then_on(host: Host, trace: Path) -> None:
    assert host.one(chatty(host), "secrets_manager_get", name="s3") == "from the vault"
    with pytest.raises(RuntimeError):
        host.one(chatty(host), "alerter_post", message=Message(title="from the vault", text="from the vault"))
    text = trace.read_text()
    assert "the vault" not in text
    assert "from%20the" not in text
    assert '"result":"***"' in text
    assert '"name":"s3"' in text


def test_a_new_secret_is_hidden_while_it_is_made(trace: Path) -> None:
    @component
    class Vault:
        @hookimpl
        def secrets_manager_create(self, name: str, values: Mapping[str, str]) -> str:
            msg = f"cannot keep {values['key']}"
            raise OSError(msg)

    vault = made(Vault())
    with pytest.raises(OSError, match="hunter2"):
        vault.one(chatty(vault), "secrets_manager_create", name="s3", values={"key": "hunter2"})
    assert "hunter2" not in trace.read_text()
    assert "{key}" in trace.read_text()


def test_threads_do_not_mix(host: Host, trace: Path) -> None:
    def work() -> None:
        for _ in range(50):
            host.one(chatty(host), "component_describe")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    open_calls: dict[int, int] = {}
    for event in read(trace):
        if event["ph"] in "BE":
            open_calls[event["tid"]] = open_calls.get(event["tid"], 0) + (1 if event["ph"] == "B" else -1)
            assert open_calls[event["tid"]] in (0, 1)
    assert list(open_calls.values()) == [0] * 4


APPEND = """
import sys
from pathlib import Path
from plugbay.host.trace_file import TraceFile
file = TraceFile(Path(sys.argv[1]), sys.argv[2])
for number in range(300):
    file.write({"ph": "i", "name": sys.argv[2], "number": number, "filling": "x" * 3000})
"""


def test_processes_that_begin_together_write_whole_lines_after_one_beginning(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    command = [sys.executable, "-c", APPEND, str(path)]
    processes = [subprocess.Popen([*command, f"process {number}"]) for number in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    events = read(path)
    for name in (f"process {number}" for number in range(4)):
        assert [e["number"] for e in events if e["name"] == name] == list(range(300))
    assert [event["ph"] for event in events].count("M") == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["trace.json"]


def test_a_file_that_is_a_trace_is_continued(trace: Path) -> None:
    for _ in range(2):
        host = made(Chatty())
        host.one(chatty(host), "component_describe")
    assert len(calls(trace)) == 4


def no_directory(path: Path) -> None:
    path.rmdir()


def a_directory(path: Path) -> None:
    (path / "trace.json").mkdir()


def something_else(path: Path) -> None:
    (path / "trace.json").write_text('{"precious": "data"}')


@pytest.mark.parametrize("spoil", [no_directory, a_directory, something_else])
def test_where_no_trace_can_be_written_a_warning_says_so_and_calls_go_on(
    spoil: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    spoil(place)
    monkeypatch.setenv("PLUGBAY_TRACE", str(place / "trace.json"))
    host = made(Chatty())
    assert host.one(chatty(host), "component_describe") == {"kept in": TOKEN}
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warning.startswith("PLUGBAY_TRACE: ")
    assert str(place / "trace.json") in warning
    if spoil is something_else:
        assert (place / "trace.json").read_text() == '{"precious": "data"}'


def test_a_disk_that_fills_ends_the_trace_with_one_warning(
    host: Host, trace: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, hard))
    try:
        for _ in range(20):
            assert host.one(chatty(host), "component_describe")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    (warning,) = [record.getMessage() for record in caplog.records]
    assert "PLUGBAY_TRACE" in warning
    assert trace.stat().st_size == 600, "what fits is written"
    *whole, _ = trace.read_text().splitlines()
    assert json.loads("".join(whole) + "]")


@pytest.mark.parametrize("traced", [False, True])
def test_without_the_variable_nothing_of_it_is_there(traced: bool, tmp_path: Path) -> None:
    code = """
import sys
from plugbay.stack import Stack
from plugbay.serializers.choice import Serializers
stack = Stack.load()
Serializers(allow_pickle=True)
with stack:
    stack.check()
print("plugbay.host.tracing" in sys.modules, stack.host._manager._inner_hookexec.__name__)
"""
    environment = {**os.environ, "PLUGBAY_TRACE": str(tmp_path / "trace.json") if traced else ""}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == (["True", "traced_hookexec"] if traced else ["False", "_multicall"]), done.stderr


@component
class Opaque:
    secret: Secret = Secret("hunter2")
    id: str = "seven"

    def __repr__(self) -> str:
        raise AssertionError


class Hostile(dict[str, str]):
    def __iter__(self) -> Any:
        raise AssertionError


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (3, 3),
        ("text", "text"),
        (Path("/a/b"), "/a/b"),
        (b"bytes", "<5 bytes>"),
        (Secret("hunter2"), "Secret('***')"),
        (Secret("hunter2", "env:TOKEN"), "Secret('env:TOKEN')"),
        ({"PASSWORD": "hidden", "a": 1}, "{PASSWORD, a}"),
        ([1, ["x"], {}], "[1, <list of 1>, <dict of 0>]"),
        (list(range(100)), "[0, 1, 2, 3, 4, 5, 6, 7, ... 100 in all]"),
        (Opaque(), "Opaque(id=seven)"),
        (object(), "<object>"),
        (Hostile(a="b"), "<Hostile>"),
        (RegistryLogin(server="r", username="u", password=Secret("hunter2")), "RegistryLogin()"),
        ("hunter2", "***"),
        ("a hunter2 b", "a *** b"),
        (1234, "***"),
        ("1234", "***"),
        ("12", "***"),
        ("112", "112"),
        ("x" * 1000, f"{'x' * (LONGEST - 3)}..."),
        ("x" * 100_000, "<100000 characters>"),
        (["hunter2"], "[***]"),
        ({"hunter2": 1}, "{***}"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_little_is_shown_of_a_value_and_no_secret(value: Any, shown: Any) -> None:
    summaries = Summaries()
    for secret in ("hunter2", "1234", "12"):
        summaries.learn(secret)
    assert summaries.of(value) == shown


def test_a_secret_that_must_be_asked_for_is_not_asked_for_by_the_trace() -> None:
    def asked() -> str:
        raise AssertionError

    Summaries().learn_from([Secret(asked, "secret:s3.key")])
