"""See :mod:`isolation`."""

from isolation import home, pytest_runtest_setup, pytest_timeout_set_timer

__all__ = ["home", "pytest_runtest_setup", "pytest_timeout_set_timer"]
