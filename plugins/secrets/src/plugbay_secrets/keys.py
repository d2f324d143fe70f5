"""Read and make the keys of an encrypted file."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path


def read_key_file(path: Path) -> str:
    """The text of a key file. Raises ``PermissionError`` for one that others than its owner may read or write."""
    with path.open(encoding="ascii") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            msg = f"{path} has the mode {mode:04o}: others can use the key; run chmod 600 on it, and better make a new key"
            raise PermissionError(msg)
        return file.read()


def make_key_file(path: Path) -> None:
    """Write a new key to a file that does not exist; one that does is left alone."""
    from cryptography.fernet import Fernet

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(Fernet.generate_key() + b"\n")
        file.flush()
        os.fsync(file.fileno())


class Cipher:
    """Encrypts with the first of some keys and decrypts with any."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take Fernet keys. Raises ``ValueError``, without the key, when one is none."""
        from cryptography.fernet import Fernet, MultiFernet

        if not keys:
            msg = "there is no key"
            raise ValueError(msg)
        made = []
        for number, key in enumerate(keys, 1):
            try:
                made.append(Fernet(key))
            except ValueError:
                msg = f"key {number} of {len(keys)} is not a Fernet key, which is 32 bytes as URL-safe base64"
                raise ValueError(msg) from None  # nothing of what was tried shows
        self._fernet = MultiFernet(made)

    def encrypt(self, content: bytes) -> bytes:
        """Encrypt with the first key."""
        return self._fernet.encrypt(content)

    def decrypt(self, content: bytes, path: Path) -> bytes:
        """Decrypt what was read from ``path``. Raises ``PermissionError`` when no key fits or it is damaged."""
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(content)
        except InvalidToken:
            msg = f"{path} cannot be decrypted: none of the keys is the one it was written with, or the file is damaged"
            raise PermissionError(msg) from None
