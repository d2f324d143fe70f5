"""Time zones in JSON."""

import sys
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo


def zone_to_plain(zone: tzinfo) -> dict[str, Any]:
    """Describe a time zone.

    :raises TypeError: when it is not known by a name or a fixed offset.
    """
    if type(zone) is ZoneInfo and zone.key is not None:
        return {"zoneinfo": zone.key}
    if type(zone) is timezone:
        offset = zone.utcoffset(None)
        # A name of its own shows in the repr alone.
        if repr(timezone(offset)) == repr(zone) or zone is UTC:
            return {"offset": [offset.days, offset.seconds, offset.microseconds]}
    pytz = sys.modules.get("pytz")
    name = getattr(zone, "zone", None)
    if pytz is not None and type(zone).__module__.partition(".")[0] == "pytz" and name is not None:
        return {"pytz": name}
    msg = f"the time zone {zone!r} has no name to find it by: convert to a zoneinfo.ZoneInfo or UTC"
    raise TypeError(msg)


def zone_from_plain(plain: dict[str, Any]) -> tzinfo:
    """Find the described time zone."""
    if "zoneinfo" in plain:
        return ZoneInfo(plain["zoneinfo"])
    if "pytz" in plain:
        import pytz  # type: ignore[import-untyped]

        found: tzinfo = pytz.timezone(plain["pytz"])
        return found
    days, seconds, microseconds = plain["offset"]
    offset = timedelta(days=days, seconds=seconds, microseconds=microseconds)
    return timezone(offset) if offset else UTC
