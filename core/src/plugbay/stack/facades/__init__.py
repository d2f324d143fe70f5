"""One typed facade for each component type: what :mod:`plugbay_hookspecs` specifies as hooks, as methods to call."""
