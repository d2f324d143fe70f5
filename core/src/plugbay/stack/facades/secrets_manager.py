"""The typed facade of the stack's secrets managers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plugbay.masking import hide
from plugbay.stack.facades.addressed import ToSeveral


class SecretsManager(ToSeveral):
    """Where credentials are kept; see :mod:`plugbay_hookspecs.secrets_manager` for what each call promises.

    Managers are asked in stack order. The first that knows a secret answers, and the first that is not read-only keeps
    a new one.
    """

    def _first(self, hook: str, **arguments: Any) -> Any:
        """The first answer. A manager that has no secret of that name passes on to the next."""
        unknown: KeyError | None = None
        for component in self._components:
            try:
                found = self._host.one(component, f"secrets_manager_{hook}", **arguments)
            except KeyError as error:
                unknown = unknown or error
            else:
                if found is not None:
                    return found
        if unknown is not None:
            raise unknown
        return None

    def get(self, name: str) -> str | None:
        """Look a secret up: ``secret.key``, or ``secret`` for its key ``value``; ``None`` when no manager knows it."""
        secret, dot, key = name.partition(".")
        if not secret or (dot and not key):
            raise _no_name(name)
        value: str | None = self._first("get", name=name)
        hide(value)
        return value

    def list(self) -> Sequence[str] | None:
        """The names of all secrets, in order; ``None`` when no manager can list."""
        lists = [self._host.one(component, "secrets_manager_list") for component in self._components]
        known = [names for names in lists if names is not None]
        return sorted({name for names in known for name in names}) if known else None

    def create(self, name: str, values: Mapping[str, str]) -> str | None:
        """Keep a new secret and return its version; ``None`` when every manager is read-only."""
        _check(name, values)
        hide(values)
        version: str | None = self._first("create", name=name, values=values)
        return version

    def update(self, name: str, values: Mapping[str, str]) -> str | None:
        """Give a secret a new version and return it; ``None`` when every manager is read-only."""
        _check(name, values)
        hide(values)
        version: str | None = self._first("update", name=name, values=values)
        return version

    def delete(self, name: str) -> bool | None:
        """Delete a secret from every manager that has it; ``None`` when every one is read-only."""
        _check(name)
        answers = [self._host.one(part, "secrets_manager_delete", name=name) for part in self._components]
        known = [existed for existed in answers if existed is not None]
        return any(known) if known else None

    def versions(self, name: str) -> Sequence[str] | None:
        """The versions of a secret, oldest first; ``None`` when no manager keeps versions."""
        _check(name)
        found: Sequence[str] | None = self._first("versions", name=name)
        return found


def _check(name: str, values: Mapping[str, str] | None = None) -> None:
    if not name or "." in name:
        raise _no_name(name)
    if values is not None and (not values or not all(values)):
        msg = f"the secret {name!r} needs at least one text, each by a key that is not empty"
        raise ValueError(msg)


def _no_name(name: str) -> ValueError:
    return ValueError(f"{name!r} names no secret: a secret's name is not empty and has no dot; behind one stands a key")
