"""The secrets manager that is the keyring of the user's desktop."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types.stack import Health
from plugbay_secrets.names import check, divide, is_plain

_SEVERAL = "plugbay secret 1:"
"""What an entry starts with that holds texts by keys, as JSON."""
_VERSION = "latest"
_REMEDY = "choose another backend (`keyring --list-backends`, PYTHON_KEYRING_BACKEND), or the flavor 'file'"


@component
class KeyringSecretsManager:
    """Keep secrets in the system's keyring: Keychain, Secret Service, KWallet, Windows Credential Locker.

    Each secret is an entry whose user name is the secret's. An entry that another program made, `keyring set` for
    instance, is the key `value`.
    """

    service: str = "plugbay"
    """The service that the entries belong to."""

    @hookimpl
    def secrets_manager_get(self, name: str) -> str | None:
        secret, key = divide(name)
        return (self._read(secret) or {}).get(key)

    @hookimpl
    def secrets_manager_create(self, name: str, values: Mapping[str, str]) -> str:
        check(name, values)
        with self._locked():
            if self._read(name) is not None:
                msg = f"there is a secret named {name!r}"
                raise FileExistsError(msg)
            self._write(name, values)
        return _VERSION

    @hookimpl
    def secrets_manager_update(self, name: str, values: Mapping[str, str]) -> str:
        check(name, values)
        with self._locked():
            if self._read(name) is None:
                raise KeyError(name)
            self._write(name, values)
        return _VERSION

    @hookimpl
    def secrets_manager_delete(self, name: str) -> bool:
        import keyring

        with self._locked():
            if self._read(name) is None:
                return False
            keyring.delete_password(self.service, name)
        return True

    @hookimpl
    def component_health(self) -> Health:
        import keyring

        backend = keyring.get_keyring()
        if backend.priority > 0:  # the library's own backends that keep nothing have 0 (fail) and -1 (null)
            return Health(ok=True, detail=str(backend.name))
        return Health(ok=False, detail=f"{backend.name} keeps nothing; {_REMEDY}")

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"service": self.service}

    def _read(self, secret: str) -> dict[str, str] | None:
        if not is_plain(secret):
            return None
        import keyring

        entry = keyring.get_password(self.service, secret)
        if entry is None:
            return None
        if not entry.startswith(_SEVERAL):
            return {"value": entry}
        values: dict[str, str] = json.loads(entry.removeprefix(_SEVERAL))
        return values

    def _write(self, secret: str, values: Mapping[str, str]) -> None:
        import keyring

        # A lone text stays one, for other programs; but not an empty one, which some keyrings do not keep.
        text = values.get("value", "") if len(values) == 1 else ""
        entry = text if text and not text.startswith(_SEVERAL) else _SEVERAL + json.dumps(dict(values))
        keyring.set_password(self.service, secret, entry)
        if keyring.get_password(self.service, secret) != entry:
            msg = f"the keyring backend {keyring.get_keyring().name!r} did not keep the secret {secret!r}; {_REMEDY}"
            raise OSError(msg)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes of this user that use this flavor from writing: a keyring has no lock of its own."""
        from filelock import FileLock
        from platformdirs import user_state_path

        try:
            directory = user_state_path("plugbay", appauthor=False) / "locks"
        except RuntimeError as error:
            msg = "this user has no home directory, where the lock of the keyring would lie: set HOME"
            raise OSError(msg) from error
        directory.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(self.service.encode(errors="surrogatepass")).hexdigest()[:32]
        with FileLock(directory / f"keyring-{name}.lock", mode=0o600):
            yield
