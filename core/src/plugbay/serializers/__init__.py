"""How values become bytes and come back: the core's own serializers, and those of plugins, found by a type's module."""
