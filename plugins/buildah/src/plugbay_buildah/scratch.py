"""The files that a build needs beside its context: only this user reads them, and they are gone after it."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from plugbay_hookspecs.types import RegistryLogin


@frozen
class Scratch:
    """A directory that only this user reads."""

    path: Path

    def file(self, name: str, content: str = "") -> Path:
        """Write a file."""
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    def login(self, login: RegistryLogin | None) -> list[str]:
        """The options that log the tool in, with the password in a file and not on the command line."""
        if login is None or login.username is None:
            return []
        password = "" if login.password is None else login.password.reveal()
        known = base64.b64encode(f"{login.username}:{password}".encode()).decode()
        file = self.file("auth.json", json.dumps({"auths": {login.server: {"auth": known}}}))
        return [f"--authfile={file}"]


@contextmanager
def scratch() -> Iterator[Scratch]:
    """Make the directory, and remove it."""
    with tempfile.TemporaryDirectory(prefix="plugbay-build-") as directory:
        yield Scratch(Path(directory))
