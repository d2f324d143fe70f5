"""A real backend of the keyring library for machines without a desktop: entries are files."""

import os
from hashlib import sha256
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError


class FileKeyring(KeyringBackend):
    priority = 1

    def _entry(self, service: str, username: str) -> Path:
        name = sha256(f"{len(service)}:{service}{username}".encode()).hexdigest()
        return Path(os.environ["FILE_KEYRING"], name)

    def get_password(self, service: str, username: str) -> str | None:
        entry = self._entry(service, username)
        return entry.read_bytes().decode() if entry.exists() else None

    def set_password(self, service: str, username: str, password: str) -> None:
        self._entry(service, username).write_bytes(password.encode())

    def delete_password(self, service: str, username: str) -> None:
        try:
            self._entry(service, username).unlink()
        except FileNotFoundError as error:
            raise PasswordDeleteError("no such entry") from error
