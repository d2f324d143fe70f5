"""What is known of a stack and its components without starting them."""

from attrs import frozen


@frozen(kw_only=True)
class ComponentInfo:
    """A component of a stack: which flavor it is and who provides it."""

    type: str
    """The component type, or ``observer``."""
    name: str
    """The name in the stack; equal to the component type where the stack allows one only."""
    flavor: str
    distribution: str | None
    """The distribution that provides the flavor, ``None`` for a class that belongs to none."""
    version: str | None


@frozen(kw_only=True)
class StackInfo:
    """A stack as its components see it."""

    name: str
    components: tuple[ComponentInfo, ...]


@frozen(kw_only=True)
class Problem:
    """Something about a component that would make a run fail."""

    message: str
    """What is wrong and where."""
    remedy: str | None = None
    """What to do about it."""


@frozen(kw_only=True)
class Health:
    """How the tool behind a component answered."""

    ok: bool
    detail: str = ""
    latency: float | None = None
    """Seconds the answer took."""
