"""Plugbay on one machine.

:mod:`plugbay_local.artifact_store` keeps objects as files in a directory, with the operations on them in
:mod:`plugbay_local.objects`. :mod:`plugbay_local.orchestrator` executes steps in the driver or in worker processes:
``plan_shape`` chooses between them, ``worker_pool`` is the driver's side of a worker and ``worker`` the worker's own.
"""

__version__ = "0.1.0"
