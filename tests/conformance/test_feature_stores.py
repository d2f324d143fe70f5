"""A feature store that is right passes the contract of feature stores."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pandas_feature_store import PandasFeatureStore, define, refused

from plugbay.testing.feature_store import FeatureStoreContract


class TestPandas(FeatureStoreContract):
    @pytest.fixture
    def component(self, tmp_path: Path) -> PandasFeatureStore:
        return PandasFeatureStore(path=tmp_path / "features")

    def define(self, views, services, folder):
        return define(views, services)

    def refused(self, good, folder):
        return refused(good)
