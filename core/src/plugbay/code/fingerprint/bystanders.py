"""Objects that code reaches for their effect: of what they hold only what they were made with can change a result."""

from __future__ import annotations

import contextvars
import logging
import re
import struct
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from plugbay.code.fingerprint.description import Description, type_name

if TYPE_CHECKING:
    from plugbay.code.fingerprint.walk import Walk

_BY_TYPE = (
    *(type(threading.Lock()), type(threading.RLock()), threading.Condition, threading.Semaphore, threading.Event),
    *(threading.Barrier, threading.local, logging.Handler),
)
_SETTINGS: tuple[tuple[type, tuple[str, ...]], ...] = (
    (threading.Semaphore, ("_value",)),
    (threading.Event, ("_flag",)),
    (threading.Barrier, ("_parties", "_action", "_timeout")),
)
"""What such objects were made with and tell again."""
_OF_EXECUTORS = ("_max_workers", "_initializer", "_initargs")
_ADDRESS = re.compile(r"(?:0x)?[0-9a-f]{9,}")
"""What ``id()`` gives, which some libraries make names of."""
_STREAMS = ("stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__")
_DERIVED = frozenset(
    {"SchemaValidator", "SchemaSerializer", "PluggableSchemaValidator", "MockValSer", "MockCoreSchema"}
)
"""What pydantic makes of a class when it is first needed; the class counts by itself."""


def describe_bystander(walk: Walk, value: Any, found: Description) -> bool:
    """Tell such an object by what it is: a logger by its name, most others by their type."""
    kind = type(value)
    if isinstance(value, logging.Logger):
        found.say("logger", str(getattr(value, "name", "")))
    elif isinstance(value, _BY_TYPE) or _is_executor(kind):
        found.say("bystander", type_name(kind))
        if walk.project.owns(kind.__module__):
            found.refer(".__class__", kind)
        _tell_settings(value, found)
    elif kind is contextvars.ContextVar:
        found.say("context variable", _ADDRESS.sub("", value.name))
        with suppress(LookupError):
            found.refer(".default", contextvars.Context().run(value.get))
        with suppress(LookupError):
            found.refer(".get()", value.get())
    elif kind is contextvars.Context:
        found.say("context")
        found.kept = held = sorted(value.items(), key=lambda item: (item[0].name, walk.order(item[1])))
        for variable, member in held:
            found.say(_ADDRESS.sub("", variable.name))
            found.refer(f"[{variable.name}]", member)
    elif kind is struct.Struct:
        found.say("struct", value.format)
    elif kind is re.Pattern:
        found.say("pattern", value.flags)
        found.refer(".pattern", value.pattern)
    elif any(value is getattr(sys, name, None) for name in _STREAMS):
        found.say("stream", type_name(kind))
    elif kind.__name__ in _DERIVED and kind.__module__.partition(".")[0] in ("pydantic", "pydantic_core"):
        found.say("derived", kind.__name__)
    else:
        return False
    return True


def _tell_settings(value: Any, found: Description) -> None:
    names: tuple[str, ...] = _OF_EXECUTORS if _is_executor(type(value)) else ()
    for kind, settings in _SETTINGS:
        if isinstance(value, kind):
            names = settings
    for name in names:
        found.say(name)
        found.refer(f".{name}", getattr(value, name, None))
    if isinstance(value, threading.local):
        for name, attribute in sorted(vars(value).items()):
            found.say(name)
            found.refer(f".{name}", attribute)


def _is_executor(kind: type) -> bool:
    return any(base.__module__ == "concurrent.futures._base" and base.__name__ == "Executor" for base in kind.__mro__)
