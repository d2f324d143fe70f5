"""One stack's plugins in one process, registered with pluggy, and the ways in which their hooks are called."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import pluggy
from attrs import frozen

from plugbay.errors import PluginError
from plugbay.host.implementations import StackPluginManager, hook_implementations, problems_of
from plugbay.host.specifications import specifications
from plugbay_hookspecs.types import ComponentInfo

_log = logging.getLogger("plugbay")

Watch: TypeAlias = Callable[[str, Mapping[str, Any], Sequence["Component"], Any, BaseException | None], None]
"""Takes a hook, its arguments, the components that were called, and what they returned or raised."""


@frozen(eq=False)
class Component:
    """A flavor with its settings, named in a stack; an observer is one too."""

    info: ComponentInfo
    plugin: Any

    @property
    def id(self) -> str:
        """Unique in the stack."""
        return self.info.type if self.info.name == self.info.type else f"{self.info.type}.{self.info.name}"

    def __str__(self) -> str:
        info = self.info
        origin = f", {info.distribution} {info.version}" if info.distribution else ""
        return f"{self.id} (flavor {info.flavor}{origin})"


class Host:
    """The plugins of one stack in one process."""

    def __init__(self, components: Sequence[Component]) -> None:
        """Register the components in stack order.

        Raises :class:`PluginError` with every problem of every one whose hooks do not agree with the specifications.
        """
        _refuse_faulty(components)
        self.components = tuple(components)
        self._manager = StackPluginManager()
        self._callers: dict[str, tuple[tuple[Component, Callable[..., Any]], ...]] = {}
        self._reported: set[tuple[str, str]] = set()
        for component in components:
            try:
                self._manager.register(component.plugin, component.id)
                self._manager.check_pending()
            except pluggy.PluginValidationError as error:
                msg = f"{component}: {' '.join(str(error).split())}"
                raise PluginError(msg) from error
        self._by_plugin = {id(component.plugin): component for component in components}
        if os.environ.get("PLUGBAY_TRACE"):
            from plugbay.host.tracing import trace_calls

            trace_calls(self._manager, self._described, [component.plugin for component in components])

    @contextmanager
    def watched(self, watch: Watch) -> Iterator[None]:
        """Show every hook call that ends inside of the context to ``watch``, from whatever thread it was made."""

        def ended(outcome: pluggy.Result[Any], hook: str, called: Sequence[pluggy.HookImpl], given: Any) -> None:
            found = (self._by_plugin.get(id(implementation.plugin)) for implementation in called)
            components = [component for component in found if component is not None]
            error = outcome.exception
            watch(hook, given, components, None if error is not None else outcome.get_result(), error)

        undo = self._manager.add_hookcall_monitoring(_nothing, ended)
        try:
            yield
        finally:
            undo()

    def add_last(self, plugin: object) -> None:
        """Register the host's own implementation of ``step_call``, which comes after every other one."""
        if not self._manager.has_plugin("plugbay"):
            self._manager.register(plugin, "plugbay")

    def call(self, hook: str, **arguments: Any) -> Any:
        """Call ``hook`` of all plugins at once, as pluggy does."""
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        try:
            return caller(**arguments)
        except Exception as error:
            raiser = _raiser(error, caller.get_hookimpls())
            component = self._by_plugin.get(id(raiser.plugin)) if raiser is not None else None
            if component is not None:  # what the user's own function raised is not the plugin's
                note(error, hook, component)
            raise

    def implementing(self, hook: str) -> tuple[tuple[Component, Callable[..., Any]], ...]:
        """The components that implement ``hook``, in stack order, each with a call that reaches it alone."""
        callers = self._callers.get(hook)
        if callers is None:
            callers = self._callers[hook] = tuple(
                (component, _named(self._manager.subset_hook_caller(hook, self._others(component)), hook, component))
                for component in self.components
                if hook in hook_implementations(type(component.plugin))
            )
        return callers

    def _others(self, component: Component) -> list[object]:
        return [plugin for plugin in self._manager.get_plugins() if plugin is not component.plugin]

    def one(self, component: Component, hook: str, **arguments: Any) -> Any:
        """Call ``hook`` of one component; ``None`` when it does not implement it."""
        for found, caller in self.implementing(hook):
            if found is component:
                return _single(hook, caller(**arguments))
        return None

    def each(self, hook: str, **arguments: Any) -> Iterator[tuple[Component, Any]]:
        """Call ``hook`` of every component that implements it, in stack order, as far as the caller iterates."""
        for component, caller in self.implementing(hook):
            yield component, _single(hook, caller(**arguments))

    def tell(self, hook: str, **arguments: Any) -> None:
        """Call ``hook`` of every component that implements it; one that raises is reported and stops nothing."""
        callers = self._callers.get(hook)
        for component, caller in self.implementing(hook) if callers is None else callers:
            try:
                caller(**arguments)
            except Exception as error:  # noqa: BLE001  whatever a plugin raises must not end the run
                self._report(component, hook, error)

    def tell_one(self, component: Component, hook: str, **arguments: Any) -> tuple[bool, Any]:
        """Call ``hook`` of one component; when it raises that is reported and stops nothing.

        :returns: whether it did not raise, and what it returned.
        """
        try:
            return True, self.one(component, hook, **arguments)
        except Exception as error:  # noqa: BLE001  as above
            self._report(component, hook, error)
            return False, None

    def gather(self, hook: str, **arguments: Any) -> dict[str, Any]:
        """Like :meth:`tell`, with the results that are not ``None`` by the component's id."""
        found = {}
        for component, caller in self.implementing(hook):
            try:
                result = _single(hook, caller(**arguments))
            except Exception as error:  # noqa: BLE001  whatever a plugin raises must not end the run
                self._report(component, hook, error)
            else:
                if result is not None:
                    found[component.id] = result
        return found

    def _report(self, component: Component, hook: str, error: Exception) -> None:
        level = logging.DEBUG if (component.id, hook) in self._reported else logging.WARNING
        self._reported.add((component.id, hook))
        _log.log(level, "%s raised in %s and was ignored: %s: %s", component, hook, type(error).__name__, error)
        _log.debug("traceback", exc_info=error)

    @contextmanager
    def entered(
        self, enter: str, leave: str, leaving_with: Callable[[BaseException | None], dict[str, Any]], **arguments: Any
    ) -> Iterator[None]:
        """Call ``enter`` of every component in stack order and ``leave`` in reverse on the way out.

        A component that does not implement ``enter`` counts as entered. If one raises, the rest is not entered.
        ``leave`` is called for every one that was entered; what several raise is raised together, after what the body
        raised.

        :param leaving_with: gives the further arguments of ``leave`` from what was raised before.
        """
        entering, leaving = dict(self.implementing(enter)), dict(self.implementing(leave))
        entered: list[Component] = []
        errors: list[BaseException] = []
        try:
            for component in self.components:
                if component in entering:
                    entering[component](**arguments)
                entered.append(component)
            yield
        except BaseException as error:  # noqa: BLE001  it is raised again below, after the others have been left
            errors.append(error)
        further = leaving_with(errors[0] if errors else None) if leaving else {}
        for component in reversed(entered):
            if component in leaving:
                try:
                    leaving[component](**arguments, **further)
                except BaseException as error:  # noqa: BLE001  as above
                    errors.append(error)
        raise_together(errors)

    def _described(self, plugin: object) -> Mapping[str, str]:
        from plugbay.host.tracing import describe

        component = self._by_plugin.get(id(plugin))
        return {"component": "plugbay"} if component is None else describe(component.info, component.id)


def _named(caller: pluggy.HookCaller, hook: str, component: Component) -> Callable[..., Any]:
    """A call of one component's hook; what it raises gets a note that says so."""

    def call(**arguments: Any) -> Any:
        try:
            return caller(**arguments)
        except Exception as error:
            note(error, hook, component)
            raise

    return call


def note(error: Exception, hook: str, component: Component) -> None:
    """Give an exception a note that tells whose hook raised it."""
    text = f"in hook {hook} of {component}"
    if text not in getattr(error, "__notes__", ()):
        error.add_note(text)


def raise_together(errors: Sequence[BaseException]) -> None:
    """Raise what there is to raise: nothing, the only error, or a group of all."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        msg = f"{len(errors)} errors, the first: {errors[0]}"
        raise BaseExceptionGroup(msg, errors)


def _raiser(error: BaseException, called: Sequence[pluggy.HookImpl]) -> pluggy.HookImpl | None:
    """Find the implementation in which the traceback ends: a wrapper that an exception passes through is none."""
    by_code = {}
    for implementation in called:
        function = getattr(implementation.function, "__wrapped__", implementation.function)  # by a trace
        by_code[getattr(function, "__code__", None)] = implementation
    found, place = None, error.__traceback__
    while place is not None:
        found, place = by_code.get(place.tb_frame.f_code, found), place.tb_next
    return found


def _refuse_faulty(components: Sequence[Component]) -> None:
    problems = [
        f"{component}: {problem}"
        for component in components
        for problem in problems_of(type(component.plugin), _type_of(component))
    ]
    first: dict[int, Component] = {}
    for component in components:
        other = first.setdefault(id(component.plugin), component)
        if other is not component:
            problems.append(f"{component} is the same object as {other.id}; make an instance for each")
    if problems:
        raise PluginError("\n".join(problems))


def _single(hook: str, result: Any) -> Any:
    """What the one plugin that was called returned, also where pluggy makes a list of it."""
    if specifications()[hook].first_result:
        return result
    return result[0] if result else None


def _type_of(component: Component) -> str | None:
    return None if component.info.type in ("observer", "serializer") else component.info.type


def _nothing(*_: object) -> None:
    """Before a call there is nothing to do."""
