"""MLflow as experiment tracker, model registry and model deployer.

The flavors speak to an MLflow server over its REST API, in ``server`` and ``files``: with timeouts and credentials of
their own, and without the seconds that importing MLflow takes. MLflow itself is imported to make an attempt the current
run of user code, to load a model, and in the processes that serve one.
"""

__version__ = "0.1.0"
