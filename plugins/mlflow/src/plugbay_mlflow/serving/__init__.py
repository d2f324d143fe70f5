"""Serving one model with MLflow's scoring server: ``server`` is the process that answers, ``detached`` starts it."""
