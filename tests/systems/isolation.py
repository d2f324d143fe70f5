"""What all tests share: a home of their own, so that nothing of the machine's user is read or written, and no hurry."""

import os
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest
import pytest_timeout

from plugbay import masking
from plugbay.testing.waiting import stretched

hypothesis.settings.register_profile("plugbay", deadline=None)  # a busy machine is no error
hypothesis.settings.load_profile("plugbay")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Plugbay keeps what is the user's; and no secret of another test is known."""
    for name in list(os.environ):
        if name.startswith("PLUGBAY_"):
            monkeypatch.delenv(name)
    directory = tmp_path / "home"
    monkeypatch.setenv("PLUGBAY_HOME", str(directory))
    masking.forget()
    return directory


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: pytest_timeout.Settings) -> object:
    """Give a test more time where the machine is busy."""
    return pytest_timeout.pytest_timeout_set_timer(item, settings._replace(timeout=stretched(settings.timeout)))


_told = pytest.StashKey[dict[int, tuple[BaseException, str]]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Tell once why something that tests share could not be made: the first test fails with it, the others name that one."""
    told = item.config.stash.setdefault(_told, {})
    try:
        yield
    except (Exception, pytest.fail.Exception) as error:
        # pytest raises the same object for every test that asks for the same fixture
        _, first = told.setdefault(id(error), (error, item.nodeid))
        if first != item.nodeid:
            reason = f"what it needs could not be made: see {first}"
            raise pytest.skip.Exception(reason) from None
        raise
