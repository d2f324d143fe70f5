"""Serving one model over HTTP: ``server`` is the process that answers, ``loading`` makes a function of a model."""
