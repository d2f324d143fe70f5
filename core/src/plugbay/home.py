"""Where Plugbay keeps what belongs to a user: ``PLUGBAY_HOME``, or the platform's own directories."""

import os
from pathlib import Path

from plugbay.errors import ConfigError

_HOMELESS = (
    "this user has no home directory (neither HOME nor an entry in the list of users tells one): "
    "set PLUGBAY_HOME to a directory that Plugbay may write to"
)


def _directory(platform_kind: str, name: str) -> Path:
    home = os.environ.get("PLUGBAY_HOME")
    if home:
        try:
            return Path(home).expanduser().absolute() / name
        except RuntimeError as error:  # what pathlib raises
            msg = f"PLUGBAY_HOME={home} begins at a home directory that is not known here: write the directory out"
            raise ConfigError([msg]) from error
    import platformdirs  # not needed, and not loaded, where PLUGBAY_HOME is set

    try:
        directory = Path(getattr(platformdirs, f"user_{platform_kind}_path")("plugbay", appauthor=False))
    except RuntimeError as error:  # what platformdirs raises; some releases give a path that begins with ~ instead
        raise ConfigError([_HOMELESS]) from error
    if not directory.is_absolute():
        raise ConfigError([_HOMELESS])
    return directory / name


def user_config_file() -> Path:
    """The user's ``config.toml``; it need not exist."""
    return _directory("config", "config.toml")


def index_directory() -> Path:
    """Where the indexes of artifact stores lie; disposable."""
    return _directory("cache", "index")


def contents_index() -> Path:
    """Where it is kept what files held that steps were given; disposable."""
    return _directory("cache", "contents.sqlite")


def log_directory() -> Path:
    """Where logs are written while their steps run, before they are in the artifact store."""
    return _directory("state", "logs")


def lock_directory() -> Path:
    """Where the locks lie that tell which runs have a driver on this machine."""
    return _directory("state", "locks")


def started_file() -> Path:
    """Where it is noted which runs this user has started, a line each."""
    return _directory("state", "started")


def log_path(run_id: str, step: str, attempt: int) -> Path:
    """Where the log of an attempt lies on this machine until it is in the artifact store."""
    return log_directory() / run_id / log_name(step, attempt)


def log_name(step: str, attempt: int) -> str:
    """What the file of an attempt's log is called."""
    return f"{step}.{attempt}.log"


def attempt_of_log(name: str) -> tuple[str, int] | None:
    """The step or call and the number of the attempt whose log is called that; ``None`` for another file."""
    step, _, number = name.removesuffix(GROWING).removesuffix(".log").rpartition(".")
    return (step, int(number)) if step and number.isdecimal() else None


def spool_directory(run_id: str) -> Path:
    """Where what steps of a run write on descriptors waits for the moment in which it is brought over into their logs."""
    return _directory("state", "spools") / run_id


SPOOL_FACTS = ".facts"
"""The end of the name of the file beside a spool, which says where the rest of it belongs."""


GROWING = ".growing"
"""The end of the name of a log to which its process adds."""


def growing_log_path(path: Path) -> Path:
    """Where a log lies while its process adds to it; zeros behind the text do not belong to it."""
    return path.with_name(f"{path.name}{GROWING}")
