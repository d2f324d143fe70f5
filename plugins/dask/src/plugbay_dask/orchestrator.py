"""The orchestrator that runs each step as a Dask task."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types.orchestration import Capabilities
from plugbay_hookspecs.types.stack import Health, Problem, StackInfo

if TYPE_CHECKING:
    from distributed import Client

    from plugbay_dask.beginnings import Beginnings
    from plugbay_dask.results import Results
    from plugbay_hookspecs.types.execution import LiveRun, ReadyStep
    from plugbay_hookspecs.types.plan import Resources

TOGETHER = 64
"""How many steps are submitted at once at most: workers wait for the first of them meanwhile."""


@component
class DaskOrchestrator:
    """Run each step as a Dask task, on a cluster that exists or on one of this machine for the time of the run."""

    address: str | None = None
    """Of the scheduler, `tcp://10.0.0.1:8786`; without it each run has workers of its own on this machine."""
    workers: int | None = None
    """How many workers of its own a run has, each for one step at a time; `None`: one for each core."""
    resources: tuple[str, ...] = ()
    """The names of resources that workers were started with (`dask worker --resources "gpu=2"`): a step that asks for one
    runs where it is free. Other requests are refused when a run is planned."""
    timeout: float = 30.0
    """Seconds to wait for the scheduler."""

    @hookimpl
    def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
        problems = []
        if self.workers is not None and self.workers < 1:
            problems.append(Problem(message=f"workers = {self.workers}: a run needs one at least"))
        if self.workers is not None and self.address is not None:
            problems.append(
                Problem(
                    message="workers is for a cluster of the run's own, but address names another",
                    remedy="leave out one",
                )
            )
        if self.address is None and self.resources:
            problems.append(
                Problem(
                    message="resources are those of a cluster's workers, but there is no address",
                    remedy="leave them out",
                )
            )
        return problems

    @hookimpl
    def component_health(self) -> Health | None:
        if self.address is None:
            return None
        asked = time.perf_counter()
        with self._client() as client:
            workers = client.scheduler_info(n_workers=0)["n_workers"]
        return Health(ok=workers > 0, detail=f"{workers} workers", latency=time.perf_counter() - asked)

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"scheduler": self.address or "one for each run, on this machine"}

    @hookimpl
    def orchestrator_capabilities(self) -> Capabilities:
        granted = frozenset(self.resources) if self.address else frozenset({"cpu", "memory", "gpu"})
        return Capabilities(parallel=self.workers != 1, dynamic_maps=True, resources=granted, cancel=True)

    @hookimpl
    def orchestrator_run(self, run: LiveRun) -> None:
        with self._client() as client:
            # Imported here: it takes a second, and only a run needs it.
            from plugbay_dask.beginnings import Beginnings
            from plugbay_dask.cluster_plugins import register
            from plugbay_dask.results import Results

            register(client)
            beginnings = Beginnings(client, run)
            with Results(client, run) as results:
                for steps in run.ready_together(TOGETHER):
                    self._submit(client, run, [step for step in steps if step.portable], beginnings, results)
                    for step in steps:
                        if not step.portable:
                            run.execute(step)

    def _submit(
        self, client: Client, run: LiveRun, steps: Sequence[ReadyStep], beginnings: Beginnings, results: Results
    ) -> None:
        """Submit steps, those that ask for the same with one call: the scheduler takes in many tasks as fast as one."""
        from plugbay_dask.tasks import PREFIX, execute

        alike: dict[str, list[tuple[ReadyStep, bytes]]] = {}
        for step in steps:
            try:
                payload = step.payload(anywhere=self.address is not None)
                request = pickle.dumps((run.id, payload), pickle.HIGHEST_PROTOCOL)
            except Exception as error:  # noqa: BLE001  the step fails with it, and the others go on
                run.complete(step, error)
                continue
            alike.setdefault(repr(step.resources), []).append((step, request))
        for several in alike.values():
            asked = _asked(several[0][0].resources, self.resources)
            keys = [f"{PREFIX}{run.id}-{step.info.step}-{step.info.attempt}" for step, _ in several]
            requests = [request for _, request in several]
            for key, (step, _) in zip(keys, several, strict=True):
                beginnings.expect(key, step)
            futures = client.map(execute, requests, key=keys, pure=False, resources=asked)
            for (step, _), future in zip(several, futures, strict=True):
                run.submitted(step, future.cancel, queued=True)
                results.expect(step, future)

    @contextmanager
    def _client(self) -> Iterator[Client]:
        from distributed import Client, LocalCluster

        if self.address is not None:
            with Client(self.address, timeout=self.timeout, set_as_default=False) as client:
                yield client
            return
        with (
            LocalCluster(
                n_workers=self.workers,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",  # for none, Dask serves HTTP on port 8787 of every address
                silence_logs=40,
            ) as cluster,
            Client(cluster, timeout=self.timeout, set_as_default=False) as client,
        ):
            yield client


def _asked(resources: Resources, names: Sequence[str]) -> dict[str, float] | None:
    """What a task asks of workers, in Dask's form."""
    wanted = {"cpu": resources.cpu, "memory": resources.memory, "gpu": resources.gpu, **resources.other}
    return {name: value for name in names if (value := wanted.get(name)) is not None} or None
