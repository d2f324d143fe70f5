"""Find what the names of features mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from attrs import frozen


@frozen(kw_only=True)
class Request:
    """Features that Feast is asked for in one call."""

    features: Any
    """Names, or a feature service."""
    columns: dict[str, str]
    """The column of the answer by ``view:feature``, in the order in which they were asked for."""
    keys: tuple[str, ...]
    """The key columns."""
    is_computed: bool = False
    """Whether any other column of the table may count too, as to a feature that is computed on demand."""


@frozen(kw_only=True)
class Wanted:
    """All that a call asks for."""

    requests: tuple[Request, ...]
    columns: tuple[str, ...]
    """The columns of the answer, in the order in which they were asked for."""
    keys: tuple[str, ...]
    """The key columns of all views."""
    lookup: Any
    """What to ask an online store for: names, or a feature service."""
    ttl: dict[str, float]
    """The seconds after which a value is too old, by the column of the answer."""


def find(store: Any, features: Sequence[str], full_names: bool) -> Wanted:
    """Divide features into calls. Raises ``KeyError`` for what is unknown, ``ValueError`` for two of one name."""
    if not features:
        msg = "no feature is asked for; name them as 'view:feature', or one service"
        raise ValueError(msg)
    service = _service(store, features)
    if service is None:
        names = list(features)
    else:
        names = [
            f"{each.name_to_use()}:{one.name}" for each in service.feature_view_projections for one in each.features
        ]
    columns = {name: name.replace(":", "__", 1) if full_names else name.partition(":")[2] for name in names}
    _check_columns(names, columns)
    ttl = _ttl(
        store, columns, {each.name_to_use(): each.name for each in service.feature_view_projections} if service else {}
    )
    if service is not None and any(each.name_alias or each.join_key_map for each in service.feature_view_projections):
        keys = _keys_of_projections(store, service.feature_view_projections)
        requests: tuple[Request, ...] = (Request(features=service, columns=columns, keys=keys, is_computed=True),)
    else:
        requests = _requests(store, names, columns)
    keys = tuple(dict.fromkeys(key for request in requests for key in request.keys))
    lookup = names if service is None else service
    return Wanted(requests=requests, columns=tuple(columns.values()), keys=keys, lookup=lookup, ttl=ttl)


def _service(store: Any, features: Sequence[str]) -> Any:
    """The service, where it is asked for one."""
    from feast.errors import FeatureServiceNotFoundException

    named = [name for name in features if ":" not in name]
    if not named:
        return None
    if len(features) > 1:
        msg = f"{named[0]!r} is the name of a service, which is read alone; features are named 'view:feature'"
        raise ValueError(msg)
    try:
        return store.registry.get_feature_service(named[0], store.project, allow_cache=True)
    except FeatureServiceNotFoundException:
        known = ", ".join(sorted(each.name for each in store.list_feature_services())) or "none"
        msg = f"Feast project {store.project!r} has no service {named[0]!r}; it has: {known}"
        raise KeyError(msg) from None


def _requests(store: Any, names: Sequence[str], columns: dict[str, str]) -> tuple[Request, ...]:
    """One for each view, because Feast drops a row from all views when one has only values out of its time."""
    from feast.on_demand_feature_view import OnDemandFeatureView

    views = {view.name: view for view in store.list_all_feature_views(allow_cache=True)}
    by_view: dict[str, list[str]] = {}
    for name in names:
        view, _, feature = name.partition(":")
        _check(store, views, view.partition("@")[0], feature)
        is_computed = isinstance(views[view.partition("@")[0]], OnDemandFeatureView)
        by_view.setdefault("" if is_computed else view, []).append(name)
    requests = []
    for view, of_view in by_view.items():
        asked = {name.partition(":")[0].partition("@")[0] for name in of_view}
        keys = tuple(dict.fromkeys(key for name in sorted(asked) for key in _keys(store, views[name])))
        of_columns = {name: columns[name] for name in of_view}
        requests.append(Request(features=of_view, columns=of_columns, keys=keys, is_computed=not view))
    return tuple(requests)


def _ttl(store: Any, columns: dict[str, str], aliases: dict[str, str]) -> dict[str, float]:
    views = {view.name: getattr(view, "ttl", None) for view in store.list_all_feature_views(allow_cache=True)}
    of_columns = {column: name.partition(":")[0].partition("@")[0] for name, column in columns.items()}
    ttls = {column: views.get(aliases.get(view, view)) for column, view in of_columns.items()}
    return {column: ttl.total_seconds() for column, ttl in ttls.items() if ttl}


def _keys(store: Any, view: Any) -> tuple[str, ...]:
    """The key columns of a view; of one that is computed, those of the views it is computed from."""
    from feast.feature_view import DUMMY_ENTITY_ID

    sources = getattr(view, "source_feature_view_projections", None)
    if sources is not None:
        return _keys_of_projections(store, sources.values())
    return tuple(key for key in view.join_keys if key != DUMMY_ENTITY_ID)


def _keys_of_projections(store: Any, projections: Iterable[Any]) -> tuple[str, ...]:
    views = {view.name: view for view in store.list_all_feature_views(allow_cache=True)}
    keys = [(each.join_key_map or {}).get(key, key) for each in projections for key in _keys(store, views[each.name])]
    return tuple(dict.fromkeys(keys))


def _check(store: Any, views: dict[str, Any], view: str, feature: str) -> None:
    if view not in views:
        msg = f"Feast project {store.project!r} has no view {view!r}; it has: {', '.join(sorted(views)) or 'none'}"
        raise KeyError(msg)
    known = [each.name for each in views[view].features]
    if feature not in known:
        msg = f"the view {view!r} has no feature {feature!r}; it has: {', '.join(sorted(known))}"
        raise KeyError(msg)


def _check_columns(names: Sequence[str], columns: dict[str, str]) -> None:
    taken: dict[str, str] = {}
    for name in names:
        other = taken.setdefault(columns[name], name)
        if other != name or names.count(name) > 1:
            msg = f"{other!r} and {name!r} would both be the column {columns[name]!r}; ask for full names, or for one"
            raise ValueError(msg)
