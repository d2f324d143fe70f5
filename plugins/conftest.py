"""See :mod:`isolation`; and one process for the tests of a plugin, which share servers."""

from pathlib import Path

import pytest

from isolation import home, pytest_runtest_setup, pytest_timeout_set_timer

__all__ = ["home", "pytest_runtest_setup", "pytest_timeout_set_timer"]

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group(item.path.relative_to(HERE).parts[0]))
