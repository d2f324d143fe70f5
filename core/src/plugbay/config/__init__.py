"""Configuration: finding and merging its layers, checking its shape, and reading settings into flavors."""
