"""What steps wrote on descriptors and nobody has brought over into their logs yet: of a process that was killed, the last of it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from plugbay.home import SPOOL_FACTS, log_name, spool_directory

_FACTS = struct.Struct("<QH")
"""Up to where it was brought over, and the length of the log's name, which follows."""


def unbrought(run_id: str) -> Iterator[tuple[Path, str, bytes]]:
    """The spools of a run, each with the name of its log and what is not in that."""
    with suppress(OSError):
        for path in sorted(spool_directory(run_id).iterdir()):
            if path.suffix == SPOOL_FACTS:
                continue
            with suppress(OSError, struct.error, UnicodeDecodeError):
                facts = path.with_suffix(SPOOL_FACTS).read_bytes()
                seen, length = _FACTS.unpack_from(facts)
                name = facts[_FACTS.size : _FACTS.size + length].decode()
                content = path.read_bytes()
                yield path, name, content[seen if seen <= len(content) else 0 :]


def unbrought_of(run_id: str, step: str, attempt: int) -> bytes:
    """The same of one log."""
    return b"".join(rest for _, name, rest in unbrought(run_id) if name == log_name(step, attempt))
