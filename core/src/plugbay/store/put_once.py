"""Writing an object that must not be there yet, over a connection that may lose the answer."""

from __future__ import annotations

from plugbay.stack.facades.artifact_store import ArtifactStore


def put_once(store: ArtifactStore, key: str, content: bytes) -> bytes | None:
    """Write an object if there is none.

    A request whose answer was lost is sent again, and then meets the object that it wrote itself. So the content has to be
    one that nobody else writes, or one that may as well be somebody else's.

    :returns: ``None`` when the object is there with this content; otherwise what was there before.
    """
    while not store.put(key, content, if_absent=True):
        try:
            found = store.get(key)
        except FileNotFoundError:  # deleted meanwhile
            continue
        return None if found == content else found
    return None
