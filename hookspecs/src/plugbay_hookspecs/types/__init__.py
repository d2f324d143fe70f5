"""The values that cross a hook: frozen attrs classes, and the protocols of the live objects a hook is handed.

Each is loaded when it is first used: making an attrs class takes most of a millisecond, and no process needs them all.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plugbay_hookspecs.types.annotation import (
        Annotation,
        AnnotationConfig,
        AnnotationStats,
        AnnotationTask,
        FieldKind,
    )
    from plugbay_hookspecs.types.artifact import Artifact
    from plugbay_hookspecs.types.deployment import (
        Deployment,
        DeploymentConfig,
        DeploymentFilter,
        DeploymentState,
        Servable,
    )
    from plugbay_hookspecs.types.execution import LiveRun, ReadyStep, StepCall, StepPayload
    from plugbay_hookspecs.types.feature import FeatureDefinition, FeatureKind, PushTarget
    from plugbay_hookspecs.types.image import BuildOptions, Image, ImageDefaults, ImageSpec, RegistryLogin
    from plugbay_hookspecs.types.job import JobState, JobStatus, OperatorCapabilities
    from plugbay_hookspecs.types.message import Answer, Message, Severity
    from plugbay_hookspecs.types.model import ModelOrigin, ModelStage, ModelVersion, RegisteredModel, VersionOrder
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
    from plugbay_hookspecs.types.store import ObjectStat, ObjectStore
    from plugbay_hookspecs.types.validation import Check, CheckResult, Report

_HOMES = {
    "Annotation": "annotation",
    "AnnotationConfig": "annotation",
    "AnnotationStats": "annotation",
    "AnnotationTask": "annotation",
    "Answer": "message",
    "Artifact": "artifact",
    "Binding": "plan",
    "BuildOptions": "image",
    "CacheSource": "run",
    "Capabilities": "orchestration",
    "Check": "validation",
    "CheckResult": "validation",
    "ComponentInfo": "stack",
    "Deployment": "deployment",
    "DeploymentConfig": "deployment",
    "DeploymentFilter": "deployment",
    "DeploymentState": "deployment",
    "Each": "plan",
    "ErrorInfo": "run",
    "FeatureDefinition": "feature",
    "FeatureKind": "feature",
    "FieldKind": "annotation",
    "Health": "stack",
    "Image": "image",
    "ImageDefaults": "image",
    "ImageSpec": "image",
    "ItemsOf": "plan",
    "JobState": "job",
    "JobStatus": "job",
    "Literal": "plan",
    "LiveRun": "execution",
    "Message": "message",
    "ModelOrigin": "model",
    "ModelStage": "model",
    "ModelVersion": "model",
    "NamedItemsOf": "plan",
    "ObjectStat": "store",
    "ObjectStore": "store",
    "OperatorCapabilities": "job",
    "OutputOf": "plan",
    "OutputSpec": "plan",
    "Plan": "plan",
    "PlannedStep": "plan",
    "Problem": "stack",
    "PushTarget": "feature",
    "ReadyStep": "execution",
    "RegisteredModel": "model",
    "RegistryLogin": "image",
    "Report": "validation",
    "Resources": "plan",
    "Retry": "plan",
    "RunInfo": "run",
    "RunOutcome": "run",
    "RunStatus": "run",
    "Schedule": "orchestration",
    "Serializer": "serializer",
    "Servable": "deployment",
    "Severity": "message",
    "StackInfo": "stack",
    "StepCall": "execution",
    "StepInfo": "run",
    "StepPayload": "execution",
    "StepStatus": "run",
    "VersionOrder": "model",
}

__all__ = [
    "Annotation",
    "AnnotationConfig",
    "AnnotationStats",
    "AnnotationTask",
    "Answer",
    "Artifact",
    "Binding",
    "BuildOptions",
    "CacheSource",
    "Capabilities",
    "Check",
    "CheckResult",
    "ComponentInfo",
    "Deployment",
    "DeploymentConfig",
    "DeploymentFilter",
    "DeploymentState",
    "Each",
    "ErrorInfo",
    "FeatureDefinition",
    "FeatureKind",
    "FieldKind",
    "Health",
    "Image",
    "ImageDefaults",
    "ImageSpec",
    "ItemsOf",
    "JobState",
    "JobStatus",
    "Literal",
    "LiveRun",
    "Message",
    "ModelOrigin",
    "ModelStage",
    "ModelVersion",
    "NamedItemsOf",
    "ObjectStat",
    "ObjectStore",
    "OperatorCapabilities",
    "OutputOf",
    "OutputSpec",
    "Plan",
    "PlannedStep",
    "Problem",
    "PushTarget",
    "ReadyStep",
    "RegisteredModel",
    "RegistryLogin",
    "Report",
    "Resources",
    "Retry",
    "RunInfo",
    "RunOutcome",
    "RunStatus",
    "Schedule",
    "Serializer",
    "Servable",
    "Severity",
    "StackInfo",
    "StepCall",
    "StepInfo",
    "StepPayload",
    "StepStatus",
    "VersionOrder",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    return value
