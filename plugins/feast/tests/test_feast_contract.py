"""Feast keeps the promises of a feature store: with its own SQLite online store, and with a real Redis."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from feast_views import define, feast_view
from servers.redis import Redis, redis

from plugbay.testing.feature_store import FeatureStoreContract
from plugbay.testing.feature_tables import Service, View
from plugbay_feast.feature_store import FeastFeatureStore
from plugbay_hookspecs import Secret


class _FeastContract(FeatureStoreContract):
    lacking = {"names": "a Feast name is an identifier: colons, '@' and '__' have a meaning in it"}

    def define(self, views: Sequence[View], services: Sequence[Service], folder: Path) -> Sequence[Any]:
        return define(views, services, folder)

    def refused(self, good: View, folder: Path) -> Sequence[Any]:
        from feast import Entity

        entities: dict[str, Any] = {}
        view = feast_view(good, folder / "good.parquet", entities)
        return [*entities.values(), view, Entity(name="")]


class TestSqlite(_FeastContract):
    @pytest.fixture
    def component(self, tmp_path: Path) -> FeastFeatureStore:
        return FeastFeatureStore(repository=tmp_path / "repository")


class TestRedis(_FeastContract):
    @pytest.fixture(scope="class")
    def server(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
        with redis(tmp_path_factory.mktemp("redis")) as server:
            yield server

    @pytest.fixture
    def component(self, tmp_path: Path, server: Redis) -> FeastFeatureStore:
        connection = Secret(f"127.0.0.1:{server.port},password={server.password}")
        return FeastFeatureStore(
            repository=tmp_path / "repository",
            project=f"p{abs(hash(tmp_path))}",
            online_store={"type": "redis"},
            secrets={"online_store.connection_string": connection},
        )
