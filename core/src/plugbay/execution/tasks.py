"""What has to be done for one attempt, ready to be executed in any process that has the stack."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from attrs import field, frozen

from plugbay.store.artifacts import identity
from plugbay.store.documents import StepImage
from plugbay.store.trees import structure, unstructure
from plugbay.values import canonical, decode
from plugbay_hookspecs.types import (
    Artifact,
    Binding,
    ItemsOf,
    Literal,
    NamedItemsOf,
    OutputOf,
    OutputSpec,
    Resources,
    StepInfo,
)

FINGERPRINT_VERSION = 2
_SEQUENCES = ("list", "tuple")
_VERSION = canonical(["plugbay", FINGERPRINT_VERSION])

Resolved: TypeAlias = tuple[str, Any]
"""An input whose artifacts are known: ``("value", JSON tree)``, ``("artifact", Artifact)``, ``("list", [Resolved, ...])``, the
same for a ``tuple``, or ``("dict", {key: Resolved})``."""


@frozen(kw_only=True)
class Task:
    """One attempt of one step."""

    info: StepInfo
    function: str
    """``module:qualname``."""
    inputs: Mapping[str, Resolved] = field(repr=False)
    outputs: tuple[OutputSpec, ...]
    fingerprint: str | None
    """``None`` when the attempt answers no later call."""
    timeout: float | None = None
    resources: Resources = field(factory=Resources)
    fail_on_report: bool = False
    image: StepImage | None = None
    """What it runs in, where an image was built for it."""
    driver: int = 0
    """The number of the driver that has the attempt made."""
    offered: float = 0.0
    """When that driver handed the attempt out, in seconds since the epoch; 0 where it did not say."""


def resolve_binding(binding: Binding, output: Callable[[OutputOf], Resolved], item: Resolved | None = None) -> Resolved:
    """Put artifacts in the place of references.

    :param output: gives what an output of an earlier step is.
    :param item: the element that an :class:`Each` stands for.
    """
    if isinstance(binding, Literal):
        return ("value", binding.value)
    if isinstance(binding, OutputOf):
        return output(binding)
    if isinstance(binding, ItemsOf):
        kind = "tuple" if binding.as_tuple else "list"
        return (kind, [resolve_binding(part, output, item) for part in binding.items])
    if isinstance(binding, NamedItemsOf):
        return ("dict", {key: resolve_binding(part, output, item) for key, part in binding.items.items()})
    if item is None:
        return resolve_binding(binding.of, output)
    return item


def elements_of(resolved: Resolved) -> list[Resolved]:
    """The elements that a mapped step is called with. Raises ``TypeError`` for what is no list."""
    kind, content = resolved
    if kind in _SEQUENCES:
        return list(content)
    if kind == "artifact" and content.items is not None:
        return [("artifact", part) for part in content.items]
    if kind == "value" and isinstance(content, list):
        return [("value", part) for part in content]
    if kind == "value" and isinstance(content, dict) and "$tuple" in content:
        return [("value", part) for part in content["$tuple"]]
    msg = "a step can be mapped over a list only"
    raise TypeError(msg)


def fingerprint_of(
    static: str, inputs: Mapping[str, Resolved], outputs: tuple[OutputSpec, ...], around: Any = None
) -> str:
    """The key under which the result of a call is cached: 64 hexadecimal digits.

    :param static: the digest of what is known at plan time.
    :param around: what the inputs lead to beside themselves, as a JSON tree.
    """
    known = [[name, _identity(resolved)] for name, resolved in sorted(inputs.items())]
    parts = _VERSION + canonical(static) + canonical(known) + _canonical_outputs(outputs) + canonical(around)
    return hashlib.sha256(b"l%d:%b" % (len(parts), parts)).hexdigest()


@functools.lru_cache
def _canonical_outputs(outputs: tuple[OutputSpec, ...]) -> bytes:
    return canonical([[output.name, output.items] for output in outputs])


def _identity(resolved: Resolved) -> Any:
    kind, content = resolved
    if kind == "artifact":
        return [kind, *identity(content)]
    if kind in _SEQUENCES:
        return [kind, [_identity(part) for part in content]]
    if kind == "dict":
        return [kind, [[key, _identity(part)] for key, part in content.items()]]
    return [kind, content]


def artifacts_in(resolved: Resolved) -> Iterator[Artifact]:
    """Yield the artifacts of an input."""
    kind, content = resolved
    if kind == "artifact":
        yield content
    elif kind in _SEQUENCES or kind == "dict":
        for part in content.values() if kind == "dict" else content:
            yield from artifacts_in(part)


def with_parts(artifact: Artifact) -> Iterator[Artifact]:
    """Yield the artifact, and the parts that it has as a collection."""
    yield artifact
    for item in artifact.items or ():
        yield from with_parts(item)


def load_input(resolved: Resolved, load: Callable[[Artifact], Any]) -> Any:
    """Make the value of an input."""
    kind, content = resolved
    if kind == "artifact":
        return load(content)
    if kind in _SEQUENCES:
        return (tuple if kind == "tuple" else list)(load_input(part, load) for part in content)
    if kind == "dict":
        return {key: load_input(part, load) for key, part in content.items()}
    return decode(content)


def task_to_tree(task: Task) -> dict[str, Any]:
    """The task as JSON."""
    return {
        "info": unstructure(task.info),
        "function": task.function,
        "inputs": {name: _to_tree(resolved) for name, resolved in task.inputs.items()},
        "outputs": [unstructure(output) for output in task.outputs],
        "fingerprint": task.fingerprint,
        "timeout": task.timeout,
        "resources": unstructure(task.resources),
        "fail_on_report": task.fail_on_report,
        "image": None if task.image is None else unstructure(task.image),
        "driver": task.driver,
        "offered": task.offered,
    }


def task_from_tree(tree: Mapping[str, Any]) -> Task:
    """The task that :func:`task_to_tree` wrote."""
    return Task(
        info=structure(tree["info"], StepInfo),
        function=tree["function"],
        inputs={name: _from_tree(part) for name, part in tree["inputs"].items()},
        outputs=tuple(structure(output, OutputSpec) for output in tree["outputs"]),
        fingerprint=tree["fingerprint"],
        timeout=tree["timeout"],
        resources=structure(tree["resources"], Resources),
        fail_on_report=tree.get("fail_on_report", False),
        image=structure(tree["image"], StepImage) if tree.get("image") else None,
        driver=tree.get("driver", 0),
        offered=tree.get("offered", 0.0),
    )


def _to_tree(resolved: Resolved) -> dict[str, Any]:
    kind, content = resolved
    if kind == "artifact":
        return {kind: unstructure(content)}
    if kind in _SEQUENCES:
        return {kind: [_to_tree(part) for part in content]}
    if kind == "dict":
        return {kind: {key: _to_tree(part) for key, part in content.items()}}
    return {kind: content}


def _from_tree(tree: Mapping[str, Any]) -> Resolved:
    ((kind, content),) = tree.items()
    if kind == "artifact":
        return (kind, structure(content, Artifact))
    if kind in _SEQUENCES:
        return (kind, [_from_tree(part) for part in content])
    if kind == "dict":
        return (kind, {key: _from_tree(part) for key, part in content.items()})
    return (kind, content)
