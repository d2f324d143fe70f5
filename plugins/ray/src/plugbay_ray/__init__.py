"""Plugbay on Ray: an orchestrator that runs steps as tasks of a cluster."""

__version__ = "0.1.0"
