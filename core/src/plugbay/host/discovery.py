"""Which flavors are installed: one pass over the metadata of the distributions, importing nothing of theirs."""

from __future__ import annotations

import functools
import importlib
import os
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from plugbay.errors import PluginError, did_you_mean, listed
from plugbay.host.compatibility import incompatibility
from plugbay.host.distributions import Installed, installed
from plugbay_hookspecs.catalogue import OBSERVER_GROUP


@frozen(kw_only=True)
class Provider:
    """A distribution's offer of one plugin: an entry point."""

    group: str
    name: str
    value: str
    """``module:qualname``."""
    distribution: str
    """Its name as it is written in its metadata."""
    version: str
    requirements: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"

    def load(self) -> Any:
        """Import what the entry point names. Raises :class:`PluginError`, naming the distribution, when that fails."""
        problem = incompatibility(self.requirements)
        if problem is not None:
            msg = f"{self._what()} cannot be used: it {problem}; install another release of {self.distribution}"
            raise PluginError(msg)
        try:
            module, path = self._target()
            found: Any = importlib.import_module(module)
            for part in path:
                found = getattr(found, part)
        except (Exception, SystemExit) as error:
            remedy = f"install what it lacks, or another release of {self.distribution}"
            msg = f"{self._what()} cannot be loaded from {self.value!r}: {type(error).__name__}: {error}; {remedy}"
            raise PluginError(msg) from error
        return found

    def offers(self, found: object) -> bool:
        """Tell whether the entry point names this object, which is imported already."""
        module, path = self._target()
        named: Any = sys.modules.get(module)
        for part in path:
            named = getattr(named, part, None)
        return named is found

    def _target(self) -> tuple[str, list[str]]:
        """Return the module and the attributes that lead to the plugin; extras behind them mean nothing here."""
        module, _, qualname = self.value.partition("[")[0].replace(" ", "").partition(":")
        return module, qualname.split(".") if qualname else []

    def _what(self) -> str:
        return f"{self.name!r} ({self.group}) of {self}"


@frozen
class Unreadable:
    """A distribution whose metadata cannot be read, so that it may offer plugins that nobody sees."""

    distribution: str
    problem: str

    def __str__(self) -> str:
        return f"the metadata of {self.distribution} cannot be read ({self.problem}); reinstall it"


@frozen
class PluginIndex:
    """The plugins that installed distributions offer, by entry point group and name."""

    providers: Mapping[tuple[str, str], tuple[Provider, ...]]
    unreadable: tuple[Unreadable, ...] = ()

    def names(self, group: str) -> list[str]:
        """The names offered in a group."""
        return sorted({name for found, name in self.providers if found == group})

    def all(self) -> list[Provider]:
        """Every provider, by group and name."""
        return [provider for key in sorted(self.providers) for provider in self.providers[key]]

    def find(self, group: str, name: str) -> Provider | None:
        """Return the provider of ``name`` in ``group``, ``None`` when there is none.

        :param name: ``flavor``, or ``distribution:flavor`` to choose between distributions that both offer it.
        :raises PluginError: when several distributions offer it and none was chosen.
        """
        distribution, _, flavor = name.rpartition(":")
        found = self.providers.get((group, flavor), ())
        if distribution:
            found = tuple(p for p in found if normalised(p.distribution) == normalised(distribution))
        if len(found) > 1:
            ways = " or ".join(f"{provider.distribution}:{flavor}" for provider in found)
            msg = f"{flavor!r} ({group}) is offered by {' and by '.join(map(str, found))}; write {ways} to choose"
            raise PluginError(msg)
        return found[0] if found else None

    def require(self, group: str, name: str, what: str) -> Provider:
        """Like :meth:`find`, but raises :class:`PluginError` with the nearest names when there is none.

        :param what: the noun for the error message: ``orchestrator flavor``.
        """
        provider = self.find(group, name)
        if provider is None:
            known = self.names(group)
            unread = "".join(f"; {problem}" for problem in self.unreadable)
            msg = f"there is no {what} {name!r}{did_you_mean(name, known)} (installed: {listed(known)}){unread}"
            raise PluginError(msg)
        return provider


def normalised(name: str) -> str:
    """The form in which two spellings of one distribution's name are equal (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_plugins() -> PluginIndex:
    """The index of what is on ``sys.path``; read again only when something there has changed."""
    state = tuple((entry, _changed(entry)) for entry in sys.path)
    return _scan(state)


def _changed(entry: str) -> int:
    try:
        return os.stat(entry or ".").st_mtime_ns
    except OSError:
        return 0


@functools.lru_cache(maxsize=4)
def _scan(state: tuple[tuple[str, int], ...]) -> PluginIndex:
    return _index_of(installed([entry for entry, _ in state]))


def _index_of(distributions: Iterable[Installed]) -> PluginIndex:
    """Build the index; of two distributions with one name the first counts, as it does for imports.

    One whose metadata cannot be read is noted in the index, and hides no other.
    """
    first: dict[str, Installed] = {}
    for distribution in distributions:
        known_as = normalised(distribution.directory_name)
        if known_as not in first or not first[known_as].is_whole():
            first[known_as] = distribution
    providers: dict[tuple[str, str], tuple[Provider, ...]] = {}
    unreadable: list[Unreadable] = []
    names: set[str] = set()
    for known_as, distribution in first.items():
        try:
            offered = _providers(distribution)
        except Exception as error:  # noqa: BLE001  a broken distribution must not hide the others
            unreadable.append(Unreadable(known_as, f"{type(error).__name__}: {error}"))
            continue
        if not offered or (name := normalised(offered[0].distribution)) in names:
            continue  # the same name in two spellings of its directory
        if not distribution.is_whole():
            unreadable.append(Unreadable(known_as, "it has no METADATA, as an interrupted installation leaves it"))
            continue
        names.add(name)
        for provider in offered:
            key = (provider.group, provider.name)
            providers[key] = (*providers.get(key, ()), provider)
    return PluginIndex(providers, tuple(unreadable))


def _providers(distribution: Installed) -> list[Provider]:
    text = distribution.read("entry_points.txt")
    if text is None or f"[{OBSERVER_GROUP}" not in text:
        return []  # most distributions
    points = {
        (group, name): value
        for group, name, value in reversed(tuple(distribution.entry_points()))
        if group == OBSERVER_GROUP or group.startswith(f"{OBSERVER_GROUP}.")
    }
    metadata = distribution.metadata()
    return [
        Provider(
            group=group,
            name=name,
            value=value,
            distribution=metadata.get("name", [""])[0] or distribution.directory_name,
            version=metadata.get("version", [""])[0] or "of unknown version",
            requirements=tuple(metadata.get("requires-dist", ())),
        )
        for (group, name), value in points.items()
    ]
