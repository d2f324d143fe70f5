"""What an interrupted installation or removal leaves on the path counts for nothing, as it does for pip and for imports."""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugbay.host.discovery import PluginIndex, _index_of
from plugbay.host.distributions import installed

GROUP = "plugbay.orchestrator"
LEFTOVERS = [
    "~cme_late-0.9.dist-info",
    "~-me_late-0.9.dist-info",
    "-cme_late-0.9.dist-info",
    "._acme_late-1.0.dist-info",
    "~cme_late.egg-info",
]
SPELLINGS = ["acme_late-1.0", "acme.late-1.0", "Acme_Late-1.0", "acme-late-1.0", "acme_late-1.0 2"]
WHOLE = {
    "METADATA": "Metadata-Version: 2.1\nName: acme-late\nVersion: 1.0\n",
    "entry_points.txt": f"[{GROUP}]\nlate = acme_late:Late\n",
}


def put(directory: Path, name: str, files: dict[str, str]) -> None:
    information = directory / name
    information.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        (information / file).write_text(text)


def index_of(*path: Path) -> PluginIndex:
    return _index_of(installed([str(entry) for entry in path]))


@pytest.fixture(params=["listed", "asked"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two ways in which distributions are found: by listing directories, and by asking the finders of imports."""
    if request.param == "asked":
        monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, OtherFinder()])


class OtherFinder:
    """A finder that may know of distributions."""

    def find_spec(self, *_: object) -> None:
        """Know no module."""

    def find_distributions(self, *_: object) -> Iterator[None]:
        """Know none of them after all."""
        return iter(())


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("leftover", LEFTOVERS)
@pytest.mark.parametrize("beside", [True, False], ids=["beside it", "before it"])
def test_a_leftover_offers_nothing(tmp_path: Path, leftover: str, beside: bool) -> None:
    first, second = (tmp_path / "a", tmp_path / "a") if beside else (tmp_path / "a", tmp_path / "b")
    put(first, leftover, {**WHOLE, "METADATA": WHOLE["METADATA"].replace("1.0", "0.9")})
    assert index_of(first).find(GROUP, "late") is None
    put(second, "acme_late-1.0.dist-info", WHOLE)
    assert str(index_of(first, second).find(GROUP, "late")) == "acme-late 1.0"


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("left", [(), ("RECORD",), ("entry_points.txt",), ("METADATA",)], ids=" ".join)
def test_one_that_lost_its_metadata_hides_no_whole_one(tmp_path: Path, left: tuple[str, ...]) -> None:
    put(
        tmp_path / "a",
        "acme_late-0.9.dist-info",
        {file: WHOLE.get(file, "") if file != "METADATA" else "" for file in left},
    )
    put(tmp_path / "b", "acme_late-1.0.dist-info", WHOLE)
    assert str(index_of(tmp_path / "a", tmp_path / "b").find(GROUP, "late")) == "acme-late 1.0"


def test_one_that_lost_its_metadata_is_told_where_nothing_else_offers_the_flavor(tmp_path: Path) -> None:
    put(tmp_path, "acme_late-0.9.dist-info", {"entry_points.txt": WHOLE["entry_points.txt"]})
    index = index_of(tmp_path)
    assert index.find(GROUP, "late") is None
    assert [str(one) for one in index.unreadable] == [
        "the metadata of acme-late cannot be read (it has no METADATA, as an interrupted installation leaves it); reinstall it"
    ]


@given(
    st.lists(st.sampled_from(SPELLINGS), min_size=2, max_size=4), st.lists(st.integers(0, 2), min_size=4, max_size=4)
)
def test_one_distribution_in_several_places_and_spellings_is_one(spellings: list[str], places: list[int]) -> None:
    with tempfile.TemporaryDirectory() as top:
        for spelling, place in zip(spellings, places, strict=False):
            put(Path(top, str(place)), f"{spelling}.dist-info", WHOLE)
        index = index_of(*(Path(top, str(place)) for place in range(3)))
        assert len(index.providers[GROUP, "late"]) == 1


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(SPELLINGS, 2)))
def test_the_ways_to_choose_differ(tmp_path: Path, one: str, other: str) -> None:
    put(tmp_path / "a", f"{one}.dist-info", WHOLE)
    put(tmp_path / "b", f"{other}.dist-info", WHOLE)
    assert str(index_of(tmp_path / "a", tmp_path / "b").find(GROUP, "late")) == "acme-late 1.0"
