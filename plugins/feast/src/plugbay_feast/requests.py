"""Find what the names of features mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen


@frozen(kw_only=True)
class Request:
    """Features that Feast is asked for in one call."""

    features: Any
    """Names, or a feature service."""
    columns: dict[str, str]
    """The column of the answer by ``view:feature``, in the order in which they were asked for."""
    keys: tuple[str, ...] | None
    """The key columns; ``None`` where any column may count, as to a feature that is computed on demand."""


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


def find(store: Any, features: Sequence[str], full_names: bool) -> Wanted:
    """Divide features into calls. Raises ``KeyError`` for what is unknown, ``ValueError`` for two of one name."""
    if not features:
        msg = "no feature is asked for; name them as 'view:feature', or one service"
        raise ValueError(msg)
    service = _service(store, features)
    if service is None:
        names = list(features)
    else:
        names = [f"{each.name_to_use()}:{one.name}" for each in service.feature_view_projections for one in each.features]
    columns = {name: name.replace(":", "__", 1) if full_names else name.partition(":")[2] for name in names}
    _check_columns(names, columns)
    if service is not None and any(each.name_alias or each.join_key_map for each in service.feature_view_projections):
        request = Request(features=service, columns=columns, keys=None)
        return Wanted(requests=(request,), columns=tuple(columns.values()), keys=(), lookup=service)
    requests = _requests(store, names, columns)
    keys = tuple(dict.fromkeys(key for request in requests for key in request.keys or ()))
    return Wanted(requests=requests, columns=tuple(columns.values()), keys=keys, lookup=service or names)


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
    return tuple(
        Request(
            features=of_view,
            columns={name: columns[name] for name in of_view},
            keys=_keys(views[view.partition("@")[0]]) if view else None,
        )
        for view, of_view in by_view.items()
    )


def _keys(view: Any) -> tuple[str, ...]:
    from feast.feature_view import DUMMY_ENTITY_ID

    return tuple(key for key in view.join_keys if key != DUMMY_ENTITY_ID)


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
