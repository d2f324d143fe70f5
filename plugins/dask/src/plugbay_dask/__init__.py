"""Plugbay on Dask: an orchestrator that runs steps on the workers of a Dask cluster."""

__version__ = "0.1.0"
