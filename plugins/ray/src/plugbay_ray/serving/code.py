"""The modules of a predictor, brought to machines that do not have them."""

from __future__ import annotations

import base64
import importlib.util
import io
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from modulefinder import ModuleFinder
from pathlib import Path

LARGEST = 1_000_000
"""Bytes of packed code: it is kept with the deployment, in the memory of the cluster's head."""
_ON_EVERY_NODE = frozenset({"plugbay", "plugbay_hookspecs", "plugbay_ray"})


def packed(modules: Sequence[str]) -> str:
    """Pack modules that are not installed, their packages, and what they import from beside them.

    What is installed here is expected on the nodes as well.

    :raises ValueError: for a module that is not found here, or too much of them.
    """
    places = {}
    for module in modules:
        if (place := _place(module.partition(".")[0])) is not None:
            for name in _with_imports(module, place.parent):
                places[name] = _place(name)
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for place in filter(None, places.values()):
            for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
                if path.is_file() and "__pycache__" not in path.parts:
                    archive.write(path, path.relative_to(place.parent))
        if not archive.filelist:
            return ""
    content = memory.getvalue()
    if len(content) > LARGEST:
        msg = (
            f"the modules {', '.join(sorted(places))} take {len(content)} bytes, and at most {LARGEST} are brought along;"
            " install them on the nodes"
        )
        raise ValueError(msg)
    return base64.b64encode(content).decode()


def unpack(code: str) -> tempfile.TemporaryDirectory[str]:
    """Make packed modules importable in this process, as long as the directory in which they are is kept."""
    directory = tempfile.TemporaryDirectory(prefix="plugbay-code-", ignore_cleanup_errors=True)
    if code:
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(code))) as archive:
            archive.extractall(directory.name)
        sys.path.insert(0, directory.name)
    return directory


def _with_imports(module: str, beside: Path) -> set[str]:
    """The top-level names of a module and of what it imports that lies in the same directory, without executing any."""
    finder = ModuleFinder(path=[str(beside)])
    with suppress(ImportError, SyntaxError):  # the replica tells what is wrong
        finder.import_hook(module)
    return {name.partition(".")[0] for name in (module, *finder.modules)}


def _place(name: str) -> Path | None:
    """The file or directory of a module; ``None`` for one that is installed."""
    if name in _ON_EVERY_NODE:
        return None
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError) as error:
        msg = f"module {name!r}: {error}"
        raise ValueError(msg) from error
    if spec is None:
        msg = f"there is no module {name!r} here"
        raise ValueError(msg)
    if spec.submodule_search_locations:
        place = Path(next(iter(spec.submodule_search_locations)))
    elif spec.origin is not None and spec.has_location:
        place = Path(spec.origin)
    else:
        return None
    place = place.absolute()
    installed = {Path(sysconfig.get_path(kind)).absolute() for kind in ("stdlib", "purelib", "platlib")}
    return None if installed & set(place.parents) else place
