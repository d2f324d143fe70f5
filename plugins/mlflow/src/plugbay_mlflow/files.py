"""The files of runs and models: through the server where it serves them, else with MLflow's own client of the store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfileobj
from urllib.parse import quote, urlencode, urlsplit

from plugbay_mlflow.server import Server

_SERVED = "mlflow-artifacts"
_ROUTE = "/api/2.0/mlflow-artifacts/artifacts"


def upload(server: Server, root: str, path: Path, name: str) -> None:
    """Copy a file or directory to ``name`` under the URI ``root``; a file that exists is replaced."""
    if urlsplit(root).scheme != _SERVED:
        _upload_elsewhere(root, path, name)
        return
    for file, under in _files(path, name):
        with file.open("rb") as content:
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(file.stat().st_size)}
            with server.opened("PUT", _address(root, under), content, headers):
                pass


def download(server: Server, uri: str, target: Path) -> Path:
    """Copy the file or directory at a URI into the directory ``target``; give its path there."""
    if urlsplit(uri).scheme != _SERVED:
        import mlflow.artifacts

        return Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(target)))
    copy = target / uri.rpartition("/")[2]
    directory = _is_directory(server, uri)
    if directory is None:
        msg = f"there are no files at {uri}"
        raise FileNotFoundError(msg)
    _fetch(server, uri, copy, directory=directory)
    return copy


def exists(server: Server, uri: str) -> bool:
    """Whether there is a file or directory at a URI; taken for granted where the server does not serve files."""
    return urlsplit(uri).scheme != _SERVED or _is_directory(server, uri) is not None


def remove(server: Server, uri: str) -> None:
    """Delete the file or directory at a URI, where the server serves it."""
    if urlsplit(uri).scheme == _SERVED:
        try:
            with server.opened("DELETE", _address(uri, "")):
                pass
        except (KeyError, FileNotFoundError):
            pass


def _fetch(server: Server, uri: str, copy: Path, *, directory: bool) -> None:
    if directory:
        copy.mkdir()
        for one in _listed(server, uri):
            # The server's word is not trusted to stay below the target.
            name = one["path"].rstrip("/").rpartition("/")[2]
            if name in ("", ".", ".."):
                msg = f"{uri} lists a file named {one['path']!r}"
                raise OSError(msg)
            _fetch(server, f"{uri}/{name}", copy / name, directory=one["is_dir"])
        return
    with server.opened("GET", _address(uri, "")) as content, copy.open("wb") as file:
        copyfileobj(content, file, 1 << 20)
        expected = getattr(content, "length", None)
    if expected:
        msg = f"{uri} broke off {expected} bytes before its end"
        raise ConnectionError(msg)


def _is_directory(server: Server, uri: str) -> bool | None:
    """Whether a directory is at the URI, or a file; ``None`` where there is neither."""
    parent, _, name = uri.rpartition("/")
    return {one["path"]: one["is_dir"] for one in _listed(server, parent)}.get(name)


def _listed(server: Server, uri: str) -> list[dict]:  # type: ignore[type-arg]
    query = urlencode({"path": urlsplit(uri).path.strip("/")})
    with server.opened("GET", f"{_ROUTE}?{query}") as answer:
        found = json.loads(answer.read() or b"{}").get("files", [])
    return [{"path": str(one["path"]), "is_dir": bool(one.get("is_dir", False))} for one in found]


def _address(root: str, name: str) -> str:
    path = "/".join(part for part in (urlsplit(root).path.strip("/"), name) if part)
    return f"{_ROUTE}/{quote(path)}"


def _files(path: Path, name: str) -> Iterator[tuple[Path, str]]:
    if not path.is_dir():
        yield path, name
        return
    for file in sorted(path.rglob("*")):
        if file.is_file():
            yield file, f"{name}/{file.relative_to(path).as_posix()}"


def _upload_elsewhere(root: str, path: Path, name: str) -> None:
    from tempfile import TemporaryDirectory

    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    repository = get_artifact_repository(root)
    if path.is_dir():
        repository.log_artifacts(str(path), name)
        return
    folder, _, last = name.rpartition("/")
    if path.name == last:
        repository.log_artifact(str(path), folder or None)
        return
    with TemporaryDirectory() as scratch:  # a repository gives a file the name that it has
        (Path(scratch) / last).symlink_to(path.absolute())
        repository.log_artifact(str(Path(scratch) / last), folder or None)
