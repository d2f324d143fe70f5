"""TOML as editors of every kind save it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugbay.config.schema import load_config
from plugbay.config.toml_file import UnreadableTomlError, read_toml

VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\"\\'", exclude_categories=("Cc", "Cs")), max_size=20)


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True), VALUES, max_size=4), st.data())
def test_a_mark_and_the_form_of_line_ends_change_nothing(table: dict[str, str], data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(["\n", "\r\n"])).join(f'{key} = "{value}"' for key, value in table.items())
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig"]))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "some.toml")
        path.write_bytes(text.encode(encoding))
        assert read_toml(path) == table


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le", "utf-32"])
def test_text_of_another_encoding_is_an_error_that_says_which(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "some.toml"
    path.write_bytes('stack = "prod"'.encode(encoding))
    with pytest.raises(
        UnreadableTomlError, match=rf"it (is|has zero bytes, as) {encoding[:6].upper()} text.*; save it as UTF-8$"
    ):
        read_toml(path)


@pytest.mark.parametrize("name", ["plugbay.toml", "pyproject.toml", "config.toml"])
def test_every_file_of_the_configuration_may_begin_with_a_mark(home: Path, project: Path, name: str) -> None:
    table = "[tool.plugbay]" if name == "pyproject.toml" else ""
    path = (home if name == "config.toml" else project) / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'{table}\r\nstack = "prod"\r\n', encoding="utf-8-sig", newline="")
    assert load_config().stack == "prod"
