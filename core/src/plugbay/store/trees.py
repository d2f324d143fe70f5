"""Values as trees of JSON values, and back.

Trees are made here field by field, and read by cattrs: it compiles a function for each class, which takes longer than all that a
short run writes.
"""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, Union

import attrs

from plugbay_hookspecs.types import Artifact, Each, ItemsOf, Literal, NamedItemsOf, OutputOf

if TYPE_CHECKING:
    from cattrs import Converter

_ATOMS = frozenset({str, int, float, bool, type(None)})
_BINDINGS = frozenset({Literal, OutputOf, ItemsOf, NamedItemsOf, Each})
_is_digest = re.compile(r"[0-9a-f]{64}").fullmatch
T = TypeVar("T")


def unstructure(value: Any) -> Any:
    """The tree of a value; fields that have their default are left out."""
    kind: type = type(value)
    return value if kind in _ATOMS else _maker(kind)(value)


@functools.cache
def _maker(kind: type) -> Callable[[Any], Any]:
    """What makes trees of such values."""
    if kind is Artifact:
        return _artifact_tree
    if kind in _BINDINGS:
        return _binding_tree
    if attrs.has(kind):
        return functools.partial(_fields_tree, _fields(kind))
    if issubclass(kind, Mapping):
        return lambda value: {key: unstructure(item) for key, item in value.items()}
    if issubclass(kind, (tuple, list)):
        return lambda value: [unstructure(item) for item in value]
    return lambda value: value


def _fields_tree(fields: tuple[tuple[str, Any], ...], value: Any) -> dict[str, Any]:
    tree = {}
    for name, default in fields:
        part = getattr(value, name)
        if part is default or part == default:
            continue
        kind: type = type(part)
        tree[name] = part if kind in _ATOMS else _maker(kind)(part)
    return tree


def _fields(kind: type) -> tuple[tuple[str, Any], ...]:
    """The names of the fields with their defaults; nothing equals the default of one that has none."""
    return tuple((field.name, _default(field)) for field in attrs.fields(kind) if field.init)


def _default(field: attrs.Attribute[Any]) -> Any:
    default: Any = field.default
    return default.factory() if isinstance(default, attrs.Factory) else default  # type: ignore[arg-type]


def structure(tree: Any, kind: type[T]) -> T:
    """The value of a tree. Raises whatever it is that the tree is not."""
    return _converter().structure(tree, kind)


@functools.cache
def _converter() -> Converter:
    from cattrs import Converter  # a run that answers nothing from the cache reads nothing

    converter = Converter(detailed_validation=False)
    converter.register_structure_hook_func(lambda hint: hint is object, lambda value, _: value)
    converter.register_structure_hook_func(_is_binding, lambda tree, _: _binding(tree))
    converter.register_structure_hook(Artifact, lambda tree, _: _artifact(tree))
    converter.register_structure_hook_func(_is_artifacts, lambda trees, _: tuple(map(_artifact, trees)))
    return converter


def _is_artifacts(hint: Any) -> bool:
    return bool(hint == tuple[Artifact, ...])


def _is_binding(hint: Any) -> bool:
    return getattr(hint, "__origin__", None) is Union and set(getattr(hint, "__args__", ())) >= _BINDINGS


def _binding_tree(binding: Any) -> Any:
    if isinstance(binding, Literal):
        return {"literal": binding.value}
    if isinstance(binding, OutputOf):
        return {"output": [binding.step, binding.output]}
    if isinstance(binding, ItemsOf):
        return {"tuple" if binding.as_tuple else "items": [_binding_tree(item) for item in binding.items]}
    if isinstance(binding, NamedItemsOf):
        return {"named": {key: _binding_tree(item) for key, item in binding.items.items()}}
    return {"each": _binding_tree(binding.of)}


def _binding(tree: Any) -> Any:
    ((kind, content),) = tree.items()
    if kind == "literal":
        return Literal(content)
    if kind == "output":
        return OutputOf(*content)
    if kind == "items":
        return ItemsOf(tuple(map(_binding, content)))
    if kind == "tuple":
        return ItemsOf(tuple(map(_binding, content)), as_tuple=True)
    if kind == "named":
        return NamedItemsOf({key: _binding(item) for key, item in content.items()})
    if kind == "each":
        return Each(_binding(content))
    msg = f"unknown binding {kind!r}"
    raise ValueError(msg)


def _artifact_tree(artifact: Artifact) -> dict[str, Any]:
    """Text stays text, so that a record can be read by a person."""
    tree: dict[str, Any] = {
        "name": artifact.name,
        "digest": artifact.digest,
        "size": artifact.size,
        "serializer": artifact.serializer,
        "type": artifact.type,
    }
    if artifact.inline is not None:
        try:
            tree["text"] = artifact.inline.decode()
        except UnicodeDecodeError:
            tree["base64"] = base64.b64encode(artifact.inline).decode()
    if artifact.items is not None:
        tree["items"] = [_artifact_tree(item) for item in artifact.items]
    if artifact.metadata:
        tree["metadata"] = artifact.metadata
    if artifact.paths:
        tree["paths"] = artifact.paths
    if artifact.code:
        tree["code"] = list(artifact.code)
    return tree


def _artifact(tree: dict[str, Any]) -> Artifact:
    texts = (tree["name"], tree["serializer"], tree["type"], tree["digest"])
    if set(map(type, texts)) != {str} or _is_digest(tree["digest"]) is None or type(tree["size"]) is not int:
        msg = "an artifact whose name, digest, size, serializer or type is none"
        raise ValueError(msg)
    inline = tree["text"].encode() if "text" in tree else base64.b64decode(tree["base64"]) if "base64" in tree else None
    return Artifact(
        name=tree["name"],
        digest=tree["digest"],
        size=tree["size"],
        serializer=tree["serializer"],
        type=tree["type"],
        inline=inline,
        items=tuple(_artifact(item) for item in tree["items"]) if "items" in tree else None,
        metadata=tree.get("metadata", {}),
        paths=tree.get("paths", {}),
        code=tuple(tree.get("code", ())),
    )
