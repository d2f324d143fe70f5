"""Where a pipeline's code lies, so that another process can import it, and the archive that takes it elsewhere."""

from __future__ import annotations

import hashlib
import io
import sys
from pathlib import Path

from attrs import frozen

from plugbay.code.project import Project, library_directory
from plugbay.errors import StoreError, TargetError

_SKIPPED = frozenset({"__pycache__", "node_modules", "build", "dist", "site-packages", "venv"})
_LARGEST = 64 * 2**20


@frozen(kw_only=True)
class CodeLocation:
    """The directory that must be on ``sys.path`` for the references of a plan to be imported."""

    root: str | None
    """Absolute; ``None`` for code that has no file, such as a notebook's."""
    module: str | None = None
    """The module that the pipeline is in."""

    def enter(self) -> None:
        """Put the directory on ``sys.path`` of this process."""
        if self.root is not None and self.root not in sys.path:
            sys.path.insert(0, self.root)


def locate(module_name: str) -> CodeLocation:
    """Find the directory from which the module is imported."""
    module = sys.modules.get(module_name)
    file = getattr(module, "__file__", None)
    if file is None:
        return CodeLocation(root=None)
    name = module_name
    spec = getattr(module, "__spec__", None)
    if name in ("__main__", "__mp_main__"):
        name = spec.name if spec is not None else Path(file).stem
    depth = len(name.split(".")) - (0 if Path(file).name == "__init__.py" else 1)
    return CodeLocation(root=str(Path(file).resolve().parents[depth]), module=module_name)


def archive(location: CodeLocation) -> tuple[str, bytes]:
    """Pack the project's Python files and return the SHA-256 of the archive and the archive, a zip file.

    Same files, same bytes. What is packed: the modules that this process has imported from the directory, and every other
    ``.py`` file below the packages among them. Raises :class:`TargetError` for code that has no file.
    """
    if location.root is None:
        msg = "the steps are defined where there is no file (a notebook, a prompt): they cannot run on another machine; put them into a module"
        raise TargetError(msg)
    root = Path(location.root)
    files = sorted(_project_files(root, Project.of_module(location.module)))
    total = sum(path.stat().st_size for path in files)
    if total > _LARGEST:
        too_large = f"the Python files under {root} that would be shipped have {total:,} bytes, more than {_LARGEST:,}"
        msg = f"{too_large}; move the pipeline to a directory of its own"
        raise TargetError(msg)
    import zipfile  # only a step that leaves this machine needs it

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path in files:
            entry = zipfile.ZipInfo(path.relative_to(root).as_posix(), date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(entry, path.read_bytes())
    content = buffer.getvalue()
    return hashlib.sha256(content).hexdigest(), content


def unpack(digest: str, content: bytes, directory: Path) -> None:
    """Unpack what :func:`archive` packed. Raises :class:`StoreError` when the content does not have the digest."""
    import zipfile

    if hashlib.sha256(content).hexdigest() != digest:
        msg = f"the archive of the code {digest} is damaged; run the pipeline again"
        raise StoreError(msg)
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        bundle.extractall(directory)


def _project_files(root: Path, project: Project) -> set[Path]:
    installed = library_directory(root / "any.py") is not None  # where libraries lie beside the project
    files: set[Path] = set() if installed else set(root.glob("*.py"))
    packages = set()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not file or not str(file).endswith(".py") or not project.owns(name):
            continue
        path = Path(file).resolve()
        if not path.is_relative_to(root):
            continue
        files.add(path)
        top = root / path.relative_to(root).parts[0]
        if (top / "__init__.py").is_file():
            packages.add(top)
    for top in packages:
        files.update(p for p in top.rglob("*.py") if not _SKIPPED & set(p.relative_to(root).parts))
    return files
