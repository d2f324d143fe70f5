"""Secrets managers that are right but for one thing; ``test_wrong_secrets_managers`` runs them through the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from attrs import field

from plugbay.testing.fakes.secrets_manager import FakeSecretsManager, Secrets
from plugbay.testing.fakes.shared import Shared
from plugbay.testing.secrets_manager import SecretsManagerContract
from plugbay_hookspecs import component, hookimpl


@component
class Talkative(FakeSecretsManager):
    """Tells in an error what it was to keep."""

    @hookimpl
    def secrets_manager_update(self, name: str, values: Mapping[str, str]) -> str:
        try:
            return super().secrets_manager_update(name, values)
        except KeyError as error:
            raise KeyError(name, dict(values)) from error


class Texts(Secrets):
    """Secrets that can be asked for their only text."""

    def only_text(self, name: str) -> str | None:
        texts = list(self.versions_of.get(name, [{}])[-1].values())
        return texts[0] if len(texts) == 1 else None


@component
class Generous(FakeSecretsManager):
    """Answers with the secret's only text when it has not the key."""

    kept: Any = field(factory=lambda: Shared(Texts()), repr=False)

    @hookimpl
    def secrets_manager_get(self, name: str) -> str | None:
        return super().secrets_manager_get(name) or self.kept.only_text(name.partition(".")[0])


@component
class Racing(FakeSecretsManager):
    """Writes over a secret that was not there when it looked, which was when it started."""

    names: Any = field(factory=set, init=False)

    @hookimpl
    def component_start(self) -> None:
        self.names.update(self.secrets_manager_list())

    @hookimpl
    def secrets_manager_create(self, name: str, values: Mapping[str, str]) -> str:
        try:
            version = super().secrets_manager_create(name, values)
        except FileExistsError:
            if name in self.names:
                raise
            version = self.secrets_manager_update(name, values)
        self.names.add(name)
        return version


class VaultContract(SecretsManagerContract):
    flavor: Callable[..., Any]
    processes = 2

    @pytest.fixture
    def component(self) -> Any:
        return self.flavor()


class TestTalkative(VaultContract):
    flavor = Talkative


class TestGenerous(VaultContract):
    flavor = Generous


class TestRacing(VaultContract):
    flavor = Racing
    processes = 4
