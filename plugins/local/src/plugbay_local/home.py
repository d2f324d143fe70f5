"""Where flavors keep what the settings give no path for."""

import os
from pathlib import Path


def user_path(name: str) -> Path:
    """The path of a name in ``PLUGBAY_HOME``, or in the user's data directory."""
    home = os.environ.get("PLUGBAY_HOME")
    if home:
        return Path(home).expanduser().absolute() / name
    # Imported here because who sets PLUGBAY_HOME does without it.
    from platformdirs import user_data_path

    try:
        return user_data_path("plugbay") / name
    except RuntimeError as error:
        msg = "this user has no home directory: give the component a path, or set PLUGBAY_HOME"
        raise ValueError(msg) from error
