"""The values that cross a hook: frozen attrs classes, and the protocols of the live objects a hook is handed."""

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
