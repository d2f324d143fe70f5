"""The keys under which everything lies in the artifact store."""

from __future__ import annotations

import re
import secrets
import time

_RUN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
RUNS = "runs/"
BLOBS = "blobs/"
CACHE = "cache/"
SOURCES = "sources/"
SWEEPS = "sweeps/"
CLOCKS = "clocks/"
"""Objects that are written to learn what time it is by the store's clock, and deleted at once."""


def new_run_id() -> str:
    """A UUIDv7 (RFC 9562): 48 bits of milliseconds since the epoch, then random bits, so that ids sort by time."""
    milliseconds = time.time_ns() // 1_000_000
    bits = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    text = f"{bits:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def is_run_id(text: str) -> bool:
    """Whether ``text`` has the form of a run id."""
    return _RUN_ID.fullmatch(text) is not None


def blob_key(digest: str) -> str:
    """Where the bytes with this SHA-256 lie."""
    return f"{BLOBS}{digest[:2]}/{digest}"


def cache_key(fingerprint: str) -> str:
    """Where it says which attempt answers a fingerprint."""
    return f"{CACHE}{fingerprint[:2]}/{fingerprint}.json"


def source_key(digest: str) -> str:
    """Where the archive of the code with this SHA-256 lies."""
    return f"{SOURCES}{digest}.zip"


def sweep_keys(name: str) -> tuple[str, str]:
    """Where it is announced what a collection is about to delete, and where that this is over; in this order."""
    return f"{SWEEPS}{name}.json", f"{SWEEPS}{name}.over.json"


def run_prefix(run_id: str) -> str:
    """Everything of a run lies behind this."""
    return f"{RUNS}{run_id}/"


def plan_key(run_id: str) -> str:
    """Where the plan of a run lies."""
    return f"{RUNS}{run_id}/plan.json"


def end_key(run_id: str) -> str:
    """Where it says how the first driver that got to an end of the run ended it."""
    return f"{RUNS}{run_id}/end.json"


def ends_prefix(run_id: str) -> str:
    """How drivers after that one have ended the run lies behind this."""
    return f"{RUNS}{run_id}/ends/"


def later_end_key(run_id: str, driver: int) -> str:
    """Where it says how a driver ended the run that another one had ended before."""
    return f"{RUNS}{run_id}/ends/{driver:06d}.json"


def drivers_prefix(run_id: str) -> str:
    """The claims of a run's second and later drivers lie behind this."""
    return f"{RUNS}{run_id}/drivers/"


def driver_key(run_id: str, number: int) -> str:
    """Where the claim of a run's second or later driver lies."""
    return f"{RUNS}{run_id}/drivers/{number:06d}.json"


def heartbeat_key(run_id: str, driver: int) -> str:
    """Written every few seconds while a long run is driven by its driver of that number."""
    return f"{RUNS}{run_id}/beats/{driver:06d}"


def in_hand_key(run_id: str, driver: int) -> str:
    """Where the driver of that number says what it has in hand, once the run has lasted a second."""
    return f"{RUNS}{run_id}/in-hand/{driver:06d}.json"


def cancel_key(run_id: str, driver: int) -> str:
    """Exists when somebody asked the driver of that number to stop the run."""
    return f"{RUNS}{run_id}/cancels/{driver:06d}"


def old_heartbeat_key(run_id: str) -> str:
    """Where every driver of release 0.1 gives its signs of life."""
    return f"{RUNS}{run_id}/heartbeat"


def old_cancel_key(run_id: str) -> str:
    """Where a driver of release 0.1 looks for a request to stop the run."""
    return f"{RUNS}{run_id}/cancel"


def steps_prefix(run_id: str) -> str:
    """The records of a run's attempts lie behind this."""
    return f"{RUNS}{run_id}/steps/"


def attempt_key(run_id: str, step: str, attempt: int) -> str:
    """Where the record of an attempt lies: all of a run side by side, so that a record costs no directory of its own."""
    return f"{RUNS}{run_id}/steps/{step}.{attempt}.json"


def task_key(run_id: str, step: str, attempt: int) -> str:
    """Where a worker on another machine finds what it has to do."""
    return f"{RUNS}{run_id}/tasks/{step}.{attempt}.json"


def log_key(run_id: str, step: str, attempt: int) -> str:
    """Where the log of an attempt lies."""
    return f"{logs_prefix(run_id)}{step}.{attempt}.log"


def logs_prefix(run_id: str) -> str:
    """What the keys of all logs of a run begin with."""
    return f"{RUNS}{run_id}/logs/"


def call_id(step: str, index: int) -> str:
    """The id of one call of a mapped step."""
    return f"{step}.{index}"
