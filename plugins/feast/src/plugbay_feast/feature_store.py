"""The feature store that is Feast."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs

from plugbay_feast import configuration
from plugbay_hookspecs import Secret, component, hookimpl
from plugbay_hookspecs.types.feature import FeatureDefinition, FeatureKind, PushTarget
from plugbay_hookspecs.types.stack import Health, Problem, StackInfo

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)


@component
class FeastFeatureStore:
    """Keep features with Feast: history in files, what is known now in SQLite, or in any store that Feast has."""

    repository: Path = Path("feature_repo")
    """The feature repository: its `feature_store.yaml` counts where there is one; relative paths of sources start here."""
    project: str | None = None
    """The Feast project; without it that of `feature_store.yaml`, or `plugbay`."""
    registry: Mapping[str, Any] = attrs.field(factory=dict)
    """Settings of Feast's registry, over those of `feature_store.yaml`; a file in the repository where there are none."""
    online_store: Mapping[str, Any] = attrs.field(factory=dict)
    """Settings of Feast's online store, as `registry`: SQLite where there are none; the type `none` stands for no store."""
    offline_store: Mapping[str, Any] = attrs.field(factory=dict)
    """Settings of Feast's offline store, as `registry`: files, read by Dask, where there are none."""
    secrets: Mapping[str, Secret] = attrs.field(factory=dict)
    """Settings of these that nobody may see, by their path: `"online_store.connection_string"`."""
    _store: Any = attrs.field(init=False, default=None, repr=False)
    _opening: Any = attrs.field(init=False, factory=threading.Lock, repr=False)

    @hookimpl
    def feature_store_historical_features(self, entities: Any, features: Sequence[str], full_names: bool) -> Any:
        from plugbay_feast import history, requests, tables

        store = self._opened()
        table = tables.as_pandas(entities)
        return history.look_up(store, table, requests.find(store, features, full_names), full_names)

    @hookimpl
    def feature_store_online_features(
        self, rows: Sequence[Mapping[str, object]], features: Sequence[str], full_names: bool
    ) -> Mapping[str, Sequence[object]] | None:
        from plugbay_feast import online, requests

        store = self._opened()
        wanted = requests.find(store, features, full_names)
        if store.config.online_store is None:
            return None
        return online.look_up(store, rows, wanted, full_names)

    @hookimpl
    def feature_store_materialize(self, start: datetime | None, end: datetime, views: Sequence[str] | None) -> None:
        from feast.errors import FeastObjectNotFoundException

        last = end - _INSTANT  # Feast's periods include their end
        with self._changing() as store:
            if store.config.online_store is None:
                return
            try:
                found = store._get_feature_views_to_materialize(None if views is None else list(views))
            except FeastObjectNotFoundException as error:
                raise KeyError(str(error)) from error
            for view in found:
                begin = start or getattr(view, "most_recent_end_time", None) or _BEGINNING
                begin = begin if begin.tzinfo else begin.replace(tzinfo=UTC)
                if begin <= last:
                    store.materialize(begin, last, feature_views=[view.name])

    @hookimpl
    def feature_store_apply(self, definitions: Path | Sequence[Any]) -> None:
        from feast.errors import FeastError

        from plugbay_feast.definitions import read

        objects = read(definitions) if isinstance(definitions, Path) else list(definitions)
        with self._changing() as store:
            try:
                store.apply(objects)
            except (FeastError, ValueError, TypeError, AssertionError, OSError) as error:
                msg = f"Feast refuses the definitions: {error}"
                raise ValueError(msg) from error

    @hookimpl
    def feature_store_list(self, kind: FeatureKind) -> Sequence[FeatureDefinition]:
        from plugbay_feast.definitions import listed

        return listed(self._opened(), kind)

    @hookimpl
    def feature_store_push(self, source: str, table: Any, to: PushTarget) -> None:
        from feast.data_source import PushMode

        from plugbay_feast import pushing, tables

        store = self._opened()
        if to != "offline" and store.config.online_store is None:
            msg = f"nothing can be pushed to {to}: the store has no online part (online_store.type is none)"
            raise ValueError(msg)
        rows = pushing.prepared(tables.as_pandas(table), source, pushing.views_of(store, source))
        if rows.empty:
            return
        if to != "online":
            with self._changing() as changed:  # Feast reads a source, adds to it and writes it whole
                changed.push(source, rows, to=PushMode.OFFLINE)
        if to != "offline":
            store.push(source, rows, to=PushMode.ONLINE)

    @hookimpl
    def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
        problems = []
        if self.project is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", self.project):
            remedy = "use letters, digits, underscores and hyphens, the first a letter or a digit"
            problems.append(Problem(message=f"{self.project!r} is no name of a Feast project", remedy=remedy))
        for path in configuration.wrong_paths(self.secrets):
            remedy = 'write registry.NAME, online_store.NAME or offline_store.NAME: "online_store.connection_string"'
            problems.append(Problem(message=f"{path!r} is no path of a setting of Feast", remedy=remedy))
        return problems

    @hookimpl
    def component_provision(self) -> None:
        with self._changing():
            pass

    @hookimpl
    def component_health(self) -> Health:
        try:
            store = self._opened()
            return Health(ok=True, detail=f"{len(store.list_all_feature_views())} views in project {store.project!r}")
        except (OSError, ValueError) as error:
            return Health(ok=False, detail=str(error))

    @hookimpl
    def component_stop(self) -> None:
        with self._opening:
            self._store = None

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"repository": str(self._repository), "online_store": str(self.online_store.get("type", ""))}

    @property
    def _repository(self) -> Path:
        return self.repository.expanduser().absolute()

    def _opened(self) -> Any:
        """The store, opened once; it sees what other processes change in the registry file."""
        with self._opening:
            if self._store is None:
                from feast import FeatureStore

                sections = {
                    "registry": self.registry,
                    "online_store": self.online_store,
                    "offline_store": self.offline_store,
                }
                config = configuration.configure(self._repository, self.project, sections, self.secrets)
                store = FeatureStore(repo_path=str(self._repository), config=config)
                with self._locked(store):
                    store.registry  # noqa: B018 -- the first to need it makes the file
                self._store = store
            return self._store

    @contextmanager
    def _changing(self) -> Iterator[Any]:
        """The store, to change what is defined: no other process does meanwhile, and an error leaves nothing behind."""
        store = self._opened()
        with self._locked(store):
            store.refresh_registry()
            try:
                yield store
            except BaseException:
                store.refresh_registry()
                raise

    @contextmanager
    def _locked(self, store: Any) -> Iterator[None]:
        from filelock import FileLock

        file = configuration.registry_file(store.config, self._repository)
        if file is None:  # Feast's own registries, but the file, know transactions
            yield
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock"):
            yield
