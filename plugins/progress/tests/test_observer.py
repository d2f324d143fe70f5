"""The observer as the host sees it."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

import attrs
import pluggy

from plugbay_hookspecs import run
from plugbay_progress import Progress


def test_the_entry_point_names_the_observer() -> None:
    (found,) = entry_points(group="plugbay", name="progress")
    assert found.load() is Progress


def test_every_hook_is_specified() -> None:
    plugins = pluggy.PluginManager("plugbay")
    plugins.add_hookspecs(run)
    plugins.register(Progress())
    plugins.check_pending()


def test_the_settings_are_the_fields_one_can_set() -> None:
    flavor: Any = Progress
    settable = [each for each in attrs.fields(attrs.resolve_types(flavor)) if each.init]
    assert [(each.name, each.type) for each in settable] == [("plain", bool)]
