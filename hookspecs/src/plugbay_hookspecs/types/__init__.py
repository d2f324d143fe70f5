"""The values that cross a hook: frozen attrs classes, and the protocols of the live objects a hook is handed.

Each is loaded when it is first used: making an attrs class takes most of a millisecond, and no process needs them all.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plugbay_hookspecs.types.artifact import Artifact
    from plugbay_hookspecs.types.execution import LiveRun, ReadyStep, StepCall, StepPayload
    from plugbay_hookspecs.types.orchestration import Capabilities, Schedule
    from plugbay_hookspecs.types.plan import (
        Binding,
        Each,
        ItemsOf,
        Literal,
        NamedItemsOf,
        OutputOf,
        OutputSpec,
        Plan,
        PlannedStep,
        Resources,
        Retry,
    )
    from plugbay_hookspecs.types.run import CacheSource, ErrorInfo, RunInfo, RunOutcome, RunStatus, StepInfo, StepStatus
    from plugbay_hookspecs.types.serializer import Serializer
    from plugbay_hookspecs.types.stack import ComponentInfo, Health, Problem, StackInfo
    from plugbay_hookspecs.types.store import ObjectStat

_HOMES = {
    "Artifact": "artifact",
    "Binding": "plan",
    "CacheSource": "run",
    "Capabilities": "orchestration",
    "ComponentInfo": "stack",
    "Each": "plan",
    "ErrorInfo": "run",
    "Health": "stack",
    "ItemsOf": "plan",
    "Literal": "plan",
    "LiveRun": "execution",
    "NamedItemsOf": "plan",
    "ObjectStat": "store",
    "OutputOf": "plan",
    "OutputSpec": "plan",
    "Plan": "plan",
    "PlannedStep": "plan",
    "Problem": "stack",
    "ReadyStep": "execution",
    "Resources": "plan",
    "Retry": "plan",
    "RunInfo": "run",
    "RunOutcome": "run",
    "RunStatus": "run",
    "Schedule": "orchestration",
    "Serializer": "serializer",
    "StackInfo": "stack",
    "StepCall": "execution",
    "StepInfo": "run",
    "StepPayload": "execution",
    "StepStatus": "run",
}

__all__ = [
    "Artifact",
    "Binding",
    "CacheSource",
    "Capabilities",
    "ComponentInfo",
    "Each",
    "ErrorInfo",
    "Health",
    "ItemsOf",
    "Literal",
    "LiveRun",
    "NamedItemsOf",
    "ObjectStat",
    "OutputOf",
    "OutputSpec",
    "Plan",
    "PlannedStep",
    "Problem",
    "ReadyStep",
    "Resources",
    "Retry",
    "RunInfo",
    "RunOutcome",
    "RunStatus",
    "Schedule",
    "Serializer",
    "StackInfo",
    "StepCall",
    "StepInfo",
    "StepPayload",
    "StepStatus",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    return value
