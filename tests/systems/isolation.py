"""What all tests share: a home of their own, so that nothing of the machine's user is read or written, and no hurry."""

import os
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("plugbay", deadline=None)  # a busy machine is no error
hypothesis.settings.load_profile("plugbay")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Plugbay keeps what is the user's."""
    for name in list(os.environ):
        if name.startswith("PLUGBAY_"):
            monkeypatch.delenv(name)
    directory = tmp_path / "home"
    monkeypatch.setenv("PLUGBAY_HOME", str(directory))
    return directory
