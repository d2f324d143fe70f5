"""The settings of the project: Kedro's defaults, with one folder of configuration instead of two."""

CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "base"}
