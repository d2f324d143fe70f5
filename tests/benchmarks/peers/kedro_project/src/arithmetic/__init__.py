"""The cases as a Kedro project."""
