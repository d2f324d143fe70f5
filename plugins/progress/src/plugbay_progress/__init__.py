"""An observer that shows how runs get on.

The events of a run go to its :mod:`~plugbay_progress.journal`, which says what is worth a
:mod:`line <plugbay_progress.lines>`. Where stderr is a terminal a :mod:`~plugbay_progress.display` draws the lines and,
below them, what is running; everywhere else they are written :mod:`plainly <plugbay_progress.plain>`.
"""

from plugbay_progress.observer import Progress

__version__ = "0.1.0"

__all__ = ["Progress", "__version__"]
