"""The fixtures of the test kit, and pipelines in which everything but one flavor is faked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from plugbay import RunFailed, current, pipeline, step
from plugbay.errors import ConfigError
from plugbay.testing.fakes.alerter import FakeAlerter
from plugbay.testing.fakes.artifact_store import FakeArtifactStore
from plugbay.testing.fakes.container_registry import FakeContainerRegistry
from plugbay.testing.fakes.experiment_tracker import FakeExperimentTracker
from plugbay.testing.fakes.image_builder import FakeImageBuilder
from plugbay.testing.fakes.model_deployer import FakeModelDeployer
from plugbay.testing.fakes.model_registry import FakeModelRegistry
from plugbay.testing.fakes.secrets_manager import FakeSecretsManager
from plugbay.testing.fakes.step_operator import FakeStepOperator
from plugbay.testing.fixtures import hook_recorder, make_stack, plugbay_home  # noqa: F401
from plugbay.testing.waiting import stretched
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import BuildOptions, DeploymentConfig, ImageSpec, Servable


@component
class Counter:
    """An observer that breaks when it is told to."""

    broken: bool = False
    started: int = 0
    stopped: int = 0

    @hookimpl
    def component_start(self):
        self.started += 1

    @hookimpl
    def component_stop(self):
        self.stopped += 1

    @hookimpl
    def step_succeeded(self, step):
        if self.broken:
            raise ZeroDivisionError("counted wrong")


@step
def fit(rate: float) -> float:
    current().log_metrics({"loss": rate / 2})
    return rate


@step
def publish(value: float) -> str:
    step = current()
    model = Path("model.txt")
    model.write_text(str(value))
    step.model_registry.register("flights")
    version = step.model_registry.create_version("flights", model)
    servable = Servable(uri=version.source)
    deployed = step.model_deployer.deploy(servable, DeploymentConfig(name="flights"))
    step.alert("deployed", step.secret("greeting"))
    return deployed.url or ""


@pipeline
def flights(rate: float = 0.5):
    publish(fit(rate))


@step
def divide(number: int) -> float:
    return 1 / number


@pipeline
def failing():
    divide(0)


def test_a_pipeline_runs_on_fakes_alone(make_stack, hook_recorder, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    alerter, tracker, deployer = FakeAlerter(), FakeExperimentTracker(), FakeModelDeployer(prediction=7)
    stack = make_stack(
        alerter=alerter,
        experiment_tracker=[tracker],
        model_registry=FakeModelRegistry(),
        model_deployer={"eu": deployer},
        secrets_manager=FakeSecretsManager(),
    )
    stack.secrets_manager.create("greeting", {"value": "hello"})
    run = flights.run(stack=stack)
    assert run["publish"].output.load() == "fake://flights"
    assert [(message.title, message.text) for message in alerter.messages] == [
        ("deployed", "***")
    ]  # no secret is posted
    assert tracker.steps == ["fit", "publish"]
    call = hook_recorder.named("experiment_tracker_log_metrics")[0]
    assert tracker.tracked(call.arguments["step"]).metrics == {"loss": ((0.25, None),)}
    version = stack.model_registry.get_version("flights", "1")
    assert version.origin.run_id == run.id
    assert stack.model_deployers["eu"].predict("flights", [[1], [2]]) == [7, 7]
    assert flights.run(stack=stack)["fit"].status == "cached"


def test_calls_are_recorded_with_what_came_of_them(make_stack, hook_recorder):  # noqa: F811
    counter = Counter(broken=True)  # nobody else listens to what else the run tells
    stack = make_stack(observers=[counter])
    flights_only = pipeline(lambda: fit(1.0))
    flights_only.run(stack=stack)
    hook_recorder.assert_order("component_start", "run_started", "step_started", "step_succeeded", "run_finished")
    with pytest.raises(AssertionError, match="step_started was not called after run_finished"):
        hook_recorder.assert_order("run_finished", "step_started")
    succeeded = hook_recorder.only("step_succeeded")
    assert succeeded.components == ("observer.Counter_0",)
    assert succeeded.arguments["step"].step == "fit"
    assert isinstance(succeeded.error, ZeroDivisionError)
    puts = hook_recorder.named("artifact_store_put", component="artifact_store")
    assert {call.result for call in puts} == {True}
    with pytest.raises(AssertionError, match="alerter_post was called 0 times"):
        hook_recorder.only("alerter_post")
    hook_recorder.clear()
    assert hook_recorder.calls == []


def test_flavors_are_named_with_settings(make_stack, tmp_path):  # noqa: F811
    stack = make_stack(artifact_store={"flavor": "local", "path": str(tmp_path / "here")}, alerter={"a": "log"})
    with pytest.raises(RunFailed):
        failing.run(stack=stack)
    assert (tmp_path / "here" / "runs").is_dir()
    assert [component.info.flavor for component in stack.components][:2] == ["FakeOrchestrator", "local"]
    with pytest.raises(ConfigError, match="unknown setting; did you mean 'path'"):
        make_stack(artifact_store={"flavor": "local", "pth": "x"})
    with pytest.raises(ConfigError, match="there is no orchestrator flavor 'lokal'; did you mean 'local'"):
        make_stack(orchestrator="lokal")


def test_workers_in_other_processes_reach_the_fakes(make_stack, project):  # noqa: F811
    from pooled import square

    store = FakeArtifactStore()
    stack = make_stack(orchestrator={"flavor": "local", "workers": 2}, artifact_store=store)
    run = pipeline(lambda: [square(number) for number in (2, 3)] and None).run(stack=stack)
    assert run["square"].output.load() == 4
    assert store.artifact_store_stat(f"runs/{run.id}/end.json") is not None


def test_a_fake_step_operator_runs_steps_that_reach_the_store(make_stack, project, monkeypatch):  # noqa: F811
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent / "projects"))
    from operated_steps import elsewhere

    stack = make_stack(artifact_store="local", step_operator={"box": FakeStepOperator()})
    run = pipeline(lambda: elsewhere(3)).run(stack=stack)
    value, there = run["elsewhere"].output.load()
    assert (value, there == os.getpid()) == (3, False)


def test_stacks_are_stopped_after_the_test_and_the_home_is_its_own(tmp_path, monkeypatch):
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["plugbay.testing.fixtures"]\n')
    (tmp_path / "test_mine.py").write_text(
        dedent(
            """
            import os
            from pathlib import Path

            from plugbay_hookspecs import component, hookimpl

            @component
            class Noted:
                @hookimpl
                def component_stop(self):
                    Path("stopped").touch()

            def test_it(make_stack, plugbay_home):
                make_stack(observers=[Noted()])
                assert "PLUGBAY_STACK" not in os.environ
                assert os.environ["PLUGBAY_HOME"] == str(plugbay_home) != "/somewhere"
                assert not Path("stopped").exists()
            """
        )
    )
    options = ["-q", "-W", "error", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'runs'}"]
    command = [sys.executable, "-m", "pytest", *options, str(tmp_path)]
    environment = {**os.environ, "PLUGBAY_HOME": "/somewhere", "PLUGBAY_STACK": "prod"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=stretched(60))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "stopped").exists()


def test_pytest_loads_nothing_of_the_kit_unless_it_is_asked_to():
    names = subprocess.run(
        [sys.executable, "-c", "import importlib.metadata as m; print(*m.entry_points(group='pytest11').names)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "plugbay" not in names


def test_a_fake_image_builder_makes_images_that_a_registry_takes(make_stack, tmp_path):  # noqa: F811
    (tmp_path / "main.py").write_text("print('it runs')")
    spec = ImageSpec(base="python:3.11", files=("main.py",), environment={"A": "b"}, commands=(("python", "main.py"),))
    stack = make_stack(image_builder=FakeImageBuilder(), container_registry=FakeContainerRegistry())
    reference = stack.container_registry.reference("ml/flights", "1")
    options = BuildOptions(reference=reference, archive=tmp_path / "image.tar")
    image = stack.image_builder.build(tmp_path, spec, options)
    assert stack.container_registry.push(image, reference) == image.digest
    assert stack.image_builder.find(reference).digest == image.digest
    again = stack.image_builder.build(tmp_path, spec, BuildOptions(reference="another:1"))
    assert again.digest == image.digest, "the same specification makes another image"
    with pytest.raises(ValueError, match="absent"):
        stack.image_builder.build(tmp_path, ImageSpec(base="x", files=("absent",)), options)
    assert stack.container_registry.resolve(reference) == image.digest
