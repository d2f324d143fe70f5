"""Record the calls that a stack makes of its components' hooks in this process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from attrs import field, frozen

from plugbay.host.host import Component
from plugbay.stack import Stack
from plugbay_hookspecs import component, hookimpl


@frozen(kw_only=True)
class HookCall:
    """A hook that was called, with what came of it."""

    hook: str
    arguments: Mapping[str, Any]
    components: tuple[str, ...]
    """The ids of the components whose implementations were called: ``artifact_store``, ``alerter.oncall``; none for an
    event that only the recorder listens to."""
    result: Any = field(default=None, repr=False)
    """What the call returned: of a hook that addresses one component its answer, else the list of all answers."""
    error: BaseException | None = None
    """What it raised."""


class HookRecorder:
    """Keeps the calls of the stacks that it watches, in the order in which they ended.

    It sees what is called in this process: not what a worker process calls, and of a hook that gives an iterator only
    the call.
    """

    def __init__(self) -> None:
        """Have seen nothing yet."""
        self.calls: list[HookCall] = []

    @contextmanager
    def watching(self, stack: Stack) -> Iterator[HookRecorder]:
        """Record the calls of a stack inside of the context."""

        def record(
            hook: str,
            arguments: Mapping[str, Any],
            called: Sequence[Component],
            result: Any,
            error: BaseException | None,
        ) -> None:
            components = tuple(each.id for each in called if not isinstance(each.plugin, Listening))
            if called and not components and len(stack.host.implementing(hook)) > 1:
                return  # recorded as the call of somebody else
            self.calls.append(
                HookCall(hook=hook, arguments=arguments, components=components, result=result, error=error)
            )

        with stack.host.watched(record):
            yield self

    def named(self, *hooks: str, component: str | None = None) -> list[HookCall]:
        """The calls of some hooks; those of one component only where its id is given."""
        return [call for call in self.calls if call.hook in hooks and component in (None, *call.components)]

    def only(self, hook: str) -> HookCall:
        """The call of a hook that must have been called exactly once."""
        found = self.named(hook)
        assert len(found) == 1, (
            f"{hook} was called {len(found)} times; called were: {', '.join(self.names()) or 'none'}"
        )
        return found[0]

    def names(self) -> list[str]:
        """The hooks that were called, each as often as it was."""
        return [call.hook for call in self.calls]

    def assert_order(self, *hooks: str) -> None:
        """Assert that these hooks were called in this order, with any others between them."""
        names = iter(self.names())
        for number, hook in enumerate(hooks):
            after = f" after {hooks[number - 1]}" if number else ""
            assert hook in names, f"{hook} was not called{after}; called were: {', '.join(self.names()) or 'none'}"

    def clear(self) -> None:
        """Forget what was recorded."""
        self.calls.clear()


@component
class Listening:
    """An observer of everything, so that what nobody else listens to is called and recorded, too."""

    @hookimpl
    def run_prepare(self) -> None:
        pass

    @hookimpl
    def run_started(self) -> None:
        pass

    @hookimpl
    def run_finished(self) -> None:
        pass

    @hookimpl
    def step_queued(self) -> None:
        pass

    @hookimpl
    def step_started(self) -> None:
        pass

    @hookimpl
    def step_cached(self) -> None:
        pass

    @hookimpl
    def step_retrying(self) -> None:
        pass

    @hookimpl
    def step_skipped(self) -> None:
        pass

    @hookimpl
    def step_succeeded(self) -> None:
        pass

    @hookimpl
    def step_failed(self) -> None:
        pass

    @hookimpl
    def step_cancelled(self) -> None:
        pass

    @hookimpl
    def step_enter(self) -> None:
        pass

    @hookimpl
    def step_leave(self) -> None:
        pass

    @hookimpl
    def artifact_saved(self) -> None:
        pass

    @hookimpl
    def artifact_loaded(self) -> None:
        pass

    @hookimpl
    def log_metrics(self) -> None:
        pass

    @hookimpl
    def log_params(self) -> None:
        pass
