"""Plugbay on one machine.

:mod:`plugbay_local.artifact_store` keeps objects as files in a directory, with the operations on them in
:mod:`plugbay_local.objects`. :mod:`plugbay_local.orchestrator` executes steps in the driver or in worker processes:
``plan_shape`` chooses between them, ``worker_pool`` and ``worker_process`` are the driver's side and ``worker`` is
the worker's own.
"""

__version__ = "0.1.0"
