"""A feature store without files or servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
from attrs import field, frozen

from plugbay.testing.fakes.shared import Shared
from plugbay.testing.fakes.tables import Columns, columns_of, rows_of, table_like
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import FeatureDefinition, FeatureKind, PushTarget

TIME = "event_timestamp"
Row = dict[str, Any]


@frozen(kw_only=True)
class FeatureView:
    """A view to apply: features of an entity, with what is known from the beginning."""

    name: str
    keys: tuple[str, ...]
    features: Mapping[str, str]
    """The type of each by its name."""
    ttl: float | None = None
    """Seconds after which a value is too old; ``None``: never."""
    source: str | None = None
    """The name of the source that rows can be pushed to."""
    history: Sequence[Mapping[str, Any]] = ()
    """Rows of the keys, ``event_timestamp`` and the features."""


class Features:
    """Definitions, and the rows of each view in the order in which they came."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.defined: dict[tuple[str, str], FeatureDefinition] = {}
        self.history: dict[str, list[Row]] = {}
        self.latest: dict[str, dict[tuple[Any, ...], Row]] = {}
        self.sources: dict[str, str] = {}
        """The view of each source."""
        self.materialized: dict[str, datetime] = {}

    def apply(self, definitions: Sequence[FeatureDefinition | FeatureView]) -> None:
        """Take definitions. History that is there already stays."""
        views = [each for each in definitions if isinstance(each, FeatureView)]
        for view in views:
            if not (view.keys and view.features):
                msg = f"view {view.name!r} has no {'features' if view.keys else 'keys'}"
                raise ValueError(msg)
        for view in views:
            known = FeatureDefinition(
                kind="view", name=view.name, keys=view.keys, features=dict(view.features), ttl=view.ttl
            )
            self.defined["view", view.name] = known
            rows = self.history.setdefault(view.name, [])
            rows += [dict(row) for row in view.history if dict(row) not in rows]
            if view.source is not None:
                self.defined["source", view.source] = attrs.evolve(known, kind="source", name=view.source)
                self.sources[view.source] = view.name
        others = [each for each in definitions if isinstance(each, FeatureDefinition)]
        self.defined.update({(each.kind, each.name): each for each in others})

    def listed(self, kind: FeatureKind) -> list[FeatureDefinition]:
        """The definitions of a kind, in order."""
        return [each for (found, _), each in sorted(self.defined.items()) if found == kind]

    def wanted(self, features: Sequence[str], full_names: bool) -> list[tuple[FeatureDefinition, str, str]]:
        """The view, the feature and the name of the column of each feature that is asked for."""
        names = list(features)
        if len(names) == 1 and ":" not in names[0]:
            names = list(self.defined["service", names[0]].features)
        found = []
        for name in names:
            view, _, feature = name.partition(":")
            definition = self.defined["view", view]
            if feature not in definition.features:
                raise KeyError(name)
            found.append((definition, feature, f"{view}__{feature}" if full_names else feature))
        columns = [column for *_, column in found]
        if twice := {column for column in columns if columns.count(column) > 1}:
            msg = f"there are two features {', '.join(sorted(twice))}; use full names"
            raise ValueError(msg)
        return found

    def at_their_time(self, asked: Columns, features: Sequence[str], full_names: bool) -> Columns:
        """What was known of each row at its moment."""
        columns: Columns = {}
        rows = rows_of(asked)
        for view, feature, column in self.wanted(features, full_names):
            _need([*view.keys, TIME], asked)
            columns[column] = [self._known(view, row, feature) for row in rows]
        return columns

    def _known(self, view: FeatureDefinition, asked: Row, feature: str) -> Any:
        key, moment = _key(view, asked), _moment(asked[TIME])
        found = None
        for row in self.history.get(view.name, []):
            at = _moment(row[TIME])
            fresh = view.ttl is None or (moment - at).total_seconds() <= view.ttl
            if _key(view, row) == key and at <= moment and fresh and (found is None or at >= _moment(found[TIME])):
                found = row
        return None if found is None else found[feature]

    def online(self, rows: Sequence[Row], features: Sequence[str], full_names: bool) -> Columns:
        """What is known now."""
        now = datetime.now(UTC)
        wanted = self.wanted(features, full_names)
        keys = dict.fromkeys(key for view, *_ in wanted for key in view.keys)
        for row in rows:
            _need(list(keys), row)
        columns: Columns = {key: [row[key] for row in rows] for key in keys}
        for view, feature, column in wanted:
            latest = self.latest.get(view.name, {})
            columns[column] = [_value(latest.get(_key(view, row)), feature, view.ttl, now) for row in rows]
        return columns

    def materialize(self, start: datetime | None, end: datetime, views: Sequence[str] | None) -> None:
        """Copy history to where it is read fast."""
        names = [each.name for each in self.listed("view")] if views is None else list(views)
        definitions = [self.defined["view", name] for name in names]
        for view in definitions:
            begin = start or self.materialized.get(view.name)
            for row in self.history.get(view.name, []):
                if (begin is None or _moment(row[TIME]) >= begin) and _moment(row[TIME]) < end:
                    self._renew(view, row)
            self.materialized[view.name] = max(end, self.materialized.get(view.name, end))

    def _renew(self, view: FeatureDefinition, row: Row) -> None:
        latest = self.latest.setdefault(view.name, {})
        old = latest.get(_key(view, row))
        if old is None or _moment(row[TIME]) >= _moment(old[TIME]):
            latest[_key(view, row)] = row

    def push(self, source: str, rows: Sequence[Row], to: PushTarget) -> None:
        """Add rows to the view of a source."""
        view = self.defined["view", self.sources[source]]
        for row in rows:
            _need([*view.keys, TIME, *view.features], row)
        if to in ("offline", "both"):
            self.history.setdefault(view.name, []).extend(rows)
        if to in ("online", "both"):
            for row in rows:
                self._renew(view, row)


@component
class FakeFeatureStore:
    """Keeps features in memory: apply :class:`FeatureView`, and definitions of entities and services."""

    kept: Any = field(factory=lambda: Shared(Features()), repr=False)

    @hookimpl
    def feature_store_apply(self, definitions: Path | Sequence[Any]) -> None:
        if isinstance(definitions, Path) or not all(map(_is_definition, definitions)):
            msg = "a fake is defined by a list of FeatureView, and FeatureDefinition of entities and services"
            raise ValueError(msg)
        self.kept.apply(list(definitions))

    @hookimpl
    def feature_store_list(self, kind: FeatureKind) -> Sequence[FeatureDefinition]:
        found: Sequence[FeatureDefinition] = self.kept.listed(kind)
        return found

    @hookimpl
    def feature_store_historical_features(self, entities: Any, features: Sequence[str], full_names: bool) -> Any:
        given = columns_of(entities)
        found = self.kept.at_their_time(given, list(features), full_names)
        return table_like(entities, {**given, **found})

    @hookimpl
    def feature_store_online_features(
        self, rows: Sequence[Mapping[str, object]], features: Sequence[str], full_names: bool
    ) -> Mapping[str, Sequence[object]]:
        found: Columns = self.kept.online([dict(row) for row in rows], list(features), full_names)
        return found

    @hookimpl
    def feature_store_materialize(self, start: datetime | None, end: datetime, views: Sequence[str] | None) -> None:
        self.kept.materialize(start, end, None if views is None else list(views))

    @hookimpl
    def feature_store_push(self, source: str, table: Any, to: PushTarget) -> None:
        self.kept.push(source, rows_of(table), to)


def _is_definition(value: object) -> bool:
    if isinstance(value, FeatureView):
        return True
    return isinstance(value, FeatureDefinition) and value.kind in ("entity", "service")


def _need(columns: Sequence[str], found: Mapping[str, Any]) -> None:
    if missing := [name for name in columns if name not in found]:
        msg = f"the table has no {', '.join(missing)}"
        raise ValueError(msg)


def _key(view: FeatureDefinition, row: Row) -> tuple[Any, ...]:
    return tuple(row[key] for key in view.keys)


def _moment(value: Any) -> datetime:
    """A time of any library, in UTC where it has no zone."""
    found: datetime = value.to_pydatetime() if hasattr(value, "to_pydatetime") else value
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _value(row: Row | None, feature: str, ttl: float | None, now: datetime) -> Any:
    if row is None or (ttl is not None and (now - _moment(row[TIME])).total_seconds() > ttl):
        return None
    return row[feature]
