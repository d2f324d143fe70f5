"""tests/pins/constraints.txt: what the environments install is the same tomorrow."""

from __future__ import annotations

import re

import pytest

import pins

PINS = pins.read_pins(pins.FILE.read_text())


@pytest.mark.parametrize("python", pins.PYTHONS)
def test_whatever_is_required_by_name_is_pinned_once_and_within_its_bounds(python: str) -> None:
    here = {"python_version": python, "python_full_version": f"{python}.7"}
    pinned: dict[str, list[str]] = {}
    for pin in PINS:
        if pin.marker is None or pin.marker.evaluate(here):
            pinned.setdefault(pin.name, []).extend(each.version for each in pin.specifier)
    wrong = [
        f"{direct.source}: {direct.requirement} has the pins {found}; renew them by `tox run -e constraints`"
        for direct in pins.direct_requirements()
        if direct.requirement.marker is None or direct.requirement.marker.evaluate(here)
        if len(found := pinned.get(direct.requirement.name.lower(), [])) != 1
        or not direct.requirement.specifier.contains(found[0])
    ]
    assert wrong == []


def test_the_file_names_no_place_to_install_from_and_no_distribution_of_this_repository() -> None:
    text = pins.FILE.read_text()
    assert not re.search(r"^-|://|@", text, re.MULTILINE)
    assert [pin.name for pin in PINS if pin.name.startswith("plugbay")] == []
    assert [str(pin) for pin in PINS if [each.operator for each in pin.specifier] != ["=="]] == []


def test_tox_itself_is_the_one_that_is_pinned() -> None:
    required = re.findall(r"^[\w-]+==.*", pins.tox_ini()["tox"]["requires"], re.MULTILINE)
    assert [line.partition("==")[0] for line in required] == ["tox", "virtualenv"]
    assert set(required) <= set(pins.FILE.read_text().split())


def test_every_environment_but_two_installs_under_the_pins() -> None:
    tox = pins.tox_ini()
    shared = {"{[pinned]set_env}", "{[testenv]set_env}"}
    without = [
        name
        for name in tox.sections()
        if name.startswith("testenv:") and "set_env" in tox[name] and not shared & set(tox[name]["set_env"].split("\n"))
    ]
    assert without == ["testenv:newest", "testenv:lowest"]
