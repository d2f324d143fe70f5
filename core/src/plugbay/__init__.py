"""Plugbay: machine-learning pipelines on a stack of plugins.

A pipeline is Python functions, a stack is the set of plugins chosen in a config file, and the same pipeline runs on any
stack. What this module offers is loaded when it is first used, so that importing it costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plugbay.errors import ConfigError, PlanError, PlugbayError, PluginError, RunFailed, StoreError
    from plugbay.execution.current import current
    from plugbay.history import Run
    from plugbay.history.queries import get_run, runs
    from plugbay.pipelines.pipeline import Pipeline, pipeline
    from plugbay.pipelines.step import Step, step
    from plugbay.stack import Stack

__version__ = "0.1.0"

_HOMES = {
    "ConfigError": "plugbay.errors",
    "PlanError": "plugbay.errors",
    "Pipeline": "plugbay.pipelines.pipeline",
    "PlugbayError": "plugbay.errors",
    "PluginError": "plugbay.errors",
    "Run": "plugbay.history",
    "RunFailed": "plugbay.errors",
    "Stack": "plugbay.stack",
    "Step": "plugbay.pipelines.step",
    "StoreError": "plugbay.errors",
    "current": "plugbay.execution.current",
    "get_run": "plugbay.history.queries",
    "pipeline": "plugbay.pipelines.pipeline",
    "runs": "plugbay.history.queries",
    "step": "plugbay.pipelines.step",
}

__all__ = [
    "ConfigError",
    "Pipeline",
    "PlanError",
    "PlugbayError",
    "PluginError",
    "Run",
    "RunFailed",
    "Stack",
    "Step",
    "StoreError",
    "__version__",
    "current",
    "get_run",
    "pipeline",
    "runs",
    "step",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
