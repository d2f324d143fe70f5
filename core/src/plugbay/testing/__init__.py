"""The test kit of plugin authors, for pytest.

A conformance class for each component type, in the module of its name; a fake of each in :mod:`plugbay.testing.fakes`;
throw-away stacks, a recorder of hook calls and a temporary home as fixtures in :mod:`plugbay.testing.fixtures`.
"""
