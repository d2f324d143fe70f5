"""Hooks of a model deployer: what makes a model answer requests. A stack has any number; they are addressed by name.

A *deployment* is a name that requests can be sent to. It keeps its id and its URL when another model takes the place of
the one that answers. Every hook but :func:`model_deployer_deploy` and :func:`model_deployer_find` takes the id and raises
``KeyError`` when the tool does not know it; all raise ``OSError`` when the tool could not be reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from plugbay_hookspecs.markers import hookspec, required

if TYPE_CHECKING:
    from plugbay_hookspecs.types import Deployment, DeploymentConfig, DeploymentFilter, Servable


@hookspec(firstresult=True)
@required
def model_deployer_deploy(model: Servable, config: DeploymentConfig, timeout: float) -> Deployment:
    """Serve a model under a name.

    Called in any process that has the stack, mostly in the one that executes a step. When the name is deployed already,
    the model that answers goes on answering until the new one is ready: no request is refused in between, and the id and
    the URL stay. Raises ``ValueError`` for a model or settings that the tool cannot serve, ``TimeoutError`` when it was
    not ready in time, ``RuntimeError`` with the end of its log when it did not start; after each of them the name serves
    what it served before, or nothing.

    :param timeout: seconds to wait until the model answers; 0: do not wait, and return a deployment that is starting.
    :returns: the deployment, which outlives the process.

    .. code-block:: python

        import json
        import time
        from pathlib import Path
        from urllib.request import urlopen

        from attrs import asdict
        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Deployment, DeploymentConfig, Servable


        @component
        class WatchedFolder:
            '''Leaves what to serve in a folder that a server watches, one file for each name.'''

            folder: Path = Path("serving")
            address: str = "http://127.0.0.1:8080"

            @hookimpl
            def model_deployer_deploy(self, model: Servable, config: DeploymentConfig, timeout: float) -> Deployment:
                self.folder.mkdir(parents=True, exist_ok=True)
                file = self.folder / f"{config.name}.json"
                before = file.read_bytes() if file.exists() else None
                file.with_suffix(".new").write_text(json.dumps({"model": asdict(model), "config": asdict(config)}))
                file.with_suffix(".new").replace(file)
                url = f"{self.address}/{config.name}"
                deadline = time.monotonic() + timeout
                while timeout and not self._serves(url, model.uri):
                    if time.monotonic() > deadline:
                        if before is None:
                            file.unlink()
                        else:
                            file.write_bytes(before)
                        msg = f"{config.name} did not answer within {timeout:g} s"
                        raise TimeoutError(msg)
                    time.sleep(0.2)
                return Deployment(
                    id=config.name,
                    name=config.name,
                    state="running" if timeout else "starting",
                    url=url,
                    model=model.uri,
                    labels=config.labels,
                )

            def _serves(self, url: str, model: str) -> bool:
                try:
                    with urlopen(f"{url}/model", timeout=5) as answer:
                        return bool(answer.read().decode() == model)
                except OSError:
                    return False

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def model_deployer_find(filters: DeploymentFilter) -> Sequence[Deployment]:
    """List deployments.

    Called in any process that has the stack. Those that others made with the same tool are found, too.

    :param filters: what they have in common; an empty filter finds all. ``filters.matches(...)`` applies it.
    :returns: in the order of their names, also those that are stopped or failed; empty when there are none.

    .. code-block:: python

        import json
        from collections.abc import Sequence
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Deployment, DeploymentFilter


        @component
        class WatchedFolder:
            '''Reads what is served from the folder that a server watches.'''

            folder: Path = Path("serving")
            address: str = "http://127.0.0.1:8080"

            @hookimpl
            def model_deployer_find(self, filters: DeploymentFilter) -> Sequence[Deployment]:
                files = sorted(self.folder.glob("*.json"))
                found = [self._deployment(file.stem, json.loads(file.read_bytes())) for file in files]
                return [deployment for deployment in found if filters.matches(deployment)]

            def _deployment(self, name: str, kept: dict[str, dict[str, object]]) -> Deployment:
                model, labels = str(kept["model"]["uri"]), kept["config"]["labels"]
                assert isinstance(labels, dict)
                url = f"{self.address}/{name}"
                return Deployment(id=name, name=name, state="running", url=url, model=model, labels=labels)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def model_deployer_status(id: str) -> Deployment:
    """Tell how a deployment is doing, by asking it.

    Called in any process that has the stack.

    :returns: the deployment with its state and, where it is not running, why.

    .. code-block:: python

        from urllib.error import HTTPError, URLError
        from urllib.request import urlopen

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Deployment


        @component
        class ModelServer:
            '''Asks a model server that answers under one address for all of its models.'''

            address: str = "http://127.0.0.1:8080"

            @hookimpl
            def model_deployer_status(self, id: str) -> Deployment:
                url = f"{self.address}/{id}"
                try:
                    with urlopen(f"{url}/model", timeout=10) as answer:
                        model = answer.read().decode()
                except HTTPError as error:
                    with error:
                        if error.code == 404:
                            raise KeyError(id) from error
                        return Deployment(id=id, name=id, state="starting", url=url, detail=error.reason)
                except URLError as error:
                    return Deployment(id=id, name=id, state="failed", detail=str(error.reason))
                return Deployment(id=id, name=id, state="running", url=url, model=model)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def model_deployer_start(id: str, timeout: float) -> Deployment:
    """Serve again what :func:`model_deployer_stop` stopped.

    Called in any process that has the stack. Idempotent: one that is running is left alone. Raises ``TimeoutError`` and
    ``RuntimeError`` as :func:`model_deployer_deploy` does.

    :param timeout: seconds to wait until the model answers; 0: do not wait.
    :returns: the deployment, under the id and URL it had; ``None`` when the tool cannot stop and start.

    .. code-block:: python

        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Deployment


        @component
        class WatchedFolder:
            '''Gives a file back the name that the server looks for; it serves the model at once.'''

            folder: Path = Path("serving")

            @hookimpl
            def model_deployer_start(self, id: str) -> Deployment:
                stopped, file = self.folder / f"{id}.stopped", self.folder / f"{id}.json"
                if stopped.exists():
                    stopped.replace(file)
                if not file.exists():
                    raise KeyError(id)
                return Deployment(id=id, name=id, state="running")

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def model_deployer_stop(id: str, force: bool) -> Deployment:
    """Stop serving and keep what is needed to start again.

    Called in any process that has the stack. Idempotent: one that is stopped is left alone.

    :param force: end the requests in progress; if not, they are answered first and new ones are refused.
    :returns: the stopped deployment; ``None`` when the tool cannot stop and start.

    .. code-block:: python

        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Deployment


        @component
        class WatchedFolder:
            '''Takes a file away from the server, which then lets the model answer what it has begun with.'''

            folder: Path = Path("serving")

            @hookimpl
            def model_deployer_stop(self, id: str) -> Deployment:
                stopped, file = self.folder / f"{id}.stopped", self.folder / f"{id}.json"
                if file.exists():
                    file.replace(stopped)
                if not stopped.exists():
                    raise KeyError(id)
                return Deployment(id=id, name=id, state="stopped")

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def model_deployer_delete(id: str, force: bool) -> bool:
    """Stop serving and forget the deployment. The model's files are left alone.

    Called in any process that has the stack. Idempotent: an id that is gone is no error here.

    :param force: end the requests in progress; if not, they are answered first and new ones are refused.
    :returns: whether there was one.

    .. code-block:: python

        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class WatchedFolder:
            '''Deletes the file that makes a server serve a model.'''

            folder: Path = Path("serving")

            @hookimpl
            def model_deployer_delete(self, id: str) -> bool:
                existed = False
                for file in (self.folder / f"{id}.json", self.folder / f"{id}.stopped"):
                    existed = existed or file.exists()
                    file.unlink(missing_ok=True)
                return existed

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def model_deployer_logs(id: str, follow: bool, tail: int | None) -> Iterator[str]:
    """Read what the serving processes printed.

    Called in any process that has the stack.

    :param follow: go on until the deployment is stopped, or the caller stops to read.
    :param tail: begin with this many lines before the end; ``None``: with the first that is kept.
    :returns: lines without their line ends; of several replicas in the order in which they came. ``None`` when the tool
        keeps no log.

    .. code-block:: python

        import time
        from collections import deque
        from collections.abc import Iterator
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class WatchedFolder:
            '''Reads the file that the server writes for each model.'''

            folder: Path = Path("serving")

            @hookimpl
            def model_deployer_logs(self, id: str, follow: bool, tail: int | None) -> Iterator[str]:
                if not (self.folder / f"{id}.log").exists():
                    raise KeyError(id)
                return self._lines(id, follow, tail)

            def _lines(self, id: str, follow: bool, tail: int | None) -> Iterator[str]:
                with (self.folder / f"{id}.log").open(encoding="utf-8") as log:
                    yield from deque((line.rstrip() for line in log), maxlen=tail)
                    while follow and (self.folder / f"{id}.json").exists():
                        yield from log.read().splitlines()
                        time.sleep(0.5)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def model_deployer_predict(id: str, inputs: Any) -> Any:
    """Send one request to a deployment.

    Called in any process that has the stack. Raises ``ValueError`` for inputs that the model refuses, ``OSError`` when it
    does not answer.

    :param inputs: a dataframe (any library that supports the dataframe interchange protocol / narwhals) or a numpy array
        whose first axis counts rows, or a plain JSON value that is sent as it is.
    :returns: the answer as a plain JSON value: for rows, a list with one prediction for each, in their order. ``None``
        when the tool has no way to ask that suits every model.

    .. code-block:: python

        import json
        from typing import Any
        from urllib.request import Request, urlopen

        from plugbay_hookspecs import component, hookimpl


        @component
        class ModelServer:
            '''Asks a server with the protocol of MLflow's: records in, predictions out.'''

            address: str = "http://127.0.0.1:8080"

            @hookimpl
            def model_deployer_predict(self, id: str, inputs: Any) -> Any:
                if hasattr(inputs, "__dataframe__") or hasattr(inputs, "__narwhals_dataframe__"):
                    import narwhals

                    inputs = {"dataframe_records": narwhals.from_native(inputs).rows(named=True)}
                elif hasattr(inputs, "tolist"):
                    inputs = {"inputs": inputs.tolist()}
                request = Request(f"{self.address}/{id}", json.dumps(inputs).encode())
                request.add_header("Content-Type", "application/json")
                with urlopen(request, timeout=60) as answer:
                    return json.load(answer)["predictions"]

    .. versionadded:: 0.1
    """
    raise NotImplementedError
