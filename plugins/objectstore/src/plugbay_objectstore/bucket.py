"""The hooks of an artifact store in a bucket, whichever service has it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote

import attrs

from plugbay_hookspecs import Secret, component, hookimpl
from plugbay_hookspecs.types.stack import Health, Problem, StackInfo
from plugbay_hookspecs.types.store import ObjectStat
from plugbay_objectstore.place import Place

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

    from plugbay_objectstore.writing import Writer

_ASKING = 5.0
"""Seconds for which a health check tries again."""
_ABSENT = "plugbay-health-check"


class Client:
    """The client of one process, made when it is first needed; a copy in another process makes its own."""

    def __init__(self) -> None:
        """Begin without one."""
        self.lock = threading.Lock()
        self.writer: Writer | None = None

    def __reduce__(self) -> tuple[type[Client], tuple[()]]:
        return Client, ()


@component
class Bucket:
    """Keep artifacts and records as objects in a bucket. A flavor adds how to reach it."""

    prefix: str = ""
    """The beginning of every object's name in the bucket, without a ``/`` at its ends."""
    timeout: float = 30.0
    """Seconds of silence after which a request has failed."""
    retry_timeout: float = 60.0
    """Seconds for which a request that fails (no connection, 5xx, silence) is tried again."""
    _client: Client = attrs.field(init=False, repr=False, factory=Client)

    def _connect(self, client: ClientConfig, retry: RetryConfig) -> ObjectStore:
        """Make the library's store. Raises ``OSError`` for settings that it refuses."""
        raise NotImplementedError

    def _place(self) -> Place:
        """Where the objects are."""
        raise NotImplementedError

    def _address(self) -> str:
        """The URL of the bucket, without a ``/`` at its end."""
        raise NotImplementedError

    def _endpoint(self) -> str | None:
        """The endpoint that was set."""
        raise NotImplementedError

    def _problems(self) -> Iterator[Problem]:
        """What is wrong with the flavor's own settings."""
        return iter(())

    copies_onto_itself = True

    @hookimpl
    def artifact_store_put(self, key: str, source: bytes | Path, if_absent: bool) -> bool:
        return self._writer().write(key, source, if_absent=if_absent)

    @hookimpl
    def artifact_store_get(self, key: str) -> bytes:
        from plugbay_objectstore.reading import read_object

        writer = self._writer()
        return read_object(writer.store, writer.place, key)

    @hookimpl
    def artifact_store_open(self, key: str, offset: int, length: int | None) -> BinaryIO:
        from plugbay_objectstore.reading import open_object

        writer = self._writer()
        return open_object(writer.store, writer.place, key, offset, length)

    @hookimpl
    def artifact_store_stat(self, key: str) -> ObjectStat | None:
        from plugbay_objectstore.reading import stat_object

        writer = self._writer()
        return stat_object(writer.store, writer.place, key)

    @hookimpl
    def artifact_store_list(self, prefix: str, after: str | None, recursive: bool) -> Iterator[ObjectStat]:
        from plugbay_objectstore.listing import list_objects

        writer = self._writer()
        return list_objects(writer.store, writer.place, prefix, after, recursive=recursive)

    @hookimpl
    def artifact_store_delete(self, keys: Sequence[str]) -> None:
        from plugbay_objectstore.removing import delete_objects

        writer = self._writer()
        delete_objects(writer.store, writer.place, keys)

    @hookimpl
    def artifact_store_url(self, key: str) -> str:
        return f"{self._root()}/{quote(key, safe='/~')}"

    @hookimpl
    def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
        problems = list(self._problems())
        place, endpoint = self._place(), self._endpoint()
        if not place.name or "/" in place.name:
            problems.append(
                Problem(message=f"{place.name!r} names no {place.kind}", remedy="folders go into the setting `prefix`")
            )
        if self.prefix and any(part in ("", ".", "..") for part in self.prefix.split("/")):
            problems.append(
                Problem(message=f"prefix = {self.prefix!r} has an empty part, `.` or `..`", remedy="write it as a/b")
            )
        if endpoint is not None and not endpoint.startswith(("http://", "https://")):
            problems.append(
                Problem(
                    message=f"endpoint = {endpoint!r} is no URL", remedy="write it as https://host or http://host:port"
                )
            )
        for name in ("timeout", "retry_timeout"):
            if getattr(self, name) < 0:
                problems.append(Problem(message=f"{name} = {getattr(self, name):g} is negative"))
        return problems

    @hookimpl
    def component_health(self) -> Health:
        import obstore

        from plugbay_objectstore.failures import translated

        started = time.perf_counter()
        place = self._place()
        try:
            store = self._store(min(self.retry_timeout, _ASKING))
            with translated(place):
                obstore.get(store, _ABSENT)
        except FileNotFoundError:
            pass
        except OSError as error:
            return Health(ok=False, detail=str(error))
        return Health(ok=True, detail=str(place), latency=time.perf_counter() - started)

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        place = self._place()
        facts = {place.kind: place.name, "endpoint": place.endpoint, "url": self._root()}
        return {**facts, "prefix": self.prefix} if self.prefix else facts

    def _root(self) -> str:
        return f"{self._address()}/{quote(self.prefix, safe='/~')}" if self.prefix else self._address()

    def _writer(self) -> Writer:
        writer = self._client.writer
        if writer is not None:
            return writer
        from plugbay_objectstore.writing import Writer

        with self._client.lock:
            if self._client.writer is None:
                self._client.writer = Writer(
                    store=self._store(self.retry_timeout),
                    place=self._place_with_secrets(),
                    copies_onto_itself=self.copies_onto_itself,
                    patience=self.retry_timeout,
                )
            return self._client.writer

    def _store(self, patience: float) -> ObjectStore:
        from plugbay_objectstore.failures import translated
        from plugbay_objectstore.place import client_options, retry_options

        with translated(self._place_with_secrets()):
            return self._connect(client_options(self._endpoint(), self.timeout), retry_options(patience))

    def _place_with_secrets(self) -> Place:
        values = (getattr(self, field.name) for field in attrs.fields(type(self)) if field.init)  # type: ignore[arg-type] # a flavor is an attrs class
        secrets = tuple(value.reveal() for value in values if isinstance(value, Secret))
        return attrs.evolve(self._place(), secrets=secrets)
