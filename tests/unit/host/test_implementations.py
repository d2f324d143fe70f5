"""What is wrong with a flavor is found on its class, before anything of it is called."""

from __future__ import annotations

import functools
from typing import Any

import attrs
import pluggy
import pytest

from plugbay.host.implementations import StackPluginManager, hook_implementations, problems_of
from plugbay_hookspecs import component, hookimpl


def manager_state(manager: StackPluginManager) -> tuple[Any, ...]:
    impls = {name: caller.get_hookimpls() for name, caller in vars(manager.hook).items()}
    return manager.list_name_plugin(), manager.get_plugins(), impls


class TestProblems:
    def test_a_flavor_without_one(self) -> None:
        @component
        class Fine:
            @hookimpl
            def step_started(self, step: Any, _clock: Any = None) -> None: ...

            @hookimpl(specname="step_failed")
            def other_name(self, error: Any) -> None: ...

            @staticmethod
            @hookimpl
            def step_succeeded(step: Any) -> None: ...

            @classmethod
            @hookimpl
            def step_queued(cls, step: Any) -> None: ...

            @hookimpl(optionalhook=True)
            def hook_of_a_later_release(self, anything: Any) -> None: ...

        assert problems_of(Fine, None) == []
        assert set(hook_implementations(Fine)) == {
            "step_started", "step_failed", "step_succeeded", "step_queued", "hook_of_a_later_release"
        }  # fmt: skip

    def test_a_misspelt_hook(self) -> None:
        @component
        class Misspelt:
            @hookimpl
            def step_succeded(self) -> None: ...

        assert problems_of(Misspelt, None) == ["there is no hook 'step_succeded'; did you mean 'step_succeeded'?"]

    def test_an_argument_that_the_hook_does_not_have(self) -> None:
        @component
        class Asking:
            @staticmethod
            @hookimpl
            def step_started(stp: Any) -> None: ...

        assert problems_of(Asking, None) == [
            "hook 'step_started' has no argument 'stp'; did you mean 'step'? (it has: step)"
        ]

    def test_an_argument_with_a_default(self) -> None:
        @component
        class Defaulting:
            @hookimpl
            def step_started(self, step: Any = None) -> None: ...

        assert problems_of(Defaulting, None) == [
            "hook 'step_started' has a default for 'step'; remove it: whether pluggy then gives the argument depends on its release"
        ]

    @pytest.mark.parametrize(
        ("wrap", "kind"),
        [
            (functools.cache, "_lru_cache_wrapper"),
            (functools.partialmethod, "partialmethod"),
            (functools.singledispatchmethod, "singledispatchmethod"),
        ],
    )
    def test_an_implementation_that_is_no_function(self, wrap: Any, kind: str) -> None:
        def orchestrator_run(self: Any, run: Any) -> None: ...

        flavor = component(type("Wrapped", (), {"orchestrator_run": hookimpl(wrap(orchestrator_run))}))
        assert problems_of(flavor, "orchestrator") == [
            f"hook 'orchestrator_run' is a {kind}, and only a function is called as a hook; "
            "put @hookimpl on a method that calls it"
        ]

    @pytest.mark.parametrize("kind", ["keyword", "args", "kwargs"])
    def test_an_argument_that_cannot_be_given_by_position(self, kind: str) -> None:
        @component
        class Keyword:
            @hookimpl
            def step_started(self, *, step: Any) -> None: ...

        @component
        class Args:
            @hookimpl
            def step_started(self, *step: Any) -> None: ...

        @component
        class Kwargs:
            @hookimpl
            def step_started(self, **step: Any) -> None: ...

        flavor = {"keyword": Keyword, "args": Args, "kwargs": Kwargs}[kind]
        assert problems_of(flavor, None) == [
            "hook 'step_started' must take 'step' as an ordinary argument (it has: step)"
        ]

    def test_an_asynchronous_hook(self) -> None:
        @component
        class Asynchronous:
            @hookimpl
            async def step_started(self, step: Any) -> None: ...

        assert problems_of(Asynchronous, None) == [
            "hook 'step_started' is asynchronous, and hooks are called from synchronous code"
        ]

    def test_a_required_hook_that_is_missing(self) -> None:
        @component
        class Empty: ...

        assert problems_of(Empty, "orchestrator") == [
            "hook 'orchestrator_run' is missing: every flavor of the type must implement it"
        ]
        assert len(problems_of(Empty, "artifact_store")) == 6

    def test_a_method_that_is_not_marked(self) -> None:
        @component
        class Unmarked:
            def orchestrator_run(self, run: Any) -> None: ...

        assert problems_of(Unmarked, "orchestrator") == [
            "the method 'orchestrator_run' lacks @hookimpl; a method that is no hook needs another name"
        ]

    def test_an_observer_that_observes_nothing(self) -> None:
        @component
        class Empty: ...

        assert problems_of(Empty, None) == ["it implements no hook; mark its methods with @hookimpl"]

    def test_a_class_that_compares_by_value(self) -> None:
        @attrs.define
        class Equal:
            @hookimpl
            def step_started(self) -> None: ...

        assert problems_of(Equal, None) == [
            "it compares by value, and plugins are told apart by identity; make its class with @component"
        ]

    def test_all_are_found_at_once(self) -> None:
        @component
        class Bad:
            @hookimpl
            def step_started(self, stp: Any, when: Any) -> None: ...

            @hookimpl
            def stop(self) -> None: ...

        assert len(problems_of(Bad, "orchestrator")) == 4


class TestRegistration:
    """The same under every release of pluggy that may be installed."""

    def test_a_failure_leaves_no_trace(self) -> None:
        class HalfGood:
            @hookimpl
            def run_started(self) -> None: ...

            @hookimpl
            def a_hook_that_does_not_exist(self) -> None: ...

            @hookimpl
            def step_started(self, nonsense: Any) -> None: ...

            def __bool__(self) -> bool:
                return False

        manager = StackPluginManager()
        before = manager_state(manager)
        plugin = HalfGood()
        for _ in range(2):
            with pytest.raises(pluggy.PluginValidationError):
                manager.register(plugin, "half")
            assert manager_state(manager) == before
        assert manager.hook.run_started(run=None) == []

    def test_a_second_registration_does_not_end_the_first(self) -> None:
        class Good:
            @hookimpl
            def run_started(self) -> str:
                return "told"

        manager, plugin = StackPluginManager(), Good()
        manager.register(plugin, "one")
        before = manager_state(manager)
        for name in ("one", "two"):
            with pytest.raises(ValueError, match="registered already"):
                manager.register(plugin, name)
        with pytest.raises(ValueError, match="already registered"):
            manager.register(Good(), "one")
        assert manager_state(manager) == before
        assert manager.hook.run_started(run=None) == ["told"]

    def test_no_property_and_no_other_descriptor_is_evaluated(self) -> None:
        class Trap:
            def __get__(self, instance: object, owner: object) -> object:
                raise AssertionError

        @component
        class Greedy:
            trap = Trap()

            @property
            def step_started(self) -> object:
                raise AssertionError

            @hookimpl
            def run_started(self) -> str:
                return "told"

        assert set(hook_implementations(Greedy)) == {"run_started"}
        assert problems_of(Greedy, None) == []
        manager = StackPluginManager()
        manager.register(Greedy(), "greedy")
        assert manager.hook.run_started(run=None) == ["told"]
