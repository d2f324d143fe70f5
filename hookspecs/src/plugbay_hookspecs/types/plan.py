"""A pipeline compiled for one run: immutable and serialisable."""

from collections.abc import Mapping
from typing import TypeAlias, Union

from attrs import field, frozen


@frozen(kw_only=True)
class Resources:
    """What a step asks of the machine that runs it; ``None`` leaves it to the orchestrator."""

    cpu: float | None = None
    """Cores."""
    memory: int | None = None
    """Bytes."""
    gpu: float | None = None
    """Devices."""
    other: Mapping[str, float] = field(factory=dict)
    """Resources that an orchestrator names itself."""

    def names(self) -> frozenset[str]:
        """The names of the resources that are asked for."""
        asked = {name for name in ("cpu", "memory", "gpu") if getattr(self, name) is not None}
        return frozenset(asked | set(self.other))


@frozen(kw_only=True)
class Retry:
    """How often a failed step is tried again and how long to wait before each."""

    retries: int = 0
    """Attempts after the first."""
    delay: float = 1.0
    """Seconds before the second attempt."""
    backoff: float = 2.0
    """Each further wait is this many times the one before."""
    longest: float = 300.0
    """The cap of a wait, in seconds."""
    jitter: float = 0.1
    """A wait is lengthened by a random share of itself, at most this one."""


@frozen
class Literal:
    """A value known at plan time, in the canonical JSON form that ``plugbay.values`` reads and writes."""

    value: object


@frozen
class OutputOf:
    """An output of another step; of a mapped step, the list of all its results."""

    step: str
    output: str


@frozen
class ItemsOf:
    """A list whose elements are bindings, or a tuple."""

    items: tuple["Binding", ...]
    as_tuple: bool = False
    """The step takes a tuple of them."""


@frozen
class NamedItemsOf:
    """A dict with text keys whose values are bindings."""

    items: Mapping[str, "Binding"]


@frozen
class Each:
    """One element of a list, a different one for each call of a mapped step."""

    of: "Binding"


Binding: TypeAlias = Union[Literal, OutputOf, ItemsOf, NamedItemsOf, Each]


@frozen(kw_only=True)
class OutputSpec:
    """An output that a step declares."""

    name: str
    type: str
    """The annotation as text, for people; ``Any`` where there is none."""
    items: bool = False
    """Each element is saved as an artifact of its own, because a step maps over them."""


@frozen(kw_only=True)
class PlannedStep:
    """One call of a step in a plan."""

    id: str
    """Unique in the plan: the step's name, or ``name_2``, ... or the ``id=`` given."""
    name: str
    """The name of the decorated function."""
    function: str
    """Where to import it: ``module:qualified.name``."""
    inputs: Mapping[str, Binding]
    """By parameter name. At most one is an :class:`Each`: then the step is mapped."""
    outputs: tuple[OutputSpec, ...]
    after: tuple[str, ...] = ()
    """Steps that must have succeeded before, beside those whose outputs are used."""
    retry: Retry = Retry()
    timeout: float | None = None
    """Seconds an attempt may take."""
    operator: str | None = None
    """The step operator that runs it, by its name in the stack."""
    resources: Resources = Resources()
    cache: bool = True
    """May answer, and be answered, from the cache."""
    requirements: tuple[str, ...] = ()
    """What it imports beside what the stack requires, where it runs in an image: PEP 508 requirements."""
    fail_on_report: bool = False
    """An output that is a report of a data validator which has not passed fails the step."""
    ignored: tuple[str, ...] = ()
    """The inputs that do not count when the step is answered from the cache."""
    static_fingerprint: str = ""
    """Digest of what is known at plan time and can change the result: the code the step can reach, the files among its
    arguments, and what it declares with ``depends`` and ``version``."""

    @property
    def mapped(self) -> bool:
        """Whether the step is called once for each element of a list."""
        return any(isinstance(binding, Each) for binding in self.inputs.values())


@frozen(kw_only=True)
class Plan:
    """A pipeline compiled for one run."""

    pipeline: str
    """The name of the pipeline's function."""
    target: str | None
    """Where to import it (``module:name`` or ``/path/file.py:name``), ``None`` when it cannot be imported."""
    parameters: Mapping[str, object]
    """In the canonical JSON form."""
    steps: tuple[PlannedStep, ...]
    """In an order in which each comes after what it needs."""
    failure: str = "stop"
    """The failure policy: ``stop``, ``continue`` or ``fail-fast``."""
