"""Serving with Ray Serve: a deployment is an application of one replicated class, which holds a model."""
