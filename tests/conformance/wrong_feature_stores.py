"""Feature stores that are right but for one thing; ``test_wrong_feature_stores`` runs them through the contract."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pandas_feature_store import TIME, PandasFeatureStore, define, refused

from plugbay.testing.feature_store import FeatureStoreContract
from plugbay.testing.feature_tables import View
from plugbay_hookspecs import component, hookimpl


@component
class Clairvoyant(PandasFeatureStore):
    """Tells the next value where there is none yet."""

    def known(self, history, view, feature, key, moment):
        value = super().known(history, view, feature, key, moment)
        later = history[(history[view.key] == key) & (history[TIME] > moment)]
        return later[feature].iloc[0] if value is None and not later.empty else value


@component
class Hesitant(PandasFeatureStore):
    """Knows a value only after its moment."""

    def known(self, history, view, feature, key, moment):
        return super().known(history, view, feature, key, moment - pd.Timedelta(1, "ms"))


@component
class Unsorted(PandasFeatureStore):
    """Takes the value that was written last."""

    def known(self, history, view, feature, key, moment):
        return super().known(history.sort_index(), view, feature, key, moment)


@component
class Immortal(PandasFeatureStore):
    """Knows nothing of a time to live in history."""

    def known(self, history, view, feature, key, moment):
        without = View(name=view.name, key=view.key)
        return super().known(history, without, feature, key, moment)


@component
class Ageless(PandasFeatureStore):
    """Knows nothing of a time to live when it tells what is known now."""

    def is_fresh(self, values, view):
        return values is not None


@component
class Sorting(PandasFeatureStore):
    """Answers in the order of time."""

    @hookimpl
    def feature_store_historical_features(self, entities, features, full_names):
        answer = super().feature_store_historical_features(entities, features, full_names)
        return answer.sort_values(TIME, ignore_index=True)


@component
class Deduplicating(PandasFeatureStore):
    """Answers once what is asked twice."""

    @hookimpl
    def feature_store_historical_features(self, entities, features, full_names):
        answer = super().feature_store_historical_features(entities, features, full_names)
        return answer.loc[~answer.duplicated([name for name in ("driver", "who", TIME) if name in answer])]


@component
class Joining(PandasFeatureStore):
    """Leaves out rows of which one view knows nothing."""

    @hookimpl
    def feature_store_historical_features(self, entities, features, full_names):
        answer = super().feature_store_historical_features(entities, features, full_names)
        if full_names and len(features) > 1:
            columns = [name.replace(":", "__") for name in features]
            answer.loc[answer[columns].isna().any(axis=1), columns] = None
        return answer


@component
class Obliging(PandasFeatureStore):
    """Takes a view that it does not know for one without values."""

    @hookimpl
    def feature_store_materialize(self, start, end, views):
        known = [name for name in views or () if name in self._read()["views"]]
        super().feature_store_materialize(start, end, known if views is not None else None)


@component
class Taciturn(PandasFeatureStore):
    """Does not say what it does not know."""

    def view(self, state, name):
        if name not in state["views"]:
            raise KeyError("there is no such thing")
        return super().view(state, name)


@component
class Forgetful(PandasFeatureStore):
    """Defines what is applied and nothing else."""

    @hookimpl
    def feature_store_apply(self, definitions):
        with self._changed() as state:
            state["views"].clear()
        super().feature_store_apply(definitions)


@component
class Halfway(PandasFeatureStore):
    """Applies one definition after the other until one is refused."""

    @hookimpl
    def feature_store_apply(self, definitions):
        for each in definitions:
            super().feature_store_apply([each])


@component
class Overwriting(PandasFeatureStore):
    """Keeps what came last."""

    def put(self, state, view, rows):
        for row in rows.sort_values(TIME).to_dict("records"):
            state["now"][view.name][row[view.key]] = row


@component
class Inclusive(PandasFeatureStore):
    """Has the end of a period belong to it."""

    def period(self, history, begin, end):
        return history[(history[TIME] >= begin) & (history[TIME] <= end)]


@component
class Generous(PandasFeatureStore):
    """Pushes to both parts, whatever it was told."""

    @hookimpl
    def feature_store_push(self, source, table, to):
        super().feature_store_push(source, table, "both")


@component
class Unwary(PandasFeatureStore):
    """Does not keep others from changing what it changes."""

    def locked(self):
        return nullcontext()

    def write(self, content):
        time.sleep(0.1)
        super().write(content)


@component
class Torn(PandasFeatureStore):
    """Writes its file where it lies."""

    def write(self, content):
        with self.path.open("wb") as file:
            file.write(content[:100])
            file.flush()
            time.sleep(0.05)
            file.write(content[100:])


class _Contract(FeatureStoreContract):
    """Without what takes other processes, and time."""

    test_processes_materialize_at_once = None
    test_reading_goes_on_while_another_materializes = None
    lacking = {"pyarrow": "one library less", "polars": "one library less"}
    flavor: type[PandasFeatureStore]

    @pytest.fixture
    def component(self, tmp_path: Path) -> PandasFeatureStore:
        return self.flavor(path=tmp_path / "features")

    def define(self, views, services, folder):
        return define(views, services)

    def refused(self, good, folder):
        return refused(good)


class TestClairvoyant(_Contract):
    flavor = Clairvoyant


class TestHesitant(_Contract):
    flavor = Hesitant


class TestUnsorted(_Contract):
    flavor = Unsorted


class TestImmortal(_Contract):
    flavor = Immortal


class TestAgeless(_Contract):
    flavor = Ageless


class TestSorting(_Contract):
    flavor = Sorting


class TestDeduplicating(_Contract):
    flavor = Deduplicating


class TestJoining(_Contract):
    flavor = Joining


class TestObliging(_Contract):
    flavor = Obliging


class TestTaciturn(_Contract):
    flavor = Taciturn


class TestForgetful(_Contract):
    flavor = Forgetful


class TestHalfway(_Contract):
    flavor = Halfway


class TestOverwriting(_Contract):
    flavor = Overwriting


class TestInclusive(_Contract):
    flavor = Inclusive


class TestGenerous(_Contract):
    flavor = Generous


class TestUnwary(_Contract):
    flavor = Unwary
    test_processes_materialize_at_once = FeatureStoreContract.test_processes_materialize_at_once


class TestTorn(_Contract):
    flavor = Torn
    test_reading_goes_on_while_another_materializes = (
        FeatureStoreContract.test_reading_goes_on_while_another_materializes
    )
