"""Serving one model with MLflow's scoring server.

``server`` is the process that answers, ``requests`` are in the forms it knows, and ``fetching`` brings the model.
"""
