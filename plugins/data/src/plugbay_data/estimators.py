"""scikit-learn's searches, told apart for the cache; all its other estimators are told by their state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugbay_hookspecs import component, hookimpl

_TIMES = ("_fit_time", "_score_time")


@component
class ScikitLearn:
    """Tell a search for parameters by what it has found, and not by how long it took."""

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
