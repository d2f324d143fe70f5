"""A plugin whose vendor library is not installed."""

import vendor_library_that_is_not_installed  # noqa: F401
