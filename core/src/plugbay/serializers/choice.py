"""Which serializer a value gets, and which one an artifact was written with."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import functools
import os
import uuid
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import attrs

from plugbay.errors import PluginError, SerializationError, did_you_mean
from plugbay.host.discovery import Provider, installed_plugins
from plugbay.host.implementations import StackPluginManager
from plugbay.serializers.builtin import BYTES, FILE, JSON, PICKLE
from plugbay_hookspecs.catalogue import SERIALIZER_GROUP
from plugbay_hookspecs.types import Serializer

_PLAIN = (
    *(type(None), bool, int, float, complex, str, list, tuple, dict, set, frozenset),
    *(enum.Enum, decimal.Decimal, uuid.UUID, datetime.date, datetime.time, datetime.timedelta, PurePath),
)


class Serializers:
    """Chooses serializers for one stack in one process; a plugin's are loaded when its library's type is first met."""

    def __init__(self, *, allow_pickle: bool) -> None:
        """Choose among the core's serializers and those that plugins bring.

        :param allow_pickle: whether pickle may write, and read, what no other serializer takes.
        """
        self._allow_pickle = allow_pickle
        self._providers: dict[int, Provider] = {}
        self._by_module: dict[str, tuple[Serializer, ...]] = {}
        self._by_type: dict[type, Serializer | None] = {}

    def for_value(self, value: Any) -> Serializer:
        """Return the serializer of the value's most specific class; whether it can keep this value shows when it saves it.

        Raises :class:`SerializationError` when there is none, and pickle is not allowed.
        """
        kind = type(value)
        if kind is bytes:
            return BYTES
        if kind not in self._by_type:
            self._by_type[kind] = self._from_plugins(kind)
        found = self._by_type[kind]
        if found is not None:
            return found
        if isinstance(value, _PLAIN) or attrs.has(kind) or dataclasses.is_dataclass(kind):
            return JSON
        return self._pickle(f"there is no serializer for {kind.__module__}.{kind.__qualname__}")

    def refuse_pickle(self, reason: str) -> None:
        """Raise :class:`SerializationError` when pickle may not keep what its own serializer cannot, for ``reason``."""
        self._pickle(reason)

    def named(self, name: str, type_name: str) -> Serializer:
        """Return the serializer that wrote an artifact. Raises :class:`SerializationError` when it is not there.

        :param type_name: ``module:qualname`` of the value's type.
        """
        for serializer in (JSON, BYTES, FILE):
            if serializer.name == name:
                return serializer
        if name == PICKLE.name:
            return self._pickle("the artifact is a pickle")
        module = type_name.partition(":")[0].partition(".")[0]
        for candidate in (module, *installed_plugins().names(SERIALIZER_GROUP)):
            for serializer in self._of_module(candidate):
                if serializer.name == name:
                    return serializer
        missing = f"no installed plugin has the serializer {name!r}, which wrote a {type_name}"
        msg = f"{missing}; install the one that has it (plugbay-data for numpy, pandas, polars and pyarrow)"
        raise SerializationError(msg)

    def _described(self, plugin: object) -> Mapping[str, str]:
        provider = self._providers[id(plugin)]
        return {"component": f"serializer.{provider.name}", "flavor": provider.name, "distribution": str(provider)}

    def _pickle(self, reason: str) -> Serializer:
        if self._allow_pickle:
            return PICKLE
        msg = f"{reason}, and the configuration refuses pickle (allow_pickle = false)"
        raise SerializationError(msg)

    def _from_plugins(self, kind: type) -> Serializer | None:
        for base in kind.__mro__[:-1]:
            module = base.__module__.partition(".")[0]
            if module == "builtins":
                continue
            for serializer in self._of_module(module):
                if serializer.qualname == base.__qualname__ and serializer.module.partition(".")[0] == module:
                    return serializer
        return None

    def _of_module(self, module: str) -> tuple[Serializer, ...]:
        found = self._by_module.get(module)
        if found is None:
            found = self._by_module[module] = self._load(module)
        return found

    @functools.cached_property
    def _manager(self) -> StackPluginManager:
        manager = StackPluginManager()  # few runs have a value of a plugin's type
        if os.environ.get("PLUGBAY_TRACE"):
            from plugbay.host.tracing import trace_calls

            trace_calls(manager, self._described, ())
        return manager

    def _load(self, module: str) -> tuple[Serializer, ...]:
        provider = installed_plugins().find(SERIALIZER_GROUP, module)
        if provider is None:
            return ()
        plugin = provider.load()
        plugin = plugin() if isinstance(plugin, type) else plugin
        self._manager.register(plugin, f"serializer:{module}")
        self._providers[id(plugin)] = provider
        call = self._manager.subset_hook_caller(
            "serializers", [other for other in self._manager.get_plugins() if other is not plugin]
        )
        results = call()
        if not results and any(hasattr(plugin, hook) for hook in ("fingerprint_of", "reduced")):
            return ()
        if not results:
            near = did_you_mean("serializers", dir(plugin))
            msg = f"{provider} offers serializers for {module!r} but does not implement the hook 'serializers'{near}"
            raise PluginError(msg)
        return tuple(results[0])
