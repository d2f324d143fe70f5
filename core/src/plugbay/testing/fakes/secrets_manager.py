"""A secrets manager without a vault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field

from plugbay.testing.fakes.shared import Shared
from plugbay_hookspecs import component, hookimpl


class Secrets:
    """The texts of each secret by key, version by version."""

    def __init__(self) -> None:
        """Know no secret yet."""
        self.versions_of: dict[str, list[Mapping[str, str]]] = {}

    def get(self, name: str) -> str | None:
        """The newest text."""
        secret, _, key = name.partition(".")
        return self.versions_of.get(secret, [{}])[-1].get(key or "value")

    def names(self) -> list[str]:
        """All secrets."""
        return list(self.versions_of)

    def create(self, name: str, values: Mapping[str, str]) -> str:
        """Make a secret."""
        if name in self.versions_of:
            raise FileExistsError(name)
        self.versions_of[name] = [values]
        return "1"

    def update(self, name: str, values: Mapping[str, str]) -> str:
        """Make a version of a secret."""
        if name not in self.versions_of:
            raise KeyError(name)
        self.versions_of[name].append(values)
        return str(len(self.versions_of[name]))

    def delete(self, name: str) -> bool:
        """Forget a secret."""
        return self.versions_of.pop(name, None) is not None

    def versions(self, name: str) -> list[str]:
        """The versions of a secret, oldest first."""
        return [str(number) for number in range(1, len(self.versions_of[name]) + 1)]


@component
class FakeSecretsManager:
    """Keeps secrets in memory, in the open."""

    kept: Any = field(factory=lambda: Shared(Secrets()), repr=False)

    @hookimpl
    def secrets_manager_get(self, name: str) -> str | None:
        text: str | None = self.kept.get(name)
        return text

    @hookimpl
    def secrets_manager_list(self) -> Sequence[str]:
        names: Sequence[str] = self.kept.names()
        return names

    @hookimpl
    def secrets_manager_create(self, name: str, values: Mapping[str, str]) -> str:
        if not name or "." in name:
            msg = f"a secret's name is not empty and has no dot, unlike {name!r}"
            raise ValueError(msg)
        version: str = self.kept.create(name, _checked(values))
        return version

    @hookimpl
    def secrets_manager_update(self, name: str, values: Mapping[str, str]) -> str:
        version: str = self.kept.update(name, _checked(values))
        return version

    @hookimpl
    def secrets_manager_delete(self, name: str) -> bool:
        existed: bool = self.kept.delete(name)
        return existed

    @hookimpl
    def secrets_manager_versions(self, name: str) -> Sequence[str]:
        versions: Sequence[str] = self.kept.versions(name)
        return versions


def _checked(values: Mapping[str, str]) -> dict[str, str]:
    if not values or "" in values:
        msg = "a secret has at least one key, and each key a name"
        raise ValueError(msg)
    return dict(values)
