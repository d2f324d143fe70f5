"""Reading what runs have left in the artifact store: views of runs, lists of them, and what is not needed any more."""

from plugbay.history.run import Run, StepRun

__all__ = ["Run", "StepRun"]
