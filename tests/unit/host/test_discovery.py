"""Which plugins are installed, told from metadata; one that is broken disables no other."""

from __future__ import annotations

import importlib.metadata
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plugbay.errors import PluginError
from plugbay.host import discovery
from plugbay.host.compatibility import incompatibility
from plugbay.host.discovery import PluginIndex, Provider, installed_plugins

Install = Callable[..., None]
RunPython = Callable[..., str]
ORCHESTRATOR = "plugbay.orchestrator"


def offered(name: str, group: str = ORCHESTRATOR) -> Provider:
    found = installed_plugins().find(group, name)
    assert found is not None
    return found


def test_a_plugin_is_found_without_importing_it(install: Install) -> None:
    install("good_orchestrator", "broken", "raises_system_exit")
    assert str(offered("good")) == "acme-good 1.2.0"
    assert {"good", "broken", "exits", "local"} <= set(installed_plugins().names(ORCHESTRATOR))
    assert not [name for name in sys.modules if name.startswith("acme_")]


def test_a_distribution_put_on_the_path_later_is_found(install: Install) -> None:
    assert installed_plugins().find(ORCHESTRATOR, "good") is None
    install("good_orchestrator")
    assert installed_plugins().find(ORCHESTRATOR, "good") is not None


def test_a_distribution_installed_later_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    assert installed_plugins().find(ORCHESTRATOR, "late") is None
    information = tmp_path / "late-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: late\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[plugbay.orchestrator]\nlate = late:Late\n")
    assert str(offered("late")) == "late 1.0"


@pytest.mark.parametrize("form", ["archive", "egg-info", "egg", "finder"])
def test_every_form_of_installation_is_found(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, folder = tmp_path, "late-1.0.dist-info"
    if form == "egg-info":
        folder = "late.egg-info"
    elif form == "egg":
        place, folder = tmp_path / "late-1.0.egg", "EGG-INFO"
    metadata = "METADATA" if form in ("archive", "finder") else "PKG-INFO"
    files = {
        f"{folder}/{metadata}": "Metadata-Version: 2.1\nName: late\nVersion: 1.0\nRequires-Dist: other>=1\n\nText: none\n",
        f"{folder}/entry_points.txt": "# for plugbay\n[console_scripts]\nlate = late:main\n\n[plugbay.orchestrator]\nlate=late:Late\n",
    }
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    if form == "archive":
        place = tmp_path / "late.zip"
        with zipfile.ZipFile(place, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
    if form == "finder":
        monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder(place / folder)])
    else:
        monkeypatch.syspath_prepend(str(place))
    discovery._scan.cache_clear()
    found = offered("late")
    assert (str(found), found.value, found.requirements) == ("late 1.0", "late:Late", ("other>=1",))
    discovery._scan.cache_clear()


class Finder(importlib.metadata.DistributionFinder):
    """Knows a distribution that lies nowhere on the path."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def find_distributions(self, context: Any = None) -> list[importlib.metadata.PathDistribution]:
        return [importlib.metadata.PathDistribution(self.place)]

    def find_spec(self, *_: object) -> None:
        return None


def test_of_two_distributions_of_one_name_the_first_on_the_path_counts(install: Install) -> None:
    install("shadowed_first", "shadowed_second")
    assert offered("shadowed").version == "2.0"
    assert installed_plugins().find(ORCHESTRATOR, "only_in_second") is None
    assert "first" in offered("shadowed").load().__doc__


def test_also_when_the_first_offers_no_plugin(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("shadowed_second")
    information = tmp_path / "Acme.Shadowed-3.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: Acme.Shadowed\nVersion: 3.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert installed_plugins().find(ORCHESTRATOR, "shadowed") is None


def test_two_distributions_that_offer_one_flavor_are_an_error_with_the_way_to_choose(install: Install) -> None:
    install("duplicate_one", "duplicate_two")
    with pytest.raises(PluginError) as raised:
        offered("twice")
    assert str(raised.value) == (
        "'twice' (plugbay.orchestrator) is offered by acme-one 1.0 and by acme-two 2.0; "
        "write acme-one:twice or acme-two:twice to choose"
    )
    assert offered("acme-two:twice").distribution == "acme-two"
    assert offered("Acme_Two:twice").distribution == "acme-two"


def test_an_unknown_flavor_is_an_error_with_the_nearest(install: Install) -> None:
    install("good_orchestrator")
    with pytest.raises(PluginError, match=r"^there is no flavor 'goood'; did you mean 'good'\? \(installed: .*good"):
        installed_plugins().require(ORCHESTRATOR, "goood", "flavor")


class TestMetadataThatCannotBeRead:
    def test_it_hides_no_other_distribution(self, install: Install) -> None:
        install("garbled_entry_points", "binary_entry_points", "empty_entry_points", "nameless", "good_orchestrator")
        assert str(offered("good")) == "acme-good 1.2.0"

    def test_it_is_said_which_and_why(self, install: Install) -> None:
        install("garbled_entry_points", "binary_entry_points", "empty_entry_points")
        garbled, binary = map(str, installed_plugins().unreadable)
        assert garbled.startswith("the metadata of acme-garbled cannot be read (")
        assert binary.startswith("the metadata of acme-binary cannot be read (UnicodeDecodeError: ")

    def test_it_is_said_where_a_flavor_is_not_found(self, install: Install) -> None:
        install("garbled_entry_points")
        with pytest.raises(PluginError, match=r"the metadata of acme-garbled cannot be read \(.*\); reinstall it$"):
            installed_plugins().require(ORCHESTRATOR, "garbled", "flavor")

    def test_a_distribution_without_a_name_goes_by_that_of_its_directory(self, install: Install) -> None:
        install("nameless")
        assert str(offered("nameless")) == "acme_nameless of unknown version"
        assert offered("nameless").load().__name__ == "Orchestrator"


class TestLoading:
    @pytest.mark.parametrize(
        ("folder", "name", "expected"),
        [
            (
                "broken",
                "broken",
                "'broken' (plugbay.orchestrator) of acme-broken 3.0 cannot be loaded from 'acme_broken:Orchestrator': "
                "ModuleNotFoundError: No module named 'vendor_library_that_is_not_installed'; "
                "install what it lacks, or another release of acme-broken",
            ),
            (
                "raises_system_exit",
                "exits",
                "'exits' (plugbay.orchestrator) of acme-exits 1.0 cannot be loaded from 'acme_exits:Orchestrator': "
                "SystemExit: 3; install what it lacks, or another release of acme-exits",
            ),
            (
                "outdated",
                "outdated",
                "'outdated' (plugbay.orchestrator) of acme-outdated 0.3 cannot be used: it requires plugbay-hookspecs "
                "<0.1, and 0.1.0 is installed; install another release of acme-outdated",
            ),
            (
                "too_new",
                "too_new",
                "'too_new' (plugbay.orchestrator) of acme-too-new 99.1 cannot be used: it requires plugbay-hookspecs "
                ">=99, and 0.1.0 is installed; install another release of acme-too-new",
            ),
        ],
    )
    def test_the_error_names_plugin_distribution_and_version(
        self, install: Install, folder: str, name: str, expected: str
    ) -> None:
        install(folder)
        with pytest.raises(PluginError) as raised:
            offered(name).load()
        assert str(raised.value) == expected

    def test_a_distribution_that_does_not_fit_is_not_imported(self, install: Install) -> None:
        install("too_new")
        with pytest.raises(PluginError):
            offered("too_new").load()
        assert "acme_too_new" not in sys.modules

    @pytest.mark.parametrize("value", ["acme_good:Orchestrator [extra]", "acme_good : Orchestrator", "acme_good"])
    def test_every_form_of_an_entry_point_is_understood(self, install: Install, value: str) -> None:
        install("good_orchestrator")
        provider = Provider(group=ORCHESTRATOR, name="x", value=value, distribution="acme", version="1")
        assert provider.load().__name__ in ("Orchestrator", "acme_good")

    @pytest.mark.parametrize("value", ["", ":", "acme_good:", "acme_good:Nothing", "acme_good:Orchestrator.nothing"])
    def test_one_that_leads_nowhere_is_an_error(self, install: Install, value: str) -> None:
        install("good_orchestrator")
        provider = Provider(group=ORCHESTRATOR, name="x", value=value, distribution="acme", version="1")
        if value == "acme_good:":
            assert provider.load().__name__ == "acme_good"
        else:
            with pytest.raises(PluginError, match=r"^'x' \(plugbay.orchestrator\) of acme 1 cannot be loaded from "):
                provider.load()


def test_only_what_the_stack_names_is_imported(run_python: RunPython) -> None:
    code = """
import json, os, sys
from plugbay import Stack
os.environ["PLUGBAY_OBSERVERS"] = "[]"
os.environ["PLUGBAY_STACKS__DEFAULT__ORCHESTRATOR"] = "good"
stack = Stack.load()
print(json.dumps([str(stack.of_type("orchestrator")[0]), [m for m in sys.modules if m.startswith(("acme", "plugbay_"))]]))
"""
    folders = ("broken", "raises_system_exit", "good_orchestrator", "noisy", "garbled_entry_points", "too_new")
    component, modules = json.loads(run_python(code, *folders))
    assert component == "orchestrator (flavor good, acme-good 1.2.0)"
    roots = {module.partition(".")[0] for module in modules}
    assert roots == {"acme_good", "plugbay_hookspecs", "plugbay_local"}
    assert "plugbay_local.orchestrator" not in modules


def test_listing_what_is_installed_imports_nothing_of_it(run_python: RunPython) -> None:
    code = """
import sys
from plugbay.host.discovery import installed_plugins
print(len(installed_plugins().all()) > 4, [m for m in sys.modules if m.startswith(("acme", "plugbay_local"))])
"""
    assert run_python(code, "broken", "raises_system_exit", "good_orchestrator") == "True []"


def test_an_empty_index_says_that_nothing_is_installed() -> None:
    with pytest.raises(PluginError, match=r"^there is no flavor 'x' \(installed: none\)$"):
        PluginIndex({}).require(ORCHESTRATOR, "x", "flavor")


@pytest.mark.parametrize(
    ("requirement", "fits"),
    [
        ("plugbay-hookspecs", True),
        ("plugbay-hookspecs>=0.1,<0.2", True),
        ("plugbay_hookspecs >= 0.1", True),
        ("Plugbay.Hookspecs[all]>=0.1", True),
        ("plugbay-hookspecs (>=0.1,<0.2)", True),
        ("plugbay-hookspecs~=0.1", True),
        ("plugbay-hookspecs~=0.1.0", True),
        ("plugbay-hookspecs==0.1.*", True),
        ("plugbay-hookspecs==0.1", True),
        ("plugbay-hookspecs @ https://example.org/x.whl", True),
        ("plugbay-hookspecs<0.1; extra == 'old'", True),
        ("plugbay-hookspecs-more<0.1", True),
        ("other<0.1", True),
        ("!!!", True),
        ("", True),
        ("plugbay-hookspecs<0.1", False),
        ("plugbay-hookspecs<=0.0.9", False),
        ("plugbay-hookspecs>0.1", False),
        ("plugbay-hookspecs!=0.1.0", False),
        ("plugbay-hookspecs!=0.1.*", False),
        ("plugbay-hookspecs==0.2.*", False),
        ("plugbay-hookspecs~=0.2", False),
        ("plugbay-hookspecs>=0.1,<0.1.0", False),
    ],
)
def test_whether_a_requirement_fits_release_0_1_0(requirement: str, fits: bool) -> None:
    assert (incompatibility([requirement], "0.1.0") is None) is fits
