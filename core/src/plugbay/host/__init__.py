"""The plugin host: finding flavors, checking their hook implementations, and calling them through pluggy."""
