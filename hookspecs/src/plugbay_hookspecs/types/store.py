"""What an artifact store tells of an object."""

from attrs import frozen


@frozen(kw_only=True)
class ObjectStat:
    """An object in an artifact store."""

    key: str
    size: int
    """In bytes."""
    modified: float
    """Seconds since the epoch, by the store's clock."""
