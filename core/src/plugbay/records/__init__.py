"""The documents that a run leaves in the artifact store, and the views through which a person reads them."""

from plugbay.records.run import Run, StepRun

__all__ = ["Run", "StepRun"]
