"""The secrets manager that is an encrypted file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from plugbay_hookspecs import Secret, component, hookimpl
from plugbay_hookspecs.types.stack import Health, Problem, StackInfo
from plugbay_secrets.keys import Cipher, make_key_file, read_key_file
from plugbay_secrets.names import check, divide
from plugbay_secrets.rewriting import rewrite

_Secrets = dict[str, list[dict[str, str]]]
"""The versions of each secret, oldest first."""


@component
class FileSecretsManager:
    """Keep secrets with their versions in a file encrypted by Fernet (AES-128-CBC, HMAC-SHA256)."""

    path: Path
    """The file; its directory holds a lock file beside it."""
    key: Secret | None = None
    """One or more Fernet keys, divided by blanks: the first encrypts, any decrypts."""
    key_file: Path | None = None
    """A file with such keys that only its owner may read; `plugbay stack up` makes it with a new key."""

    @hookimpl
    def secrets_manager_get(self, name: str) -> str | None:
        secret, key = divide(name)
        versions = self._read().get(secret)
        return versions[-1].get(key) if versions else None

    @hookimpl
    def secrets_manager_list(self) -> Sequence[str]:
        return sorted(self._read())

    @hookimpl
    def secrets_manager_create(self, name: str, values: Mapping[str, str]) -> str:
        check(name, values)
        with self._rewritten() as secrets:
            if name in secrets:
                msg = f"there is a secret named {name!r}"
                raise FileExistsError(msg)
            secrets[name] = [dict(values)]
        return "1"

    @hookimpl
    def secrets_manager_update(self, name: str, values: Mapping[str, str]) -> str:
        check(name, values)
        with self._rewritten() as secrets:
            secrets[name].append(dict(values))
            return str(len(secrets[name]))

    @hookimpl
    def secrets_manager_delete(self, name: str) -> bool:
        if name not in self._read():
            return False
        with self._rewritten() as secrets:
            return secrets.pop(name, None) is not None

    @hookimpl
    def secrets_manager_versions(self, name: str) -> Sequence[str]:
        return [str(number) for number in range(1, len(self._read()[name]) + 1)]

    @hookimpl
    def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
        if (self.key is None) == (self.key_file is None):
            given = "neither" if self.key is None else "both"
            remedy = 'set one: key = { env = "NAME" }, or key_file = "PATH"'
            return [Problem(message=f"{given} of key and key_file is set", remedy=remedy)]
        return []

    @hookimpl
    def component_provision(self) -> None:
        if self.key_file is not None:
            make_key_file(self.key_file.expanduser())

    @hookimpl
    def component_health(self) -> Health:
        try:
            return Health(ok=True, detail=f"{len(self._read())} secrets")
        except (OSError, ValueError) as error:
            return Health(ok=False, detail=str(error))

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"file": str(self._file())}

    def _file(self) -> Path:
        return self.path.expanduser().absolute()

    def _cipher(self) -> Cipher:
        if self.key_file is not None:
            return Cipher(read_key_file(self.key_file.expanduser()).split())
        return Cipher(self.key.reveal().split() if self.key is not None else [])

    def _read(self) -> _Secrets:
        cipher, file = self._cipher(), self._file()
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            return {}
        secrets: _Secrets = json.loads(cipher.decrypt(content, file))["secrets"]
        return secrets

    @contextmanager
    def _rewritten(self) -> Iterator[_Secrets]:
        """The secrets, to change; they are written when nothing was raised, and nobody else writes meanwhile."""
        from filelock import FileLock

        file = self._file()
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock", mode=0o600):
            secrets = self._read()
            yield secrets
            rewrite(file, self._cipher().encrypt(json.dumps({"format": 1, "secrets": secrets}).encode()))
