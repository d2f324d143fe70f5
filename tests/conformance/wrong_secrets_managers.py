"""Secrets managers that are right but for one thing; ``test_wrong_secrets_managers`` runs them through the contract."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from plugbay.testing.secrets_manager import SecretsManagerContract
from plugbay_hookspecs import component, hookimpl


@component
class Vault:
    """Keeps secrets in a file of JSON, in the open: each secret's versions in a list."""

    path: Path

    @contextmanager
    def _open(self) -> Iterator[dict[str, Any]]:
        with self.path.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            secrets = json.loads(file.read() or "{}")
            yield secrets
            file.truncate(0)
            json.dump(secrets, file)
            file.flush()

    @hookimpl
    def secrets_manager_get(self, name: str) -> str | None:
        secret, _, key = name.partition(".")
        with self._open() as secrets:
            return secrets.get(secret, [{}])[-1].get(key or "value")

    @hookimpl
    def secrets_manager_list(self) -> Sequence[str]:
        with self._open() as secrets:
            return list(secrets)

    @hookimpl
    def secrets_manager_create(self, name: str, values: Mapping[str, str]) -> str:
        if "." in name or not name or not values or "" in values:
            raise ValueError("no such name or keys")
        with self._open() as secrets:
            if name in secrets:
                raise FileExistsError(name)
            secrets[name] = [dict(values)]
        return "1"

    @hookimpl
    def secrets_manager_update(self, name: str, values: Mapping[str, str]) -> str:
        with self._open() as secrets:
            secrets[name].append(dict(values))
            return str(len(secrets[name]))

    @hookimpl
    def secrets_manager_delete(self, name: str) -> bool:
        with self._open() as secrets:
            return secrets.pop(name, None) is not None

    @hookimpl
    def secrets_manager_versions(self, name: str) -> Sequence[str]:
        with self._open() as secrets:
            return [str(number) for number in range(1, len(secrets[name]) + 1)]


@component
class Talkative(Vault):
    """Tells in an error what it was to keep."""

    @hookimpl
    def secrets_manager_update(self, name: str, values: Mapping[str, str]) -> str:
        try:
            return super().secrets_manager_update(name, values)
        except KeyError as error:
            raise KeyError(name, dict(values)) from error


@component
class Generous(Vault):
    """Answers with the secret's only text when it has not the key."""

    @hookimpl
    def secrets_manager_get(self, name: str) -> str | None:
        with self._open() as secrets:
            texts = secrets.get(name.partition(".")[0], [{}])[-1]
        return next(iter(texts.values())) if len(texts) == 1 else super().secrets_manager_get(name)


@component
class Racing(Vault):
    """Looks whether there is a secret first and writes later."""

    @hookimpl
    def secrets_manager_create(self, name: str, values: Mapping[str, str]) -> str:
        if name in self.secrets_manager_list():
            raise FileExistsError(name)
        if name == "one":
            time.sleep(0.3)
        super().secrets_manager_delete(name)
        return super().secrets_manager_create(name, values)


class VaultContract(SecretsManagerContract):
    flavor: Callable[..., Any]
    processes = 2

    @pytest.fixture
    def component(self, tmp_path: Path) -> Any:
        return self.flavor(path=tmp_path / "vault")


class TestTalkative(VaultContract):
    flavor = Talkative


class TestGenerous(VaultContract):
    flavor = Generous


class TestRacing(VaultContract):
    flavor = Racing
    processes = 4
