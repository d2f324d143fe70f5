"""What every model deployer does: a name answers requests, and goes on doing so while its model is replaced."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from plugbay.testing.component import ComponentContract
from plugbay.testing.processes import call
from plugbay.testing.waiting import stretched, wait_until
from plugbay_hookspecs.types import Deployment, DeploymentConfig, DeploymentFilter, Servable

ROWS = [[1, 2], [3, 4], [5, 6]]


def scaled(path: Path) -> Callable[[Any], Any]:
    """The predictor of the contract's models: the sum of each row, times a factor."""
    model = json.loads(Path(path).read_bytes())
    if "broken" in model:
        msg = model["broken"]
        raise RuntimeError(msg)
    time.sleep(model.get("loads_for", 0))
    print(f"loaded factor {model['factor']}", flush=True)

    def predict(rows: Any) -> Any:
        time.sleep(model.get("predicts_for", 0))
        if not isinstance(rows, list):
            msg = "rows are a list"
            raise ValueError(msg)  # noqa: TRY004  what the model refuses
        return [sum(row.values() if isinstance(row, dict) else row) * model["factor"] for row in rows]

    return predict


class ModelDeployerContract(ComponentContract):
    """Tests of a model deployer."""

    component_type = "model_deployer"
    capabilities = frozenset({"predict", "logs", "stop"})
    """``stop``: it can stop a deployment and start it again."""
    patience: ClassVar[float] = 60.0
    """Seconds in which a deployment is ready."""

    @pytest.fixture
    def model(self, tmp_path: Path) -> Callable[..., Servable]:
        """Make a model that predicts as :func:`scaled` does; override it for a tool that serves something else."""

        def make(**settings: Any) -> Servable:
            path = tmp_path / f"model-{len(list(tmp_path.glob('model-*')))}.json"
            path.write_text(json.dumps(settings))
            return Servable(uri=path.as_uri(), predictor=f"{__name__}:scaled")

        return make

    @pytest.fixture
    def deploy(self, hooks: Any) -> Iterator[Callable[..., Deployment]]:
        """Deploy a model, as ``flights`` unless told otherwise; all is deleted after the test."""

        def deploy(model: Servable, name: str = "flights", timeout: float | None = None, **options: Any) -> Deployment:
            config = DeploymentConfig(name=name, **options)
            timeout = stretched(self.patience) if timeout is None else timeout
            deployment: Deployment = hooks.model_deployer_deploy(model=model, config=config, timeout=timeout)
            return deployment

        yield deploy
        for deployment in hooks.model_deployer_find(filters=DeploymentFilter()):
            hooks.model_deployer_delete(id=deployment.id, force=True)

    def predicted(self, hooks: Any, deployment: Deployment, rows: Any = ROWS) -> Any:
        """What a deployment answers."""
        return hooks.model_deployer_predict(id=deployment.id, inputs=rows)

    def running(self, hooks: Any, id: str) -> Deployment:
        """Wait until a deployment is running."""

        def started() -> Deployment | None:
            found: Deployment = hooks.model_deployer_status(id=id)
            return None if found.state == "starting" else found

        found = wait_until(started, self.patience, lacking="it is starting for ever")
        assert found.state == "running", f"it is {found.state}: {found.detail}"
        return found

    def test_a_deployment_is_running_when_deploy_returns(
        self, hooks: Any, deploy: Callable[..., Deployment], model: Any
    ) -> None:
        servable = model(factor=2)
        made = deploy(servable, labels={"run": "r1", "step": "größe"})
        assert (made.name, made.state, made.model) == ("flights", "running", servable.uri), f"{made}"
        assert made.url, "requests go to a URL"
        assert made.labels == {"run": "r1", "step": "größe"}, f"labels are kept: {made.labels}"
        assert hooks.model_deployer_status(id=made.id) == made, "the status says something else"

    def test_it_predicts_each_row_in_order(self, hooks: Any, deploy: Any, model: Any) -> None:
        self.need("predict")
        made = deploy(model(factor=2))
        assert self.predicted(hooks, made) == [6, 14, 22], "a prediction for each row, in their order"
        assert self.predicted(hooks, made, []) == [], "no rows, no predictions"

    def test_inputs_that_the_model_refuses_are_a_value_error(self, hooks: Any, deploy: Any, model: Any) -> None:
        self.need("predict")
        made = deploy(model(factor=2))
        with pytest.raises(ValueError):
            self.predicted(hooks, made, {"no": "rows"})
        assert self.predicted(hooks, made) == [6, 14, 22], "one bad request ended it"

    def test_another_model_takes_the_place_and_id_and_url_stay(self, hooks: Any, deploy: Any, model: Any) -> None:
        first, servable = deploy(model(factor=2)), model(factor=3)
        second = deploy(servable, labels={"new": "yes"})
        assert (second.id, second.url) == (first.id, first.url), "the id and the URL stay"
        assert (second.model, second.labels) == (servable.uri, {"new": "yes"}), f"{second}"
        found = hooks.model_deployer_find(filters=DeploymentFilter())
        assert [one.id for one in found] == [first.id], f"one name is one deployment, not {found}"
        if "predict" not in self.lacking:
            assert self.predicted(hooks, second) == [9, 21, 33], "the old model answers"

    def test_no_request_fails_while_the_model_is_replaced(self, hooks: Any, deploy: Any, model: Any) -> None:
        self.need("predict")
        made = deploy(model(factor=1))
        answers: list[Any] = []
        over = threading.Event()

        def ask() -> None:
            while not over.is_set():
                try:
                    answers.append(self.predicted(hooks, made, [[1]])[0])
                except Exception as error:  # noqa: BLE001  it is counted
                    answers.append(error)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for factor in (2, 3, 4):
                deploy(model(factor=factor, loads_for=0.2))
                assert self.predicted(hooks, made, [[1]]) == [factor], "deploy returned before the new model answers"
        finally:
            over.set()
            for thread in threads:
                thread.join()
        failures = [answer for answer in answers if isinstance(answer, Exception)]
        assert not failures, f"{len(failures)} of {len(answers)} requests failed: {failures[0]!r}"
        assert set(answers) <= {1, 2, 3, 4}, f"answers of {set(answers)}"

    def test_requests_in_progress_are_answered_by_the_old_model(self, hooks: Any, deploy: Any, model: Any) -> None:
        self.need("predict")
        pause = stretched(0.5)
        made = deploy(model(factor=1, predicts_for=3 * pause))
        answers: list[Any] = []
        asking = threading.Thread(target=lambda: answers.append(self.predicted(hooks, made, [[1]])))
        asking.start()
        time.sleep(pause)
        deploy(model(factor=2))
        asking.join()
        assert answers == [[1]], f"a request that had begun was answered {answers}"

    def test_a_model_that_does_not_start_leaves_what_was_served(self, hooks: Any, deploy: Any, model: Any) -> None:
        made = deploy(model(factor=2))
        with pytest.raises(RuntimeError, match="no such weights"):
            deploy(model(broken="no such weights"))
        assert hooks.model_deployer_status(id=made.id) == made, "the name does not serve what it served before"
        if "predict" not in self.lacking:
            assert self.predicted(hooks, made) == [6, 14, 22], "the old model answers"

    def test_a_first_model_that_does_not_start_leaves_nothing(self, hooks: Any, deploy: Any, model: Any) -> None:
        with pytest.raises(RuntimeError, match="no such weights"):
            deploy(model(broken="no such weights"))
        assert not hooks.model_deployer_find(filters=DeploymentFilter()), "a deployment that never was is found"

    def test_a_model_that_is_too_slow_leaves_what_was_served(self, hooks: Any, deploy: Any, model: Any) -> None:
        made = deploy(model(factor=2))
        loading, before = stretched(3), time.monotonic()
        with pytest.raises(TimeoutError):
            deploy(model(factor=3, loads_for=loading), timeout=0.5)
        assert time.monotonic() - before < loading, "it waited longer than it was told"
        time.sleep(loading)
        assert hooks.model_deployer_status(id=made.id) == made, "the model that was given up serves after all"

    def test_not_waiting(self, hooks: Any, deploy: Any, model: Any) -> None:
        made = deploy(model(factor=2, loads_for=stretched(0.5)), timeout=0)
        assert made.state == "starting", f"it is {made.state}"
        found = self.running(hooks, made.id)
        assert found.id == made.id, "the id stays"

    @pytest.mark.parametrize("name", ["", "Flights", "a/b", "..", "-a", "größe", "x" * 54])
    def test_a_name_that_is_none_is_refused(self, deploy: Any, model: Any, name: str) -> None:
        with pytest.raises(ValueError):
            deploy(model(factor=2), name=name)

    def test_a_model_that_is_nowhere_is_refused(self, hooks: Any, deploy: Any, tmp_path: Path) -> None:
        with pytest.raises(ValueError):
            deploy(Servable(uri=(tmp_path / "none").as_uri(), predictor=f"{__name__}:scaled"))
        assert not hooks.model_deployer_find(filters=DeploymentFilter()), "a deployment that never was is found"

    def test_finding(self, hooks: Any, deploy: Any, model: Any) -> None:
        two, three = model(factor=2), model(factor=3)
        deploy(two, name="b", labels={"team": "x", "run": "1"})
        deploy(three, name="a", labels={"team": "x"})
        found = {
            label: [one.name for one in hooks.model_deployer_find(filters=filters)]
            for label, filters in {
                "all": DeploymentFilter(),
                "name": DeploymentFilter(name="b"),
                "model": DeploymentFilter(model=three.uri),
                "labels": DeploymentFilter(labels={"team": "x", "run": "1"}),
                "state": DeploymentFilter(state="running"),
                "none": DeploymentFilter(name="c"),
            }.items()
        }
        both = ["a", "b"]
        assert found == {"all": both, "name": ["b"], "model": ["a"], "labels": ["b"], "state": both, "none": []}, found

    def test_every_process_knows_a_deployment_and_it_outlives_the_one_that_made_it(
        self, component: object, hooks: Any, deploy: Any, model: Any
    ) -> None:
        servable, config = model(factor=2), DeploymentConfig(name="flights")
        making = call("model_deployer_deploy", model=servable, config=config, timeout=stretched(self.patience))
        ((made,),) = self.at_once(component, [[making]])
        assert made.error is None, f"{made.error!r}"
        assert hooks.model_deployer_status(id=made.value.id) == made.value, "it ended with the process that deployed it"

    def test_processes_that_deploy_one_name_at_once(
        self, component: object, hooks: Any, deploy: Any, model: Any
    ) -> None:
        config = DeploymentConfig(name="flights")
        models = [model(factor=factor) for factor in (2, 3)]
        calls = [
            [call("model_deployer_deploy", model=one, config=config, timeout=stretched(self.patience))]
            for one in models
        ]
        for (made,) in self.at_once(component, calls):
            assert made.error is None, f"{made.error!r}"
        (found,) = hooks.model_deployer_find(filters=DeploymentFilter())
        assert found.state == "running", f"it is {found.state}: {found.detail}"
        assert found.model in [one.uri for one in models], f"it serves {found.model}"

    def test_stopping_and_starting(self, hooks: Any, deploy: Any, model: Any) -> None:
        self.need("stop")
        made = deploy(model(factor=2), labels={"a": "b"})
        for _ in range(2):
            stopped = hooks.model_deployer_stop(id=made.id, force=False)
            assert (stopped.state, stopped.labels, stopped.model) == ("stopped", made.labels, made.model), f"{stopped}"
        assert hooks.model_deployer_status(id=made.id).state == "stopped", "it did not stay stopped"
        if "predict" not in self.lacking:
            with pytest.raises(OSError):
                self.predicted(hooks, made)
        for _ in range(2):
            assert hooks.model_deployer_start(id=made.id, timeout=stretched(self.patience)) == made, (
                "it is not what it was"
            )
        if "predict" not in self.lacking:
            assert self.predicted(hooks, made) == [6, 14, 22], "it does not answer as it did"

    @pytest.mark.parametrize("force", [False, True])
    def test_what_stopping_does_to_requests_in_progress(self, hooks: Any, deploy: Any, model: Any, force: bool) -> None:
        self.need("stop")
        self.need("predict")
        pause = stretched(0.5)
        made = deploy(model(factor=1, predicts_for=3 * pause))
        answers: list[Any] = []

        def ask() -> None:
            try:
                answers.append(self.predicted(hooks, made, [[1]]))
            except OSError:
                answers.append("ended")

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(pause)
        hooks.model_deployer_stop(id=made.id, force=force)
        asking.join()
        assert answers == (["ended"] if force else [[1]]), f"the request in progress was answered {answers}"

    def test_deleting(self, hooks: Any, deploy: Any, model: Any) -> None:
        servable = model(factor=2)
        made = deploy(servable)
        answers = [hooks.model_deployer_delete(id=made.id, force=False) for _ in range(2)]
        assert answers == [True, False], f"whether there was one: {answers}"
        with pytest.raises(KeyError):
            hooks.model_deployer_status(id=made.id)
        assert not hooks.model_deployer_find(filters=DeploymentFilter()), "it is still found"
        assert deploy(servable).state == "running", "the model's files are left alone, and the name is free"

    @pytest.mark.parametrize("id", ["no-such", "..", ""])
    def test_an_unknown_id_is_a_key_error(self, hooks: Any, id: str) -> None:
        calls: list[tuple[str, dict[str, Any]]] = [("status", {})]
        calls += [("stop", {"force": False}), ("start", {"timeout": 1.0})] if "stop" not in self.lacking else []
        calls += [("predict", {"inputs": ROWS})] if "predict" not in self.lacking else []
        calls += [("logs", {"follow": False, "tail": None})] if "logs" not in self.lacking else []
        for name, arguments in calls:
            with pytest.raises(KeyError):
                getattr(hooks, f"model_deployer_{name}")(id=id, **arguments)
        assert hooks.model_deployer_delete(id=id, force=True) is False, "there was none"

    def test_logs(self, hooks: Any, deploy: Any, model: Any) -> None:
        self.need("logs")
        made = deploy(model(factor=2))
        deploy(model(factor=3))

        def read(tail: int | None) -> list[str]:
            return list(hooks.model_deployer_logs(id=made.id, follow=False, tail=tail))

        lines = read(None)
        loads = [line for line in lines if line.startswith("loaded")]
        assert loads == ["loaded factor 2", "loaded factor 3"], f"the log has {lines}"
        assert read(1) == lines[-1:], "the last line"
        assert read(0) == [], "no line"

    def test_following_a_log_ends_when_the_deployment_is_stopped(self, hooks: Any, deploy: Any, model: Any) -> None:
        self.need("logs")
        self.need("stop")
        made = deploy(model(factor=2))
        lines: list[str] = []
        follow = hooks.model_deployer_logs(id=made.id, follow=True, tail=None)
        following = threading.Thread(target=lambda: lines.extend(follow), daemon=True)
        following.start()
        hooks.model_deployer_stop(id=made.id, force=False)
        following.join(self.patience)
        assert not following.is_alive(), "it goes on after the deployment was stopped"
        assert "loaded factor 2" in lines, f"the log has {lines}"
