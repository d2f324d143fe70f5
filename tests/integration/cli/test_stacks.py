"""``plugbay stack``: what is configured, what is wrong with it, and what it needs outside."""

import pytest

COMPONENTS = """
from collections.abc import Mapping, Sequence
from pathlib import Path

from plugbay_hookspecs import Secret, component, hookimpl
from plugbay_hookspecs.types import Health, Problem, StackInfo


@component
class Server:
    '''Talks to a server.'''

    url: str = "http://localhost"
    token: Secret | None = None
    workers: int = 1
    healthy: bool = True

    @hookimpl
    def run_started(self, run):
        pass

    @hookimpl
    def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
        if self.workers < 1:
            return [Problem(message=f"workers is {self.workers}", remedy="set it to 1 or more")]
        return []

    @hookimpl
    def component_health(self) -> Health:
        return Health(ok=self.healthy, detail="version 3" if self.healthy else "no route to host", latency=0.02)

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"dashboard": f"{self.url}/runs"}

    @hookimpl
    def component_provision(self) -> None:
        Path("provisioned").touch()

    @hookimpl
    def component_deprovision(self) -> None:
        Path("provisioned").unlink()
"""


@pytest.fixture
def served(bare):
    bare.write("server.py", COMPONENTS)

    def configure(settings):
        bare.write(
            "plugbay.toml",
            f"""
observers = []
[stacks.default]
orchestrator = "local"
artifact_store = "local"
[stacks.default.observers."./server.py:Server"]
{settings}
[stacks.other]
orchestrator = "local"
artifact_store = "local"
""",
        )
        return bare

    return configure


def test_stacks_are_listed_without_importing_their_flavors(served):
    project = served("")
    project.write("server.py", "1 / 0")
    done = project.plugbay("stack", "list")
    assert done.code == 0, done
    assert "default (active)" in done.out
    assert "other\n" in done.out
    stacks = {stack["name"]: stack for stack in project.plugbay("stack", "list", "--json").json}
    assert stacks["default"]["active"]
    assert {component["type"] for component in stacks["other"]["components"]} == {"orchestrator", "artifact_store"}


def test_show_tells_settings_and_facts_and_no_secret(served):
    project = served('token = "hunter2"\nworkers = 3')
    done = project.plugbay("stack", "show")
    assert done.code == 0, done
    assert "workers = 3" in done.out
    assert 'token = "***"' in done.out
    assert "dashboard: http://localhost/runs" in done.out
    assert "hunter2" not in done.out
    json = project.plugbay("stack", "show", "default", "--json")
    assert "hunter2" not in json.out
    server = json.json["components"][-1]
    assert server["settings"]["token"] == "***"
    assert server["facts"] == {"dashboard": "http://localhost/runs"}


def test_a_stack_without_problems(served):
    done = served("").plugbay("stack", "check")
    assert (done.code, done.err) == (0, "")
    assert done.out == "ok: stack 'default', 3 components, no problems\n"


def test_every_problem_with_the_settings_is_told_at_once(served):
    done = served("wrokers = 3\nurl = 7").plugbay("stack", "check")
    assert done.code == 2
    assert "wrokers: unknown setting; did you mean 'workers'?" in done.err
    assert "url: expected str, got 7" in done.err


def test_what_a_component_finds_wrong_is_told_with_the_remedy(served):
    project = served("workers = 0")
    done = project.plugbay("stack", "check")
    assert done.code == 2
    assert "workers is 0 (set it to 1 or more)" in done.err
    assert project.plugbay("stack", "check", "--json").json["problems"]
    assert project.plugbay("stack", "check", "other").code == 0


def test_a_live_check_asks_every_tool(served):
    done = served("").plugbay("stack", "check", "--live")
    assert done.code == 0
    assert "version 3" in done.out
    done = served("healthy = false").plugbay("stack", "check", "--live")
    assert done.code == 2
    assert "does not answer: no route to host" in done.err


def test_a_live_check_finds_a_secret_that_does_not_exist(served):
    project = served('token = { secret = "chat.token" }')
    assert project.plugbay("stack", "check").code == 0  # which asks nobody
    done = project.plugbay("stack", "check", "--live")
    assert done.code == 2
    assert "token: no secrets manager of stack 'default' knows the secret 'chat.token'" in done.err


def test_up_creates_and_down_destroys(served):
    project = served("")
    up = project.plugbay("stack", "up", "--json")
    assert up.code == 0, up
    assert (project.directory / "provisioned").exists()
    assert "observer../server.py:Server" in up.json["ready"]
    down = project.plugbay("stack", "down")
    assert down.code == 0, down
    assert not (project.directory / "provisioned").exists()
    assert "destroyed: " in down.out


def test_an_unknown_stack_is_told(served):
    served("").plugbay("stack", "show", "othr").assert_error("there is no stack 'othr'; did you mean 'other'?")


WRONG_ORCHESTRATOR = """
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import Capabilities


@component
class Wrong:
    @hookimpl
    def orchestrator_capabilities(self):
        return {capabilities}

    @hookimpl
    def orchestrator_run(self, run):
        for step in run.ready():
            step.payload()()
            run.complete({completion})
"""


@pytest.mark.parametrize(
    ("capabilities", "completion", "told"),
    [
        (
            "{'parallel': True}",
            "step",
            "'orchestrator_capabilities' returned dict ({'parallel': True}); it must return a Cap",
        ),
        (
            "Capabilities()",
            "step, 'done'",
            "the result must be the bytes that the step's payload has returned, an exception",
        ),
        ("Capabilities()", "step.info", "the step must be one that ready() has given, not StepInfo"),
        ("Capabilities()", "'load', None", "the step must be one that ready() has given, not 'load'"),
    ],
)
def test_what_an_orchestrator_gives_is_looked_at_where_it_comes_in(project, capabilities, completion, told):
    text = WRONG_ORCHESTRATOR.replace("{capabilities}", capabilities).replace("{completion}", completion)
    project.write("wrong.py", text)
    project.write(
        "plugbay.toml",
        'observers = []\n[stacks.default]\norchestrator = "./wrong.py:Wrong"\nartifact_store = "local"\n',
    )
    done = project.plugbay("run", "pipeline.py:flights")
    assert done.code != 0
    assert told in done.err, done
    assert "internal error" not in done.err, done
