"""What becomes of a stack's components in a run: trackers, alerters, registries, deployers, validators."""

from __future__ import annotations

import hashlib
import json
import logging
import signal
import threading
from pathlib import Path
from typing import Any

import attrs
import pytest

from plugbay import RunFailed, current, pipeline, step
from plugbay.errors import ConfigError, ReportFailed
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import (
    Check,
    CheckResult,
    Deployment,
    DeploymentConfig,
    ModelOrigin,
    ModelVersion,
    RegisteredModel,
    Report,
    Servable,
)


@component
class Tracker:
    """Writes what it is told to a file, one line for each call."""

    file: Path
    name: str = ""
    broken: tuple[str, ...] = ()

    def _note(self, hook: str, *what: Any) -> None:
        if hook in self.broken:
            msg = f"no {hook} today"
            raise ConnectionError(msg)
        with self.file.open("a") as file:
            file.write(json.dumps([self.name, hook, *what], default=str) + "\n")

    @hookimpl
    def experiment_tracker_start(self, step):
        self._note("start", step.step, step.attempt, threading.get_ident())

    @hookimpl
    def experiment_tracker_end(self, step, error):
        self._note("end", step.step, step.attempt, error.type if error else None)

    @hookimpl
    def experiment_tracker_log_params(self, step, params):
        self._note("params", params)

    @hookimpl
    def experiment_tracker_log_metrics(self, step, metrics, iteration):
        self._note("metrics", metrics, iteration)

    @hookimpl
    def experiment_tracker_log_artifact(self, step, path, name):
        self._note("artifact", name, path.read_text())

    @hookimpl
    def experiment_tracker_set_tags(self, step, tags):
        self._note("tags", tags)

    @hookimpl
    def experiment_tracker_url(self, step):
        self._note("url")
        return f"http://tracker/{self.name}/{step.step}"


@component
class Order:
    file: Path

    @hookimpl
    def artifact_saved(self, step, artifact):
        with self.file.open("a") as file:
            file.write(json.dumps(["", "saved"]) + "\n")


@component
class Inbox:
    messages: list[Any] = attrs.field(factory=list)

    @hookimpl
    def alerter_post(self, message):
        self.messages.append(message)


@component
class Registry:
    versions: list[ModelVersion] = attrs.field(factory=list)

    @hookimpl
    def model_registry_register(self, name):
        return RegisteredModel(name=name)

    @hookimpl
    def model_registry_get(self, name):
        return RegisteredModel(name=name)

    @hookimpl
    def model_registry_create_version(self, name, source, description, metadata, origin):
        number = str(len(self.versions) + 1)
        self.versions.append(ModelVersion(name=name, version=number, source=str(source), origin=origin))
        return self.versions[-1]

    @hookimpl
    def model_registry_get_version(self, name, version):
        return self.versions[-1] if version == "@latest" else None

    @hookimpl
    def model_registry_list_versions(self, name):
        return self.versions

    @hookimpl
    def model_registry_download(self, name, version, target):
        return target / version


@component
class Deployer:
    deployed: list[Any] = attrs.field(factory=list)

    @hookimpl
    def model_deployer_deploy(self, model, config, timeout):
        self.deployed.append((model, config))
        return Deployment(id=config.name, name=config.name, state="running", labels=config.labels)

    @hookimpl
    def model_deployer_find(self):
        return []

    @hookimpl
    def model_deployer_status(self, id):
        raise KeyError(id)

    @hookimpl
    def model_deployer_delete(self, id):
        return False


@component
class Positive:
    """Checks that every number is positive."""

    html: str | None = None

    @hookimpl
    def data_validator_validate(self, data, checks):
        results = {
            check.label: CheckResult(passed=min(data) > 0, message=f"found {min(data)}", observed=min(data))
            for check in checks
        }
        return Report(passed=all(r.passed for r in results.values()), results=results, html=self.html)


def lines(file: Path) -> list[list[Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@step(retries=1, retry_delay=0)
def train(rate: float, grid: list[int], fail: bool = False) -> int:
    current().log_params({"depth": 3})
    current().log_metrics({"loss": 0.5})
    current().log_metrics({"loss": 0.25}, iteration=7)
    current().experiment_tracker.set_tags({"team": "blue"})
    if fail:
        raise ValueError("mine")
    return threading.get_ident()


@step
def after(value: int, name: str = "x") -> int:
    return value


class TestTrackers:
    def test_they_follow_the_attempt_in_the_thread_of_the_function(self, make_stack, tmp_path):
        file = tmp_path / "log"
        trackers = {"a": Tracker(file=file, name="a"), "b": Tracker(file=file, name="b")}
        run = pipeline(lambda: train(0.1, [1, 2])).run(stack=make_stack(Order(file=file), experiment_tracker=trackers))
        thread = run["train"].output.load()
        told = lines(file)
        assert told[:2] == [[name, "start", "train", 1, thread] for name in "ab"]
        both = [
            ["params", {"rate": 0.1, "grid": [1, 2], "fail": False}],
            ["params", {"depth": 3}],
            ["metrics", {"loss": 0.5}, None],
            ["metrics", {"loss": 0.25}, 7],
            ["tags", {"team": "blue"}],
        ]
        assert told[2:-5] == [[name, *what] for what in both for name in "ab"]
        assert told[-5:] == [
            ["", "saved"],
            ["a", "url"],
            ["b", "url"],
            ["b", "end", "train", 1, None],
            ["a", "end", "train", 1, None],
        ]

    def test_the_page_of_the_tracked_run_is_in_the_record(self, make_stack, tmp_path):
        trackers = {"a": Tracker(file=tmp_path / "log", name="a"), "b": Tracker(file=tmp_path / "log", broken=("url",))}
        run = pipeline(lambda: train(0.1, [])).run(stack=make_stack(experiment_tracker=trackers))
        (attempt,) = run["train"].attempts
        assert attempt.metadata == {"experiment_tracker.a": {"experiment_tracker_url": "http://tracker/a/train"}}

    def test_each_attempt_is_tracked_and_ends_with_its_error(self, make_stack, tmp_path):
        file = tmp_path / "log"
        with pytest.raises(RunFailed):
            pipeline(lambda: train(0.1, [], fail=True)).run(stack=make_stack(experiment_tracker=Tracker(file=file)))
        assert [line[1:] for line in lines(file) if line[1] == "end"] == [
            ["end", "train", 1, "ValueError"],
            ["end", "train", 2, "ValueError"],
        ]

    def test_one_that_fails_to_start_is_told_nothing_more_and_fails_nothing(self, make_stack, tmp_path, caplog):
        file = tmp_path / "log"
        trackers = {"a": Tracker(file=file, name="a", broken=("start",)), "b": Tracker(file=file, name="b")}
        with caplog.at_level(logging.WARNING, "plugbay"):
            run = pipeline(lambda: train(0.1, [])).run(stack=make_stack(experiment_tracker=trackers))
        assert run.status == "succeeded"
        assert {line[0] for line in lines(file)} == {"b"}
        assert "experiment_tracker.a" in caplog.text

    @pytest.mark.parametrize("hook", ["params", "metrics", "tags", "end"])
    def test_one_that_fails_later_goes_on(self, make_stack, tmp_path, hook):
        file = tmp_path / "log"
        run = pipeline(lambda: train(0.1, [])).run(
            stack=make_stack(experiment_tracker=Tracker(file=file, broken=(hook,)))
        )
        assert run.status == "succeeded"
        told = [line[1] for line in lines(file)]
        assert [name for name in ("start", "params", "metrics", "tags", "end") if name in told] == [
            name for name in ("start", "params", "metrics", "tags", "end") if name != hook
        ]

    def test_what_comes_from_another_step_is_no_parameter(self, make_stack, tmp_path):
        file = tmp_path / "log"
        pipeline(lambda: after(train(0.1, []), name="y")).run(stack=make_stack(experiment_tracker=Tracker(file=file)))
        assert [line[2] for line in lines(file) if line[1] == "params"][-1] == {"name": "y"}

    def test_a_cached_step_is_not_tracked(self, make_stack, tmp_path):
        file = tmp_path / "log"
        for _ in range(2):
            pipeline(lambda: train(0.1, [])).run(stack=make_stack(experiment_tracker=Tracker(file=file)))
        assert len([line for line in lines(file) if line[1] == "start"]) == 1

    def test_without_trackers_nobody_is_told(self, stack):
        assert pipeline(lambda: train(0.1, [])).run(stack=stack).status == "succeeded"


class TestAlerters:
    def test_they_are_told_when_a_run_fails(self, make_stack):
        inbox = Inbox()

        def flights():
            train(0.1, [], fail=True)

        with pytest.raises(RunFailed) as caught:
            pipeline(flights).run(stack=make_stack(alerter=inbox))
        (message,) = inbox.messages
        assert (message.title, message.text, message.severity) == (
            "flights failed in train",
            "ValueError: mine",
            "error",
        )
        assert message.fields == {"run": caught.value.run.id, "pipeline": "flights", "stack": "custom", "step": "train"}
        assert message.topic == caught.value.run.id

    def test_they_are_not_told_of_a_success_or_of_a_run_that_was_cancelled(self, make_stack):
        @step
        def interrupted() -> int:
            signal.raise_signal(signal.SIGINT)
            return 1

        inbox = Inbox()
        pipeline(lambda: after(1)).run(stack=make_stack(alerter=inbox))
        with pytest.raises(RunFailed) as caught:
            pipeline(lambda: interrupted()).run(stack=make_stack(alerter=inbox))
        assert caught.value.run.status == "cancelled"
        assert inbox.messages == []

    def test_a_step_alerts(self, make_stack):
        @step
        def warn() -> None:
            current().alert("drift", text="delay is up", severity="warning")

        inbox = Inbox()
        run = pipeline(lambda: warn()).run(stack=make_stack(alerter={"a": inbox}))
        (message,) = inbox.messages
        assert (message.title, message.text, message.severity) == ("drift", "delay is up", "warning")
        assert message.fields == {"run": run.id, "step": "warn"}


@step(cache=False)
def written(text: str, directory: str) -> Path:
    path = Path(directory, "model.bin")
    path.write_text(text)
    return path


@step(cache=False)
def registered(model: Path, how: str) -> str:
    step = current()
    if how == "path":
        version = step.model_registry.create_version("flights", model)
    elif how == "uri":
        version = step.model_registry.create_version("flights", model.as_uri())
    elif how == "remote":
        version = step.model_registry.create_version("flights", "s3://models/1")
    else:
        origin = ModelOrigin(run_id="r", step="s", digest="d")
        version = step.model_registry.create_version("flights", model, origin=origin)
    return version.version


class TestProvenance:
    @pytest.mark.parametrize("how", ["path", "uri"])
    def test_a_version_knows_its_run_step_and_artifact(self, make_stack, tmp_path, how):
        registry = Registry()
        run = pipeline(lambda: registered(written("m" * 9000, str(tmp_path)), how)).run(
            stack=make_stack(model_registry=registry)
        )
        (version,) = registry.versions
        assert version.origin == ModelOrigin(
            run_id=run.id, step="registered", digest=hashlib.sha256(b"m" * 9000).hexdigest()
        )
        assert version.origin.digest == run["written"].output.digest

    def test_of_what_lies_elsewhere_the_digest_is_not_known(self, make_stack, tmp_path):
        registry = Registry()
        pipeline(lambda: registered(written("m", str(tmp_path)), "remote")).run(
            stack=make_stack(model_registry=registry)
        )
        assert registry.versions[0].origin.digest == ""

    def test_an_origin_that_is_given_counts(self, make_stack, tmp_path):
        registry = Registry()
        pipeline(lambda: registered(written("m", str(tmp_path)), "given")).run(
            stack=make_stack(model_registry=registry)
        )
        assert registry.versions[0].origin == ModelOrigin(run_id="r", step="s", digest="d")

    def test_an_alias_stands_for_a_version(self, make_stack, tmp_path):
        stack = make_stack(model_registry=Registry())
        stack.model_registry.create_version("flights", "s3://models/1")
        assert stack.model_registry.download("flights", "@latest", tmp_path) == tmp_path / "1"
        with pytest.raises(KeyError, match="flights @gone"):
            stack.model_registry.download("flights", "@gone", tmp_path)

    def test_a_deployment_knows_its_run_step_and_artifact(self, make_stack, tmp_path):
        @step(cache=False)
        def deploy(model: Path) -> None:
            config = DeploymentConfig(name="flights", labels={"team": "blue"})
            current().model_deployer.deploy(Servable(uri=model.as_uri()), config, timeout=0)

        deployer = Deployer()
        run = pipeline(lambda: deploy(written("m", str(tmp_path)))).run(stack=make_stack(model_deployer=deployer))
        ((model, config),) = deployer.deployed
        assert config.labels == {"plugbay-run": run.id, "plugbay-step": "deploy", "team": "blue"}
        assert model.digest == run["written"].output.digest

    def test_the_digest_of_a_directory_is_that_of_its_artifact(self, stack, tmp_path):
        @step
        def tree(directory: str) -> Path:
            (Path(directory) / "b").mkdir()
            for name in ("b/c.txt", "a.txt"):
                (Path(directory) / name).write_text(name)
            return Path(directory)

        from plugbay.store.artifacts import digest_of_path

        (tmp_path / "model").mkdir()
        run = pipeline(lambda: tree(str(tmp_path / "model"))).run(stack=stack)
        assert digest_of_path(tmp_path / "model") == run["tree"].output.digest

    def test_a_component_that_is_missing_fails_the_step_with_what_to_write(self, stack, tmp_path):
        with pytest.raises(RunFailed) as caught:
            pipeline(lambda: registered(written("m", str(tmp_path)), "path")).run(stack=stack)
        assert isinstance(caught.value.__cause__, ConfigError)
        assert "model_registry=<an instance>" in str(caught.value.__cause__)


@step(cache=False)
def checked(values: list[int]) -> Report:
    return current().data_validator.validate(values, [Check(kind="positive"), Check(kind="positive", column="x")])


class TestReports:
    def test_a_report_that_is_returned_is_an_artifact(self, make_stack):
        run = pipeline(lambda: checked([1, -2])).run(stack=make_stack(data_validator=Positive()))
        report = run["checked"].output.load()
        assert isinstance(report, Report)
        assert not report.passed
        assert report.results["positive"].observed == -2

    @pytest.mark.parametrize("workers", [1, 2])
    def test_one_that_has_not_passed_fails_a_step_that_says_so(self, make_stack, workers):
        strict = checked.with_options(fail_on_report=True)
        stack = make_stack(data_validator=Positive(), workers=workers)
        assert pipeline(lambda: strict([1, 2])).run(stack=stack).status == "succeeded"
        with pytest.raises(RunFailed) as caught:
            pipeline(lambda: strict([1, -2])).run(stack=stack)
        error = str(caught.value.run["checked"].attempts[0].error)
        assert "positive: found -2" in error
        assert "positive[x]: found -2" in error
        assert isinstance(caught.value.__cause__, ReportFailed)

    def test_a_report_that_was_cached_does_not_answer_a_step_that_fails_on_it(self, make_stack):
        @step
        def report() -> Report:
            return Report(passed=False)

        stack = make_stack()
        pipeline(lambda: report()).run(stack=stack)
        with pytest.raises(RunFailed):
            pipeline(lambda: report.with_options(fail_on_report=True)()).run(stack=stack)

    @pytest.mark.parametrize("html", [None, "<html></html>"])
    def test_trackers_are_shown_it(self, make_stack, tmp_path, html):
        file = tmp_path / "log"
        stack = make_stack(data_validator={"pos": Positive(html=html)}, experiment_tracker=Tracker(file=file))
        pipeline(lambda: checked([1])).run(stack=stack)
        ((_, _, name, content),) = [line for line in lines(file) if line[1] == "artifact"]
        assert name == f"reports/pos/validate_1.{'json' if html is None else 'html'}"
        assert content == html or json.loads(content)["passed"] is True
