"""What the replicas of a deployment have printed, read from their nodes by Ray's dashboard."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plugbay_ray.serving.applications import Application

_RAYS_OWN = (":actor_name:", ":job_id:", ":task_name:")
"""How the lines begin that Ray writes between the others, for itself."""
_PAUSE = 1.0


def lines_of(look: Callable[[], Application], timeout: float, *, follow: bool, tail: int | None) -> Iterator[str]:
    """The lines of all replicas that Serve remembers, those of one after those of the one that was started before it.

    :param look: gives the application as it is now; raises ``KeyError`` when it is gone.
    """
    told: dict[str, int] = {}
    while True:
        try:
            now = look()
        except KeyError:
            return
        new = []
        for actor in now.actors:
            lines = _printed(actor, timeout)
            new += lines[told.get(actor, 0) :]
            told[actor] = len(lines)
        yield from new if tail is None else new[max(0, len(new) - tail) :]
        if not follow or (now.given is not None and now.given["stopped"] and now.status == "RUNNING"):
            return
        tail = None
        time.sleep(_PAUSE)


def _printed(actor: str, timeout: float) -> list[str]:
    """The lines that have an end; none when the actor's node is gone."""
    import ray
    from ray.util.state import get_log
    from ray.util.state.exception import RayStateApiException

    cluster = ray.get_runtime_context().gcs_address  # there may be another one on this machine
    try:
        parts = get_log(address=cluster, actor_id=actor, suffix="out", encoding=None, timeout=max(1, int(timeout)))
        text = b"".join(parts)
    except RayStateApiException:
        return []
    lines = text.decode("utf-8", "replace").split("\n")[:-1]
    return [line for line in lines if not line.startswith(_RAYS_OWN)]
