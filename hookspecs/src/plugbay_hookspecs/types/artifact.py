"""What a step leaves behind."""

from collections.abc import Mapping

from attrs import field, frozen


@frozen(kw_only=True)
class Artifact:
    """One output of a step: bytes in the artifact store, named by their digest.

    An artifact with ``items`` is a collection: a list whose elements (or a directory whose files) are artifacts of their
    own, so that a mapped step loads just the element it needs.
    """

    name: str
    """The output's name; ``output`` for a lone unnamed one. In a collection: the position or the relative path."""
    digest: str
    """SHA-256 of the bytes, 64 hexadecimal digits; of a collection, over its items."""
    size: int
    """In bytes; of a collection, the sum."""
    serializer: str
    """The name of the serializer that wrote it."""
    type: str
    """``module:qualified.name`` of the value's type."""
    inline: bytes | None = field(default=None, repr=False)
    """The bytes themselves when they are few (then there is no blob)."""
    items: tuple["Artifact", ...] | None = field(default=None, repr=False)
    """The parts of a collection, in order; of a directory its files, links (the serializer ``link``) and empty directories."""
    metadata: Mapping[str, object] = field(factory=dict)
    """Facts about the value that the serializer gives: shape, columns, rows, ...

    Of a file or directory ``filename``, the name it had, and of a file ``executable`` where it was; of a value that its own
    serializer could not keep ``pickled_because``.
    """
    paths: Mapping[str, str] = field(factory=dict, repr=False)
    """The paths of files and directories that the value holds, which are not kept with it, and the digests of what they led to
    when it was saved; an empty digest where that could not be read."""
    code: tuple[str, ...] = field(default=(), repr=False)
    """The classes of the project's own that the value has instances of, and the project's functions that it holds:
    ``module:qualified.name``."""
