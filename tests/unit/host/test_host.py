"""Calling the hooks of a stack's plugins: in order, guarded where they only listen, and naming who raised."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from typing import Any

import pytest
from attrs import field

from plugbay.errors import PluginError
from plugbay.host.host import Component, Host
from plugbay.host.implementations import StackPluginManager
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import ComponentInfo


@component
class Watcher:
    name: str
    journal: list[str] = field(factory=list)
    fail_in: tuple[str, ...] = ()
    error: Callable[[str], BaseException] = RuntimeError

    def _note(self, hook: str) -> None:
        self.journal.append(f"{hook} {self.name}")
        if hook in self.fail_in:
            raise self.error(f"{self.name} failed in {hook}")

    @hookimpl
    def step_enter(self) -> None:
        self._note("enter")

    @hookimpl
    def step_leave(self, error: Any) -> None:
        self._note("leave")

    @hookimpl
    def step_started(self) -> None:
        self._note("started")

    @hookimpl
    def step_metadata(self) -> dict[str, Any] | None:
        self._note("metadata")
        return None if self.name == "b" else {"name": self.name}


@component
class OnlyLeaves:
    journal: list[str]

    @hookimpl
    def step_leave(self) -> None:
        self.journal.append("leave only")


def as_component(plugin: Any, name: str) -> Component:
    info = ComponentInfo(type="observer", name=name, flavor="watcher", distribution="acme-watch", version="1.5")
    return Component(info, plugin)


def watching(journal: list[str], fail: dict[str, tuple[str, ...]] | None = None, **kwargs: Any) -> Host:
    fail = fail or {}
    plugins = [Watcher(name=name, journal=journal, fail_in=fail.get(name, ()), **kwargs) for name in "abc"]
    return Host([as_component(plugin, plugin.name) for plugin in plugins])


def around(host: Host, body: Callable[[], None] = lambda: None) -> None:
    with host.entered("step_enter", "step_leave", lambda error: {"error": error}, step=None):
        body()


def failing() -> None:
    msg = "the body failed"
    raise ValueError(msg)


WHO = "of observer.{} (flavor watcher, acme-watch 1.5)"


class TestEnterAndLeave:
    def test_leave_comes_in_reverse_order(self) -> None:
        journal: list[str] = []
        around(watching(journal), lambda: journal.append("body"))
        assert journal == ["enter a", "enter b", "enter c", "body", "leave c", "leave b", "leave a"]

    def test_those_entered_are_left_when_an_enter_raises(self) -> None:
        journal: list[str] = []
        with pytest.raises(RuntimeError, match="b failed in enter") as raised:
            around(watching(journal, {"b": ("enter",)}), lambda: journal.append("body"))
        assert journal == ["enter a", "enter b", "leave a"]
        assert raised.value.__notes__ == [f"in hook step_enter {WHO.format('b')}"]

    def test_all_are_left_when_a_leave_raises(self) -> None:
        journal: list[str] = []
        with pytest.raises(RuntimeError, match="b failed in leave") as raised:
            around(watching(journal, {"b": ("leave",)}))
        assert journal[3:] == ["leave c", "leave b", "leave a"]
        assert raised.value.__notes__ == [f"in hook step_leave {WHO.format('b')}"]

    def test_every_error_is_kept(self) -> None:
        journal: list[str] = []
        with pytest.raises(ExceptionGroup) as raised:
            around(watching(journal, {"a": ("leave",), "c": ("leave",)}), failing)
        assert [str(error) for error in raised.value.exceptions] == [
            "the body failed",
            "c failed in leave",
            "a failed in leave",
        ]
        assert journal[3:] == ["leave c", "leave b", "leave a"]

    def test_an_interruption_is_kept_and_all_are_left(self) -> None:
        journal: list[str] = []
        with pytest.raises(BaseExceptionGroup) as raised:
            around(watching(journal, {"b": ("leave",)}, error=KeyboardInterrupt), failing)
        assert [type(error) for error in raised.value.exceptions] == [ValueError, KeyboardInterrupt]
        assert journal[3:] == ["leave c", "leave b", "leave a"]

    def test_a_lone_error_is_raised_as_it_is(self) -> None:
        with pytest.raises(ValueError, match="the body failed") as raised:
            around(watching([]), failing)
        assert not hasattr(raised.value, "__notes__")
        assert raised.value.__context__ is None

    def test_even_one_that_ends_an_iteration(self) -> None:
        def stop() -> None:
            raise StopIteration

        with pytest.raises(StopIteration):
            around(watching([]), stop)

    def test_one_that_only_leaves_counts_as_entered(self) -> None:
        journal: list[str] = []
        bad = as_component(Watcher(name="bad", journal=journal, fail_in=("enter",)), "bad")
        with pytest.raises(RuntimeError):
            around(Host([as_component(OnlyLeaves(journal=journal), "only"), bad]))
        assert journal == ["enter bad", "leave only"]


class TestEvents:
    def test_one_that_raises_is_reported_once_and_the_others_are_told(self, caplog: pytest.LogCaptureFixture) -> None:
        journal: list[str] = []
        host = watching(journal, {"b": ("started",)})
        with caplog.at_level(logging.INFO, "plugbay"):
            for _ in range(3):
                host.tell("step_started", step=None)
        assert journal == ["started a", "started b", "started c"] * 3
        assert [(record.levelname, record.name, record.getMessage()) for record in caplog.records] == [
            (
                "WARNING",
                "plugbay",
                "observer.b (flavor watcher, acme-watch 1.5) raised in step_started and was ignored: "
                "RuntimeError: b failed in started",
            )
        ]

    def test_facts_are_gathered_from_those_that_have_any(self, caplog: pytest.LogCaptureFixture) -> None:
        host = watching([], {"c": ("metadata",)})
        assert host.gather("step_metadata", step=None) == {"observer.a": {"name": "a"}}
        assert "observer.c (flavor watcher, acme-watch 1.5) raised in step_metadata" in caplog.text

    def test_an_interruption_is_no_fault_of_an_observer(self) -> None:
        host = watching([], {"b": ("started",)}, error=KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            host.tell("step_started", step=None)


class TestNotes:
    def test_a_hook_called_of_one_or_of_each(self) -> None:
        host = watching([], {"b": ("started",)})
        note = f"in hook step_started {WHO.format('b')}"
        with pytest.raises(RuntimeError) as one:
            host.one(host.components[1], "step_started", step=None)
        with pytest.raises(RuntimeError) as each:
            list(host.each("step_started", step=None))
        assert one.value.__notes__ == each.value.__notes__ == [note]

    @pytest.mark.parametrize("raiser", ["wrapper before", "wrapper after", "plugin", "function"])
    def test_of_several_called_at_once_the_one_that_raised_is_named(self, raiser: str) -> None:
        @component
        class Wrapper:
            @hookimpl(wrapper=True)
            def step_call(self) -> Generator[None, Any, Any]:
                if raiser == "wrapper before":
                    failing()
                result = yield
                if raiser == "wrapper after":
                    failing()
                return result

        @component
        class Plugin:
            @hookimpl
            def step_call(self) -> None:
                if raiser == "plugin":
                    failing()

        class Last:
            @hookimpl(trylast=True)
            def step_call(self, call: Callable[[], Any]) -> Any:
                return call()

        host = Host([as_component(Wrapper(), "wrapper"), as_component(Plugin(), "plugin")])
        host.add_last(Last())
        with pytest.raises(ValueError, match="the body failed") as raised:
            host.call("step_call", step=None, call=failing if raiser == "function" else lambda: 1)
        notes = getattr(raised.value, "__notes__", [])
        blamed = raiser.partition(" ")[0]
        assert notes == ([] if raiser == "function" else [f"in hook step_call {WHO.format(blamed)}"])


class TestRegistration:
    def test_every_problem_of_every_component_is_reported(self) -> None:
        @component
        class Bad:
            @hookimpl
            def step_strated(self) -> None: ...

        with pytest.raises(PluginError) as raised:
            Host([as_component(Bad(), "one"), as_component(Bad(), "two")])
        assert str(raised.value).splitlines() == [
            f"observer.{name} (flavor watcher, acme-watch 1.5): there is no hook 'step_strated'; "
            "did you mean 'step_started'?"
            for name in ("one", "two")
        ]

    def test_one_object_in_two_places_is_an_error(self) -> None:
        watcher = Watcher(name="a")
        with pytest.raises(PluginError, match=r"^observer.two .* is the same object as observer.one; make an instance"):
            Host([as_component(watcher, "one"), as_component(watcher, "two")])

    def test_what_only_pluggy_finds_names_the_component(self) -> None:
        @component
        class NoGenerator:
            @hookimpl(wrapper=True)
            def step_started(self) -> None: ...

        with pytest.raises(PluginError, match=r"^observer.x \(flavor watcher, acme-watch 1.5\): .*generator"):
            Host([as_component(NoGenerator(), "x")])

    def test_one_that_is_not_implemented_gives_nothing(self) -> None:
        host = watching([])
        assert host.one(host.components[0], "run_started", run=None) is None
        assert host.implementing("run_started") == ()

    def test_each_host_has_a_manager_of_its_own(self) -> None:
        first, second = watching([]), watching([])
        assert isinstance(first._manager, StackPluginManager)
        assert first._manager is not second._manager
