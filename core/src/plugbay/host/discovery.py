"""Which flavors are installed: one pass over the metadata of the distributions, importing nothing of theirs."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from plugbay.errors import PluginError, did_you_mean, listed
from plugbay.host.compatibility import incompatibility
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
            msg = f"{self._what()} cannot be used: it {problem}; install a release of {self.distribution} that fits"
            raise PluginError(msg)
        try:
            module, _, qualname = self.value.partition(":")
            found: Any = importlib.import_module(module)
            for part in qualname.split(".") if qualname else ():
                found = getattr(found, part)
        except (Exception, SystemExit) as error:
            msg = f"{self._what()} cannot be loaded from {self.value!r}: {type(error).__name__}: {error}"
            raise PluginError(msg) from error
        return found

    def _what(self) -> str:
        return f"{self.name!r} ({self.group}) of {self}"


@frozen
class PluginIndex:
    """The plugins that installed distributions offer, by entry point group and name."""

    providers: Mapping[tuple[str, str], tuple[Provider, ...]]

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
            msg = f"there is no {what} {name!r}{did_you_mean(name, known)} (installed: {listed(known)})"
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
    return index_of(importlib.metadata.distributions(path=[entry for entry, _ in state]))


def index_of(distributions: Iterable[importlib.metadata.Distribution]) -> PluginIndex:
    """Build the index; of two distributions with one name the first counts, as it does for imports."""
    providers: dict[tuple[str, str], tuple[Provider, ...]] = {}
    seen: set[str] = set()
    for distribution in distributions:
        text = distribution.read_text("entry_points.txt")
        if text is None or f"[{OBSERVER_GROUP}" not in text:
            continue  # most distributions: their metadata need not be parsed
        name = distribution.metadata["Name"] or _directory_name(distribution)
        if normalised(name) in seen:
            continue
        seen.add(normalised(name))
        requirements = tuple(distribution.requires or ())
        for point in distribution.entry_points:
            if point.group == OBSERVER_GROUP or point.group.startswith(f"{OBSERVER_GROUP}."):
                provider = Provider(
                    group=point.group,
                    name=point.name,
                    value=point.value,
                    distribution=name,
                    version=distribution.version or "unknown",
                    requirements=requirements,
                )
                key = (point.group, point.name)
                providers[key] = (*providers.get(key, ()), provider)
    return PluginIndex(providers)


def _directory_name(distribution: importlib.metadata.Distribution) -> str:
    return Path(str(getattr(distribution, "_path", "unknown"))).name.partition("-")[0]
