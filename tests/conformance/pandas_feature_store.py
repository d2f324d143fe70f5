"""A feature store that is right: pandas tables in one pickled file. Flavors that are wrong on purpose change one thing of it."""

from __future__ import annotations

import os
import pickle
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import narwhals
import pandas as pd
from filelock import FileLock

from plugbay.testing.feature_tables import Service, View
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import FeatureDefinition

TIME = "event_timestamp"


def as_pandas(table):
    frame = narwhals.from_native(table).to_pandas().reset_index(drop=True)
    if TIME not in frame:
        raise ValueError(f"no column {TIME!r}")
    return frame


def as_utc(times):
    return pd.to_datetime(times, utc=True).astype("datetime64[ns, UTC]")


@component
class PandasFeatureStore:
    """Keeps views, their history and what is known now."""

    path: Path

    @hookimpl
    def feature_store_apply(self, definitions):
        for each in definitions:
            if isinstance(each, View) and not each.features:
                raise ValueError(f"the view {each.name!r} has no features")
        with self._changed() as state:
            for each in definitions:
                if isinstance(each, View):
                    state["views"][each.name] = each
                    table = pd.DataFrame(list(each.history), columns=[each.key, TIME, *each.features])
                    state["history"].setdefault(each.name, table.assign(**{TIME: as_utc(table[TIME])}))
                    state["now"].setdefault(each.name, {})
                else:
                    state["services"][each.name] = each

    @hookimpl
    def feature_store_list(self, kind):
        state = self._read()
        views = [state["views"][name] for name in sorted(state["views"])]
        if kind == "view":
            return [self._view(view) for view in views]
        if kind == "entity":
            return [FeatureDefinition(kind=kind, name=key, keys=(key,)) for key in sorted({view.key for view in views})]
        if kind == "source":
            return [
                FeatureDefinition(kind=kind, name=name) for name in sorted(view.source for view in views if view.source)
            ]
        services = [state["services"][name] for name in sorted(state["services"])]
        return [
            FeatureDefinition(kind=kind, name=each.name, features=dict.fromkeys(each.features, "")) for each in services
        ]

    @hookimpl
    def feature_store_historical_features(self, entities, features, full_names):
        table = as_pandas(entities)
        answer, moments, state = table.copy(), as_utc(table[TIME]), self._read()
        for view, feature, column in self.columns(state, features, full_names):
            if view.key not in table:
                raise ValueError(f"no column {view.key!r}")
            history = state["history"][view.name].sort_values(TIME, kind="stable")
            keyed = zip(table[view.key], moments, strict=True)
            answer[column] = pd.Series([self.known(history, view, feature, *each) for each in keyed], dtype=object)
        return answer

    @hookimpl
    def feature_store_online_features(self, rows, features, full_names):
        state, found = self._read(), {}
        for view, feature, column in self.columns(state, features, full_names):
            found.setdefault(view.key, [row[view.key] for row in rows])
            now = [state["now"][view.name].get(row[view.key]) for row in rows]
            found[column] = [values[feature] if self.is_fresh(values, view) else None for values in now]
        return found

    @hookimpl
    def feature_store_materialize(self, start, end, views):
        with self._changed() as state:
            for name in views if views is not None else list(state["views"]):
                view = self.view(state, name)
                begin = start or state["until"].get(name) or datetime(1970, 1, 1, tzinfo=UTC)
                self.put(state, view, self.period(state["history"][name], begin, end))
                state["until"][name] = max(end, state["until"].get(name, end))

    @hookimpl
    def feature_store_push(self, source, table, to):
        table = as_pandas(table)
        with self._changed() as state:
            fed = [view for view in state["views"].values() if view.source == source]
            if not fed:
                raise KeyError(f"no source {source!r}")
            for view in fed:
                missing = {view.key, *view.features} - set(table.columns)
                if missing:
                    raise ValueError(f"columns are missing: {sorted(missing)}")
                rows = table.assign(**{TIME: as_utc(table[TIME])})[[view.key, TIME, *view.features]]
                if to != "online":
                    state["history"][view.name] = pd.concat([state["history"][view.name], rows], ignore_index=True)
                if to != "offline":
                    self.put(state, view, rows)

    # What wrong flavors change

    def known(self, history, view, feature, key, moment):
        """The value that was known at a moment."""
        rows = history[(history[view.key] == key) & (history[TIME] <= moment)]
        if view.ttl is not None:
            rows = rows[rows[TIME] >= moment - view.ttl]
        return None if rows.empty else rows[feature].iloc[-1]

    def is_fresh(self, values, view):
        return values is not None and (view.ttl is None or values[TIME] >= datetime.now(UTC) - view.ttl)

    def period(self, history, begin, end):
        return history[(history[TIME] >= begin) & (history[TIME] < end)]

    def put(self, state, view, rows):
        """Keep the newest of each entity."""
        now = state["now"][view.name]
        for row in rows.sort_values(TIME, kind="stable").to_dict("records"):
            if row[view.key] not in now or now[row[view.key]][TIME] <= row[TIME]:
                now[row[view.key]] = row

    def columns(self, state, features, full_names):
        """The view, the feature and the column of each name."""
        if len(features) == 1 and features[0] in state["services"]:
            features = state["services"][features[0]].features
        found = []
        for name in features:
            view, _, feature = name.partition(":")
            if feature not in self.view(state, view).features:
                raise KeyError(f"the view {view!r} has no feature {feature!r}")
            found.append((state["views"][view], feature, f"{view}__{feature}" if full_names else feature))
        names = [column for _, _, column in found]
        if len(set(names)) < len(names):
            raise ValueError(f"a column comes twice: {names}")
        return found

    def view(self, state, name):
        if name not in state["views"]:
            raise KeyError(f"there is no view or service {name!r}")
        return state["views"][name]

    def _view(self, view):
        ttl = view.ttl.total_seconds() if view.ttl else None
        return FeatureDefinition(kind="view", name=view.name, keys=(view.key,), features=dict(view.features), ttl=ttl)

    # The file

    def _read(self):
        try:
            return pickle.loads(self.path.read_bytes())
        except FileNotFoundError:
            return {"views": {}, "services": {}, "history": {}, "now": {}, "until": {}}

    @contextmanager
    def _changed(self):
        with self.locked():
            state = self._read()
            yield state
            self.write(pickle.dumps(state))

    def locked(self):
        return FileLock(f"{self.path}.lock")

    def write(self, content):
        scratch = self.path.with_name(f"{self.path.name}.{os.urandom(4).hex()}")
        scratch.write_bytes(content)
        scratch.replace(self.path)


def define(views, services):
    """Definitions of this store are those of the contract."""
    return [*views, *services]


def refused(good):
    """A view without features is refused."""
    return [good, View(name="bad", features={}, ttl=timedelta(hours=1)), Service(name="bad", features=())]
