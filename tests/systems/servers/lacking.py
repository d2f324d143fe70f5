"""What becomes of a test whose system the machine lacks."""

import os
from typing import NoReturn

import pytest

REQUIRED = "REQUIRE_SYSTEMS"
_required = os.environ.get(REQUIRED) == "1"  # before a test hides what is the user's


def lacking(reason: str) -> NoReturn:
    """Skip the test with *reason*; fail it where every system must be there (``REQUIRE_SYSTEMS=1``, as under tox)."""
    if _required:
        pytest.fail(f"{REQUIRED}=1, but {reason}", pytrace=False)
    pytest.skip(reason)
