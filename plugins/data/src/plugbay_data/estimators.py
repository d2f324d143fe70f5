"""scikit-learn's estimators, told apart for the cache where their state does not do, and pickled without addresses."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

from plugbay_hookspecs import component, hookimpl

_ADDRESS = "_stop_words_id"
"""Where a vectorizer keeps the address of its stop words, which it works out again."""
_TIMES = ("_fit_time", "_score_time")


@component
class ScikitLearn:
    """Tell a search for parameters by what it has found and not by how long it took; keep no address in a pickle."""

    @hookimpl
    def fingerprint_of(self, value: object) -> Mapping[str, object] | None:
        """Leave the times out of a search that has been made: they are others each time."""
        from sklearn.model_selection._search import BaseSearchCV

        if not isinstance(value, BaseSearchCV) or "cv_results_" not in vars(value):
            return None
        kind: Any = type(value)
        plain = (BaseSearchCV.__getstate__, object.__reduce_ex__, object.__reduce__)
        if (kind.__getstate__, kind.__reduce_ex__, kind.__reduce__) != plain:
            return None
        state = {name: part for name, part in vars(value).items() if name != "refit_time_"}
        state["cv_results_"] = {name: part for name, part in state["cv_results_"].items() if not name.endswith(_TIMES)}
        return state

    @hookimpl
    def reduced(self, value: object) -> tuple[Any, ...] | None:
        """Leave the address of its stop words out of a vectorizer."""
        if _ADDRESS not in getattr(value, "__dict__", ()):
            return None
        reduced = value.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        if isinstance(reduced, str):
            return None
        function, arguments, *rest = reduced
        if not rest or not isinstance(rest[0], dict):
            return None
        state = {name: part for name, part in rest[0].items() if name != _ADDRESS}
        return function, arguments, state, *rest[1:]
