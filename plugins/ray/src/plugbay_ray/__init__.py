"""Plugbay on Ray: an orchestrator that runs steps as tasks of a cluster, and a step operator that runs them as its jobs."""

__version__ = "0.1.0"
