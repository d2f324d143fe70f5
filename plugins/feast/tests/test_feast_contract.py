"""Feast keeps the promises of a feature store: with its own SQLite online store, and with a real Redis."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from feast_views import define, feast_view

from plugbay.testing.feature_store import FeatureStoreContract
from plugbay.testing.feature_tables import Service, View
from plugbay_feast.feature_store import FeastFeatureStore
from plugbay_hookspecs import Secret
from servers.redis import Redis, redis


class _FeastContract(FeatureStoreContract):
    lacking = {"names": "a Feast name is an identifier: colons, '@' and '__' have a meaning in it"}

    def define(self, views: Sequence[View], services: Sequence[Service], folder: Path) -> Sequence[Any]:
        return define(views, services, folder)

    patience = 240

    def refused(self, good: View, folder: Path) -> Sequence[Any]:
        from feast import Entity, ValueType

        entities: dict[str, Any] = {}
        view = feast_view(good, folder / "good.parquet", entities)
        return [*entities.values(), view, Entity(name="", value_type=ValueType.INT64)]


class TestSqlite(_FeastContract):
    @pytest.fixture
    def component(self, tmp_path: Path) -> FeastFeatureStore:
        return FeastFeatureStore(repository=tmp_path / "repository")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


class TestRedis(_FeastContract):
    @pytest.fixture
    def component(self, tmp_path: Path, server: Redis) -> FeastFeatureStore:
        connection = Secret(f"127.0.0.1:{server.port},password={server.password}")
        return FeastFeatureStore(
            repository=tmp_path / "repository",
            project=f"p{os.urandom(8).hex()}",
            online_store={"type": "redis"},
            secrets={"online_store.connection_string": connection},
        )
