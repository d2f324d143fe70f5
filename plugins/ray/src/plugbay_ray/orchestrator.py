"""The orchestrator that runs each step as a Ray task."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types.orchestration import Capabilities
from plugbay_hookspecs.types.stack import Health, Problem, StackInfo
from plugbay_ray.connection import connected

if TYPE_CHECKING:
    from plugbay_hookspecs.types.execution import LiveRun
    from plugbay_hookspecs.types.plan import Resources


@component
class RayOrchestrator:
    """Run each step as a Ray task, on a cluster that exists or on one of this machine for the time of the run."""

    address: str | None = None
    """Of the cluster: `10.0.0.1:6379`, `ray://10.0.0.1:10001` for Ray Client, or `auto` on one of its machines. Without it
    a run uses the connection that its process has, or starts a cluster of its own on this machine."""
    workers: int | None = None
    """How many steps a cluster of its own runs at a time; `None`: one for each core."""
    resources: tuple[str, ...] = ()
    """The names of resources that nodes were started with (`ray start --resources '{"licence": 2}'`), beside `cpu`,
    `gpu` and `memory`. A step that asks for one runs where it is free; other requests are refused when a run is planned."""
    runtime_env: Mapping[str, Any] = attrs.field(factory=dict)
    """What Ray prepares for the workers: `{ pip = ["polars"], env_vars = { OMP_NUM_THREADS = "1" } }`. The project's code
    is no part of it: that comes by itself."""
    timeout: float = 30.0
    """Seconds to wait for an answer of the cluster."""

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
        for name in sorted({"working_dir", "py_modules"} & set(self.runtime_env)):
            problems.append(
                Problem(
                    message=f"runtime_env has {name}, but the project's code comes from the artifact store",
                    remedy="leave it out",
                )
            )
        return problems

    @hookimpl
    def component_health(self) -> Health | None:
        if self.address is None:
            return None
        asked = time.perf_counter()
        with connected(self.address, None, self.timeout):
            import ray

            alive = sum(node["Alive"] for node in ray.nodes())
        return Health(ok=alive > 0, detail=f"{alive} nodes", latency=time.perf_counter() - asked)

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"cluster": self.address or "one for each run, on this machine"}

    @hookimpl
    def orchestrator_capabilities(self) -> Capabilities:
        granted = frozenset({"cpu", "memory", "gpu", *self.resources})
        return Capabilities(parallel=self.workers != 1, dynamic_maps=True, resources=granted, cancel=True)

    @hookimpl
    def orchestrator_run(self, run: LiveRun) -> None:
        with connected(self.address, self.workers, self.timeout) as distant:
            # Imported here: it takes a second, and only a run needs it.
            import ray

            from plugbay_ray.beginnings import Beginnings
            from plugbay_ray.results import Results
            from plugbay_ray.tasks import execute

            # Retries are the run's to decide.
            task = ray.remote(max_retries=0, runtime_env=dict(self.runtime_env) or None)(execute)
            # Options cost as much as a task does, and all calls of a step have the same.
            with_options: dict[str, Any] = {}
            with Beginnings(run) as beginnings, Results(run) as results:
                for step in run.ready():
                    if not step.portable:
                        run.execute(step)
                        continue
                    info = step.info
                    options = {"name": info.name, **self._asked(step.resources)}
                    try:
                        request = pickle.dumps((info.run_id, step.payload(anywhere=distant)), pickle.HIGHEST_PROTOCOL)
                        asked = with_options.get(repr(options))
                        if asked is None:
                            asked = with_options[repr(options)] = task.options(**options)
                        beginning = beginnings.expect(step)
                        reference = asked.remote(request) if beginning is None else asked.remote(request, beginning)
                    except Exception as error:  # noqa: BLE001  the step fails with it, and the others go on
                        run.complete(step, error)
                        continue
                    run.submitted(step, _ending(reference), queued=True)
                    results.expect(step, reference)

    def _asked(self, resources: Resources) -> dict[str, Any]:
        """What a task asks for, in Ray's form; without a number of cores it takes one."""
        others = {name: value for name in self.resources if (value := resources.other.get(name)) is not None}
        asked = {
            "num_cpus": resources.cpu,
            "num_gpus": resources.gpu,
            "memory": resources.memory,
            "resources": others or None,
        }
        return {name: value for name, value in asked.items() if value is not None}


def _ending(reference: Any) -> Callable[[], None]:
    """What ends a task: its worker is killed, because an exception is nothing that a step must heed."""
    import ray

    return partial(ray.cancel, reference, force=True)
