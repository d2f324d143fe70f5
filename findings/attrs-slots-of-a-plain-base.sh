#!/usr/bin/env bash
# attrs 26.1.0: a slotted class made with attrs.define whose base class is a plain one with __slots__ loses what the base
# keeps in its slots when an instance is pickled or copied. Nothing is raised. attrs writes a __getstate__ for slotted classes,
# which returns the fields that attrs knows; the one that Python (3.11 and later) has by itself returns the slots of all bases.
# Expected: an instance comes back with all it holds, as it does with getstate_setstate=False.
# Seen: attrs.define: x is there, state is lost (pickle), state is lost (copy); getstate_setstate=False: state is kept.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/python" -m pip install --quiet attrs==26.1.0
"$directory/venv/bin/python" - <<'PROGRAM'
import copy
import pickle
import sys

import attrs

assert sys.version_info >= (3, 11)


class Base:
    __slots__ = ("state",)


@attrs.define
class Generated(Base):
    x: int = 1


@attrs.define(getstate_setstate=False)
class OfPython(Base):
    x: int = 1


def holds(kind):
    value = kind(x=2)
    value.state = "kept"
    pickled, copied = pickle.loads(pickle.dumps(value)), copy.copy(value)
    return pickled.x, hasattr(pickled, "state"), hasattr(copied, "state")


seen = {kind.__name__: holds(kind) for kind in (Generated, OfPython)}
print(attrs.__version__, seen)
assert seen == {"Generated": (2, False, False), "OfPython": (2, True, True)}, "the behaviour has changed"
PROGRAM
