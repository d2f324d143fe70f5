"""Machines for a contest: two users, and as many machines with ids, clocks and networks of their own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from faultlab.users import Machine, as_user, can_be_elsewhere, can_be_others, namespaces

GROUP = 7001
USERS = (7101, 7102)
_PROJECT = Path(__file__).parent.parent / "project"


def machines(place: Path, *, silence: float, ahead: float) -> list[Machine]:
    """Two users of a shared store, each on the machine itself, and on one of its own whose clock is ahead (behind).

    :param place: a directory that everybody may enter.
    """
    project, store = place / "project", place / "store"
    project.mkdir()
    for name in ("contested.py", "sequential.py", "plugbay.toml"):
        shutil.copy(_PROJECT / name, project)
    store.mkdir()
    os.chown(store, USERS[0], GROUP)
    (place / "effects").touch()
    (place / "effects").chmod(0o666)
    settings = {
        f"PLUGBAY_STACKS__{stack}__ARTIFACT_STORE__{name}": value
        for stack in ("INLINE", "POOL")
        for name, value in {"FLAVOR": "local", "PATH": str(store), "SHARED": "group"}.items()
    }
    found = []
    for number, uid in enumerate(USERS):
        user = [*as_user(uid, uid)[:-1], f"--groups={GROUP}", "sh", "-c", 'umask 022; exec "$@"', "sh"]
        there = namespaces(f"machine-{number}", f"{number + 1:032x}") if can_be_elsewhere() else []
        for where, (before, clock) in enumerate([(user, 0.0), ([*there, *user], (-1) ** number * ahead)]):
            home = place / f"home-{uid}-{where}"
            home.mkdir(mode=0o700)
            os.chown(home, uid, uid)
            found.append(
                Machine(
                    home=home,
                    project=project,
                    store=store,
                    before=before,
                    ahead=clock,
                    silence=silence,
                    settings=settings,
                )
            )
    return found


def can_contest() -> bool:
    """Whether there can be such machines here."""
    return can_be_others() and can_be_elsewhere()
