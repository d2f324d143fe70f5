"""Conformance classes for flavors, one module for each component type: they check what a flavor does, for pytest."""
