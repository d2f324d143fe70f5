"""Labels, attributes and the elements of object columns in JSON, with their exact types."""

import math
from base64 import b64decode, b64encode
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]

from plugbay_data.pandas_format.time_zones import zone_from_plain, zone_to_plain


def to_plain(value: Any) -> Any:
    """Turn a value into what :mod:`json` keeps: itself, or an object with one key that names its type.

    :raises TypeError: when its type is none of those.
    """
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind is list:
        return [to_plain(item) for item in value]
    if kind is tuple:
        return {"tuple": [to_plain(item) for item in value]}
    if kind is dict:
        return {"dict": [[to_plain(key), to_plain(item)] for key, item in value.items()]}
    if kind is bytes:
        return {"bytes": b64encode(value).decode()}
    if kind is Decimal:
        return {"decimal": str(value)}
    if kind is date:
        return {"date": value.isoformat()}
    if value is pd.NA or value is pd.NaT:
        return {"missing": repr(value)}
    if kind is pd.Timestamp and not (value.tzinfo is None and value.fold):
        moment = value if value.tzinfo is None else value.tz_convert("UTC").tz_localize(None)
        zone = None if value.tzinfo is None else zone_to_plain(value.tzinfo)
        return {"timestamp": [value.unit, int(moment.to_numpy().view("i8")), zone]}
    if kind is pd.Timedelta:
        return {"timedelta": [value.unit, int(value.to_numpy().view("i8"))]}
    if isinstance(value, np.generic) and value.dtype.kind in "biuf" and value.dtype.itemsize <= 8:
        return {"numpy": [value.dtype.char, to_plain(value.item())]}
    msg = (
        f"there is a {kind.__module__}.{kind.__qualname__} ({value!r:.80}), which is no plain value: convert it to "
        "text, a number or a list of these, or drop it"
    )
    raise TypeError(msg)


def from_plain(plain: Any) -> Any:
    """Turn it back."""
    if type(plain) is list:
        return [from_plain(item) for item in plain]
    if type(plain) is not dict:
        return plain
    ((kind, content),) = plain.items()
    match kind:
        case "float":
            return float(content)
        case "tuple":
            return tuple(from_plain(item) for item in content)
        case "dict":
            return {from_plain(key): from_plain(item) for key, item in content}
        case "bytes":
            return b64decode(content)
        case "decimal":
            return Decimal(content)
        case "date":
            return date.fromisoformat(content)
        case "missing":
            return pd.NA if content == "<NA>" else pd.NaT
        case "timestamp":
            unit, count, zone = content
            moment = pd.Timestamp(np.datetime64(count, unit))
            return moment if zone is None else moment.tz_localize("UTC").tz_convert(zone_from_plain(zone))
        case "timedelta":
            unit, count = content
            return pd.Timedelta(np.timedelta64(count, unit))
        case "numpy":
            char, number = content
            return np.dtype(char).type(from_plain(number))
    msg = f"a plain value of the kind {kind!r} was written by a later version of plugbay-data: upgrade it"
    raise ValueError(msg)
