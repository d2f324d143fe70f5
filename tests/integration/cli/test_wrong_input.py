"""Everything a user can get wrong before a run starts: what was wrong, where, what to do, exit code 2, no traceback."""

from pathlib import Path

import pytest


def test_a_missing_file_is_named(project):
    project.plugbay("run", "missing.py:flights").assert_error("there is no file", "missing.py")


def test_a_missing_module_is_named(project):
    project.plugbay("run", "nowhere.flights:flights").assert_error("there is no module 'nowhere.flights'", ".py ending")


def test_a_misspelt_pipeline_is_told_with_the_nearest(project):
    project.plugbay("run", "pipeline.py:flihgts").assert_error("has no pipeline 'flihgts'; did you mean 'flights'?")


def test_what_is_no_pipeline_is_told(project):
    project.plugbay("run", "pipeline.py:load").assert_error("is a Step, not a pipeline")


def test_no_target_says_what_to_write(project):
    project.plugbay("run").assert_error("plugbay run FILE.py:PIPELINE")


def test_an_unknown_parameter_a_wrong_one_and_a_missing_one_are_told_at_once(project):
    text = (project.directory / "pipeline.py").read_text().replace('path: str = "flights.csv"', "path: str")
    project.write("pipeline.py", text)
    project.plugbay("run", "pipeline.py", "-p", "rat=1", "-p", "rate=fast", "-p", "nonsense").assert_error(
        "has no parameter 'rat'; did you mean 'rate'? (it has: path, rate)",
        "parameter 'rate': expected float, got 'fast'",
        "-p nonsense: expected NAME=VALUE",
        "needs a value for its parameter 'path'",
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("rate = ", "is not valid TOML"),
        ('rate = "fast"\npth = "x"', "parameter 'rate': expected float, got 'fast'"),
        ('pth = "x"', "did you mean 'path'?"),
    ],
)
def test_a_wrong_parameter_file_is_named_with_its_problems(project, content, message):
    project.write("params.toml", content)
    project.plugbay("run", "pipeline.py", "--params", "params.toml").assert_error("params.toml", message)


def test_a_missing_parameter_file_is_named(project):
    project.plugbay("run", "pipeline.py", "--params", "no.toml").assert_error("there is no file no.toml")


def test_malformed_configuration_is_named_with_the_place(project):
    path = project.write("plugbay.toml", "[stacks.default\norchestrator = 1")
    project.plugbay("run", "pipeline.py").assert_error(str(path), "is not valid TOML", "line 1")


def test_an_unknown_stack_is_told_with_those_there_are(project):
    project.plugbay("run", "pipeline.py", "--stack", "defualt").assert_error("'defualt'", "did you mean 'default'?")
    project.plugbay("runs", "--stack", "prod").assert_error("there is no stack 'prod'", "configured: default")


def test_an_unknown_flavor_is_told_with_the_nearest(project):
    project.write("plugbay.toml", '[stacks.default]\norchestrator = "locla"\nartifact_store = "tape"')
    project.plugbay("run", "pipeline.py").assert_error(
        "stacks.default.orchestrator", "'locla'; did you mean 'local'?", "stacks.default.artifact_store", "'tape'"
    )


def test_an_unknown_run_and_step_are_told(history):
    history.plugbay("show", "0123abcd").assert_error("there is no run '0123abcd'", "plugbay runs")
    history.plugbay("logs", "last", "trian").assert_error("has no step 'trian'; did you mean 'train'?")
    history.plugbay("artifacts", "get", history.succeeded["id"], "train", "modle").assert_error("did you mean 'model'?")


def test_an_unknown_run_in_an_empty_store_is_told(project):
    project.plugbay("show", "last").assert_error("there is no run 'last'")
    project.plugbay("run", "--resume", "last").assert_error("there is no run 'last'")


def test_a_cycle_names_its_steps_and_the_line(project):
    project.write(
        "cycle.py",
        """
        from plugbay import pipeline, step

        @step
        def one() -> int:
            return 1

        @step
        def two() -> int:
            return 2

        @pipeline
        def circle():
            a = one()
            b = two()
            a.after(b)
            b.after(a)
    """,
    )
    project.plugbay("run", "cycle.py").assert_error("in a circle", "one", "two")


def test_a_value_that_is_known_only_at_run_time_is_told_with_the_users_line(project):
    project.write(
        "early.py",
        """
        from plugbay import pipeline, step

        @step
        def count() -> int:
            return 1

        @pipeline
        def early():
            if count():
                count()
    """,
    )
    project.plugbay("run", "early.py").assert_error("is known only at run time", "early.py:10, in early: if count():")


def test_the_users_own_error_while_importing_is_shown_with_its_line(project):
    project.write("broken.py", "x = 1\ny = x / 0\n")
    done = project.plugbay("run", "broken.py")
    assert done.code == 2
    assert "broken.py cannot be imported: ZeroDivisionError" in done.err
    assert 'broken.py", line 2' in done.err
    assert "importlib" not in done.err
    assert "plugbay/" not in done.err


def test_a_syntax_error_is_shown_with_its_line(project):
    project.write("broken.py", "def f(:\n    pass\n")
    done = project.plugbay("run", "broken.py")
    assert done.code == 2
    assert 'broken.py", line 1' in done.err
    assert "plugbay/" not in done.err


def test_the_users_own_error_while_wiring_is_shown_with_its_line(project):
    project.write(
        "wiring.py",
        """
        from plugbay import pipeline

        @pipeline
        def bad():
            return open("/nonexistent")
    """,
    )
    done = project.plugbay("run", "wiring.py")
    assert done.code == 2
    assert "pipeline 'bad' raised while its steps were wired: FileNotFoundError" in done.err
    assert 'wiring.py", line 6' in done.err
    assert "plugbay/" not in done.err


def test_a_store_with_a_file_in_its_way_is_told(project):
    blocked = project.write("blocked", "a file")
    config = (project.directory / "plugbay.toml").read_text()
    config = config.replace(
        'artifact_store = "local"', f'artifact_store = {{ flavor = "local", path = "{blocked}/store" }}'
    )
    project.write("plugbay.toml", config)
    project.plugbay("run", "pipeline.py").assert_error("artifact", str(blocked))


def test_a_store_that_cannot_be_written_is_told(project):
    config = (project.directory / "plugbay.toml").read_text()
    config = config.replace('artifact_store = "local"', 'artifact_store = { flavor = "local", path = "/proc/plugbay" }')
    project.write("plugbay.toml", config)
    project.plugbay("run", "pipeline.py").assert_error("artifact", "/proc")


def test_a_home_that_cannot_be_written_is_told(project):
    home = project.write("in-the-way", "a file")
    project.plugbay("run", "pipeline.py", PLUGBAY_HOME=str(home)).assert_error(str(home))


def test_a_failing_plugin_is_named_with_its_hook(project):
    project.write(
        "failing.py",
        """
        from plugbay_hookspecs import component, hookimpl

        @component
        class Failing:
            @hookimpl
            def component_start(self) -> None:
                raise ConnectionError("nobody answers")
    """,
    )
    project.write(
        "plugbay.toml",
        (project.directory / "plugbay.toml")
        .read_text()
        .replace("observers = []", 'observers = ["./failing.py:Failing"]'),
    )
    project.plugbay("run", "pipeline.py").assert_error(
        "ConnectionError: nobody answers", "in hook component_start", "-v"
    )


def test_verbose_shows_the_whole_traceback(project):
    done = project.plugbay("-v", "run", "missing.py")
    assert done.code == 2
    assert "Traceback" in done.err
    assert "plugbay/cli/run.py" in done.err
    assert Path(__file__).name not in done.err
    assert "Traceback" in project.plugbay("run", "missing.py", "-v").err
