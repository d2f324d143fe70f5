"""What an image consists of: JSON documents that name each other, and layers, by their digests."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from typing import IO, Any

LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
REFERENCE_NAME = "org.opencontainers.image.ref.name"
INDEXES = frozenset({INDEX_TYPE, "application/vnd.docker.distribution.manifest.list.v2+json"})
LARGEST_DOCUMENT = 4 << 20
"""Bytes: the limit that registries have for a manifest."""

Descriptor = dict[str, Any]
_is_digest = re.compile(r"sha256:[0-9a-f]{64}").fullmatch
_PIECE = 1 << 20


def hexadecimal(digest: object) -> str:
    """The hexadecimal digits of a digest; raise ``ValueError`` for what is none."""
    if not isinstance(digest, str) or _is_digest(digest) is None:
        msg = f"not a digest by SHA-256: {digest!r}"
        raise ValueError(msg)
    return digest.removeprefix("sha256:")


def blobs_of(root: Descriptor, read: Callable[[Descriptor], bytes]) -> Iterator[Descriptor]:
    """The descriptors of all blobs of an image, its own first; raise ``ValueError`` where they are malformed.

    :param read: gives the bytes of a document.
    """
    seen = set()
    pending = [root]
    while pending:
        descriptor = pending.pop()
        digest = descriptor.get("digest")
        hexadecimal(digest)
        if digest in seen or descriptor.get("urls"):  # a layer that may lie elsewhere
            continue
        seen.add(digest)
        yield descriptor
        if descriptor.pop("is_blob", False):
            continue
        document = json.loads(read(descriptor))
        if not isinstance(document, dict):
            msg = f"{digest} is no manifest"
            raise ValueError(msg)  # noqa: TRY004 -- what is wrong is the image
        if descriptor.get("mediaType") in INDEXES:
            pending += document.get("manifests", [])
        else:
            pending += [{**each, "is_blob": True} for each in (document["config"], *document.get("layers", []))]


def copy_checked(source: IO[bytes], target: IO[bytes], digest: str) -> None:
    """Copy a blob; raise ``ValueError`` when its digest is wrong."""
    found = hashlib.sha256()
    while piece := source.read(_PIECE):
        found.update(piece)
        target.write(piece)
    if f"sha256:{found.hexdigest()}" != digest:
        msg = f"the content of {digest} has the digest sha256:{found.hexdigest()}"
        raise ValueError(msg)


def checked(content: bytes, digest: str) -> bytes:
    """Return a document; raise ``ValueError`` when its digest is wrong."""
    found = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if found != digest:
        msg = f"the content of {digest} has the digest {found}"
        raise ValueError(msg)
    return content
