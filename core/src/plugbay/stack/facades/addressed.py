"""What facades have in common: the component, or the components, that their calls reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from plugbay.errors import ConfigError, NotFoundError, PluginError, did_you_mean, listed
from plugbay.host.host import Component, Host

F = TypeVar("F")


class ToOne:
    """A facade whose calls reach one component. ``None`` comes from a hook that the flavor does not implement."""

    def __init__(self, host: Host, component: Component) -> None:
        """Reach ``component`` of ``host``."""
        self._host, self._component = host, component

    def _call(self, hook: str, **arguments: Any) -> Any:
        return self._host.one(self._component, f"{self._component.info.type}_{hook}", **arguments)

    def _value(self, kind: type, hook: str, **arguments: Any) -> Any:
        """Like :meth:`_call`, for a hook that returns a value of the class ``kind``, or ``None``."""
        found = self._call(hook, **arguments)
        if found is not None and not isinstance(found, kind):
            name = f"{self._component.info.type}_{hook}"
            got = f"{type(found).__qualname__} ({found!r:.80})"
            msg = f"{self._component}: the hook {name!r} returned {got}; it must return a {kind.__name__} of plugbay_hookspecs.types"
            raise PluginError(msg)
        return found


class ToSeveral:
    """A facade whose calls reach several components of a type, in stack order."""

    def __init__(self, host: Host, components: Sequence[Component]) -> None:
        """Reach ``components`` of ``host``."""
        self._host, self._components = host, tuple(components)


class ByName(Generic[F]):
    """The components of a type by their names, in stack order; the only one is the default."""

    def __init__(self, stack: str, kind: str, facades: Mapping[str, F]) -> None:
        """Find the facades of the components of ``kind`` in the stack called ``stack``."""
        self._stack, self._kind, self._facades = stack, kind, facades

    def __getitem__(self, name: str) -> F:
        if name not in self._facades:
            if not self._facades:
                raise missing(self._stack, self._kind)
            what = self._kind.replace("_", " ")
            near = did_you_mean(name, self._facades)
            msg = f"stack {self._stack!r} has no {what} {name!r}{near} (it has: {listed(self._facades)})"
            raise NotFoundError(msg)
        return self._facades[name]

    def __contains__(self, name: object) -> bool:
        return name in self._facades

    def __iter__(self) -> Iterator[str]:
        return iter(self._facades)

    def __len__(self) -> int:
        return len(self._facades)

    def the_only_one(self) -> F:
        """The default. Raises :class:`ConfigError` when there is none, or more than one to choose from."""
        if not self._facades:
            raise missing(self._stack, self._kind)
        if len(self._facades) > 1:
            what = self._kind.replace("_", " ")
            first = next(iter(self._facades))
            msg = (
                f"stack {self._stack!r} has several components of the type {what}: {listed(self._facades)}; "
                f"name the one that is meant: {self._kind}s[{first!r}]"
            )
            raise ConfigError([msg])
        return next(iter(self._facades.values()))


def missing(stack: str, kind: str) -> ConfigError:
    """The error of asking a stack for a component that it has not: it says what to write."""
    what = kind.replace("_", " ")
    article = "an" if what[0] in "aeiou" else "a"
    where = f'{kind} = "<flavor>" in the table [stacks.{stack}] of plugbay.toml'
    if stack == "custom":
        where = f"Stack(..., {kind}=<an instance>)"
    return ConfigError([f"stack {stack!r} has no {what}; give it {article} {what}: {where}"])
