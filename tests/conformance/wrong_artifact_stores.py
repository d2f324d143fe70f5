"""Artifact stores that are right but for one thing; ``test_wrong_artifact_stores`` runs them through the contract."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from plugbay.testing.artifact_store import ArtifactStoreContract
from plugbay_hookspecs import Secret, component, hookimpl
from plugbay_hookspecs.types import ObjectStat
from plugbay_local.artifact_store import LocalArtifactStore


@component
class Torn(LocalArtifactStore):
    """Writes objects under their names, a piece at a time."""

    @hookimpl
    def artifact_store_put(self, key: str, source: bytes | Path, if_absent: bool, durable: bool) -> bool:
        super().artifact_store_put(key, b"", True, False)
        path = self.artifact_store_local_path(key)
        if if_absent and path.stat().st_size:
            return super().artifact_store_put(key, source, if_absent, durable)
        content = source if isinstance(source, bytes) else source.read_bytes()
        with path.open("wb") as file:
            for start in range(0, len(content), 65536):
                file.write(content[start : start + 65536])
                time.sleep(0.0005)
        return True


@component
class Racing(LocalArtifactStore):
    """Looks whether there is an object first and writes later."""

    @hookimpl
    def artifact_store_put(self, key: str, source: bytes | Path, if_absent: bool, durable: bool) -> bool:
        if if_absent and self.artifact_store_stat(key) is not None:
            return super().artifact_store_put(key, source, True, durable)
        time.sleep(0.003)
        return super().artifact_store_put(key, source, False, durable)


@component
class Shuffled(LocalArtifactStore):
    """Lists a directory before the names that sort between it and its files."""

    @hookimpl
    def artifact_store_list(self, prefix: str, after: str | None, recursive: bool) -> Iterator[ObjectStat]:
        listed = list(super().artifact_store_list(prefix, after, recursive))
        return iter(sorted(listed, key=lambda found: found.key.split("/")))


@component
class Talkative(LocalArtifactStore):
    """Shows its password in its repr, and is lazy about what is there."""

    password: Secret = attrs.field(factory=lambda: Secret("hunter2"), repr=lambda secret: secret.reveal())

    @hookimpl
    def artifact_store_put(self, key: str, source: bytes | Path, if_absent: bool, durable: bool) -> bool:
        if if_absent and self.artifact_store_stat(key) is not None:
            return False
        return super().artifact_store_put(key, source, if_absent, durable)


class _Contract(ArtifactStoreContract):
    flavor: type[LocalArtifactStore]
    many = 20

    @pytest.fixture
    def component(self, tmp_path: Path) -> LocalArtifactStore:
        return self.flavor(path=tmp_path / "store")


class TestTorn(_Contract):
    flavor = Torn


class TestRacing(_Contract):
    flavor = Racing


class TestShuffled(_Contract):
    flavor = Shuffled


class TestTalkative(_Contract):
    flavor = Talkative
