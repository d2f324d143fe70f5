"""What a run leaves behind, as values and as the JSON documents they are kept in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypeVar

from attrs import field, frozen

from plugbay.errors import DamagedDocumentError, StoreError
from plugbay.json_text import compact
from plugbay.store.trees import structure, unstructure
from plugbay_hookspecs.types import Artifact, CacheSource, ComponentInfo, ErrorInfo, Plan, RunStatus, StepStatus

_YEAR_10000 = 253402300800.0


def _moment(_: Any, field: Any, value: float) -> None:
    """Refuse what no calendar has: one such record must not keep all others from being listed."""
    if not 0 <= value < _YEAR_10000:
        msg = f"{field.name} is {value!r}, which is no time"
        raise ValueError(msg)


def _seconds(_: Any, field: Any, value: float) -> None:
    """As above; negative where a clock was set back."""
    if not -_YEAR_10000 < value < _YEAR_10000:
        msg = f"{field.name} is {value!r}, which is no number of seconds"
        raise ValueError(msg)


SCHEMA = 1
"""The version of the documents written here. Readers take every version up to it."""


@frozen(kw_only=True)
class Driver:
    """The process that drives a run."""

    number: int
    """1 for the first; each resumption counts on."""
    host: str
    boot: str
    """Changes whenever the machine starts."""
    pid: int
    lock: str
    """The file that is locked on that machine for as long as the process lives."""
    at: float = field(validator=_moment)
    machine: str = ""
    """Tells its machine from others: see :func:`plugbay.store.machine.machine`. Empty in what release 0.1 wrote."""
    started: str = ""
    """When the process began, as that machine counts; with the process id it tells the process from later ones."""
    claim: str = ""
    """Random: whoever reads the document knows whether it is its own."""
    alone: bool = False
    """Every earlier driver was known to have ended, and not only silent."""
    deletes: bool = False
    """It is a garbage collection, which drives the run no further and deletes it."""


@frozen(kw_only=True)
class RunRecord:
    """A run at its start: ``runs/<id>/plan.json``."""

    id: str
    plan: Plan
    stack: str
    components: tuple[ComponentInfo, ...]
    created: float = field(validator=_moment)
    """Seconds since the epoch."""
    driver: Driver
    code_root: str | None = None
    use_cache: bool = True
    versions: Mapping[str, str] = field(factory=dict)
    """Of Python and Plugbay."""
    schema: int = SCHEMA


@frozen(kw_only=True)
class StepImage:
    """The container image that an attempt ran in."""

    reference: str
    """As the tool that runs containers takes it."""
    digest: str
    """Of its manifest: ``sha256:`` and 64 hexadecimal digits."""


@frozen(kw_only=True)
class AttemptRecord:
    """One attempt of one step: ``runs/<id>/steps/<step>.<attempt>.json``."""

    run_id: str
    step: str
    """The id in the plan; of a mapped step's call ``id.0``, ``id.1``, ..."""
    name: str
    attempt: int
    status: StepStatus
    started: float = field(validator=_moment)
    ended: float = field(validator=_moment)
    fingerprint: str | None = None
    inputs: Mapping[str, tuple[str, ...]] = field(factory=dict)
    """The digests of the artifacts that each parameter was made of."""
    outputs: tuple[Artifact, ...] = ()
    error: ErrorInfo | None = None
    metrics: Mapping[str, tuple[tuple[float, float], ...]] = field(factory=dict)
    """By name: (seconds since the epoch, value), in the order they were logged."""
    params: Mapping[str, Any] = field(factory=dict)
    metadata: Mapping[str, Any] = field(factory=dict)
    """What components add, by component id."""
    driver: int = 0
    """The number of the driver whose attempt it is; 0 in what release 0.1 wrote."""
    queued: float = 0.0
    """Seconds from the time it was handed to the engine until ``started``; 0 in what release 0.1 wrote."""
    log: bool = False
    """The attempt printed something."""
    host: str = ""
    pid: int = 0
    image: StepImage | None = None
    """What it ran in, where an image was built for it."""
    asked: tuple[str, ...] = ()
    """What the step has read of its place: ``run_id``, ``step``, ``attempt``, or the ``url`` of its tracked run."""
    unreadable: tuple[str, ...] = ()
    """The digests of the inputs that could not be made values again, on which it has failed."""
    schema: int = SCHEMA

    @property
    def outputs_by_name(self) -> dict[str, Artifact]:
        """The outputs by their names."""
        return {artifact.name: artifact for artifact in self.outputs}


@frozen(kw_only=True)
class StepSummary:
    """How one step of a run ended."""

    status: StepStatus
    attempt: int = 0
    """The attempt that counts; 0 when there was none."""
    seconds: float = field(default=0.0, validator=_seconds)
    source: CacheSource | None = None
    reason: str | None = None
    calls: int | None = None
    """Of a mapped step: how many calls it had."""


@frozen(kw_only=True)
class EndRecord:
    """How a driver ended a run: ``runs/<id>/end.json``, or ``runs/<id>/ends/<driver>.json`` where an earlier one had."""

    run_id: str
    status: RunStatus
    driver: int
    """The number of the driver that ended it."""
    ended: float = field(validator=_moment)
    steps: Mapping[str, StepSummary]
    """By step id, and by call id for calls of mapped steps."""
    error: ErrorInfo | None = None
    failed_step: str | None = None
    schema: int = SCHEMA


@frozen(kw_only=True)
class CacheEntry:
    """Which attempt answers a fingerprint, with its outputs: ``cache/ab/<fingerprint>.json``."""

    source: CacheSource
    outputs: tuple[Artifact, ...]
    seconds: float = field(default=0.0, validator=_seconds)
    """How long the attempt took."""
    fingerprint: str | None = None
    """What it answers, as its key says too: an entry that was moved to another key answers nothing."""
    only: str | None = None
    """The id of the only call that it answers: one that has read its own id."""
    schema: int = SCHEMA


CallState: TypeAlias = Literal["running", "queued", "retrying", "waiting"]
"""``running``, or ``queued`` by the engine that has it; or the driver lets it wait for a retry, or for room in the engine."""


@frozen(kw_only=True)
class CallInHand:
    """A step, or a call of a mapped one, that can run and has not ended."""

    step: str
    """The id in the plan; of a mapped step's call ``id.0``, ``id.1``, ..."""
    state: CallState
    attempt: int
    """Of one that waits: the next one."""
    at: float = field(default=0.0, validator=_moment)
    """Seconds since the epoch: since when, or until when it waits to be tried again; 0 of one that waits for room."""
    reason: str = ""
    """Why the engine lets it wait, in its words."""


@frozen(kw_only=True)
class InHand:
    """What a driver has in hand: ``runs/<id>/in-hand/<driver>.json``, which is gone when the run has ended."""

    at: float = field(validator=_moment)
    counts: Mapping[str, Mapping[str, int]] = field(factory=dict)
    """By the id of a step in the plan: how many calls are in which state."""
    calls: tuple[CallInHand, ...] = ()
    """Those calls, up to a limit."""
    steps: Mapping[str, StepSummary] = field(factory=dict)
    """What became of those that have ended without an attempt of their own: answered from the cache, skipped, mapped."""
    schema: int = SCHEMA

    def call(self, call_id: str) -> CallInHand | None:
        """The call of this id."""
        return next((call for call in self.calls if call.step == call_id), None)


Document = TypeVar("Document")


def write(document: Any) -> bytes:
    """The JSON document of a value of this module, UTF-8; numbers that JSON lacks are texts, which are read as numbers."""
    tree = unstructure(document)
    if hasattr(document, "schema"):
        tree["schema"] = SCHEMA
    return compact(tree).encode("utf-8", "surrogatepass")


def read(content: bytes, kind: type[Document], key: str) -> Document:
    """Read a document that :func:`write` wrote.

    :param key: where it was read from, for the error message.
    :raises DamagedDocumentError: when it is not such a document.
    :raises StoreError: when it was written by a later release.
    """
    try:
        tree = json.loads(content.decode("utf-8", "surrogatepass"))
        schema = tree.get("schema", SCHEMA)
        if not isinstance(schema, int) or schema > SCHEMA:
            msg = f"{key} was written by a later release of Plugbay (schema {schema}, this one reads up to {SCHEMA}); upgrade plugbay"
            raise StoreError(msg)
        return structure(tree, kind)
    except StoreError:
        raise
    except Exception as error:
        msg = f"{key} is damaged: it is no {kind.__name__} document ({type(error).__name__}: {error})"
        raise DamagedDocumentError(msg) from error
