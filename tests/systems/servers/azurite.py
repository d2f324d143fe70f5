"""Azurite, Microsoft's emulator of Azure Blob Storage: a server of Node.js that npm installs once a machine."""

from __future__ import annotations

import base64
import contextlib
import email.utils
import hashlib
import hmac
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from plugbay.testing.waiting import stretched
from servers.debian import need
from servers.installing import install
from servers.ports import free_port
from servers.service import Service, answers

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The key that every Azurite has; it is in its documentation."""
_VERSION = "3.35.0"
_CACHE = Path(tempfile.gettempdir()) / f"plugbay-tests-azurite-{_VERSION}"


@contextlib.contextmanager
def azurite(folder: Path) -> Iterator[str]:
    """Run the blob service with its data in *folder*; give the account's endpoint."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    command = ["node", _program(), "--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", folder]
    options = ["--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    with Service([*command, *options], log=folder / "azurite.log", ready=lambda: answers(endpoint)):
        yield f"{endpoint}/{ACCOUNT}"


def create_container(endpoint: str, name: str) -> None:
    """Create a container, with a request signed as the service wants it."""
    date = email.utils.formatdate(usegmt=True)
    headers = f"x-ms-date:{date}\nx-ms-version:2021-12-02\n"
    text = f"PUT\n\n\n\n\n\n\n\n\n\n\n\n{headers}/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
    signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), text.encode(), hashlib.sha256)).decode()
    request = urllib.request.Request(f"{endpoint}/{name}?restype=container", method="PUT")
    request.add_header("x-ms-date", date)
    request.add_header("x-ms-version", "2021-12-02")
    request.add_header("Authorization", f"SharedKey {ACCOUNT}:{signature}")
    request.add_header("Content-Length", "0")
    urllib.request.urlopen(request, timeout=stretched(10)).close()


def _program() -> Path:
    if shutil.which("npm") is None:
        need("npm")
    program = _CACHE / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    with FileLock(f"{_CACHE}.lock"):
        if not program.exists():
            scratch = _CACHE.with_name(f"{_CACHE.name}.part")  # what is there is there as a whole
            shutil.rmtree(scratch, ignore_errors=True)
            shutil.rmtree(_CACHE, ignore_errors=True)
            scratch.mkdir()
            options = ["--no-audit", "--no-fund", "--fetch-timeout=30000", "--fetch-retries=4"]
            install("azurite", ["npm", "install", *options, "--prefix", str(scratch), f"azurite@{_VERSION}"])
            scratch.rename(_CACHE)
    return program
