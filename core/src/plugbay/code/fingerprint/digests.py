"""What plugins say of the values of a library: a digest, or what a value is made of."""

from __future__ import annotations

import hashlib
import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from plugbay.code.fingerprint.description import Description, type_name
from plugbay.code.fingerprint.states import tell_names
from plugbay.host.libraries import LIBRARIES, libraries_of

if TYPE_CHECKING:
    from plugbay.code.fingerprint.walk import Walk


def tell_by_plugin(walk: Walk, value: Any, found: Description) -> bool:
    """Tell a value by what the plugin for the module of its class says of it; say whether there is anything."""
    for module in _modules_of(value):
        try:
            told = LIBRARIES.ask(module, "fingerprint_of", value)
        except Exception as error:  # noqa: BLE001  a plugin that fails does not know the value
            found.refuse(value, f"{type(error).__name__}: {' '.join(str(error).split())}")
            return True
        if told is not None:
            _tell(walk, value, told, module, found)
            return True
    return False


def _tell(walk: Walk, value: Any, told: Any, module: str, found: Description) -> None:
    if isinstance(told, bytes):
        found.say("digest", module, hashlib.sha256(told).hexdigest())
        found.size = _size_of(value)
    elif isinstance(told, Mapping) and all(isinstance(name, str) for name in told):
        found.say("made of", module)
        found.kept = parts = dict(told)
        tell_names(walk, value, parts, found)
    else:
        found.refuse(
            value, f"the plugin for {module} gave a {type_name(type(told))} for it, and not bytes or a mapping by name"
        )
        return
    if not isinstance(value, types.FunctionType):
        found.refer(".__class__", type(value))


def _size_of(value: Any) -> int:
    try:
        size = value.nbytes
    except Exception:  # noqa: BLE001  attributes of others' objects may do anything
        return 0
    return size if isinstance(size, int) else 0


def _modules_of(value: Any) -> list[str]:
    if isinstance(value, types.FunctionType):
        return [str(value.__globals__.get("__name__")).partition(".")[0]]
    return libraries_of(type(value))
