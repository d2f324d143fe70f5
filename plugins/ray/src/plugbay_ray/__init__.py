"""Plugbay on Ray: steps run as tasks or as jobs of a cluster, and models served by Ray Serve."""

__version__ = "0.1.0"
