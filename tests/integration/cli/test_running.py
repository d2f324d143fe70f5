"""``plugbay run``: what is printed, in which stream, and the exit code."""

import pytest


def test_a_run_ends_with_its_id_status_duration_and_how_to_look_at_it(project):
    done = project.plugbay("run", "pipeline.py:flights")
    assert done.code == 0
    line, hint = done.out.splitlines()[-2:]
    assert line.startswith("run ")
    assert " succeeded in " in line
    run_id = line.split()[1]
    assert hint.strip() == f"plugbay show {run_id[-8:]}"
    assert project.plugbay("show", run_id[-8:]).code == 0


def test_the_name_may_be_left_out_when_the_file_has_one_pipeline(project):
    assert project.plugbay("run", "pipeline.py").code == 0


def test_a_pipeline_is_found_by_its_module_too(project):
    project.write("package/__init__.py", "")
    project.write("package/flights.py", (project.directory / "pipeline.py").read_text())
    assert project.plugbay("run", "package.flights:flights").code == 0


def test_a_directory_without_configuration_runs_on_the_default_stack(bare, project):
    (bare.directory / "plugbay.toml").unlink()
    done = bare.plugbay("run", "pipeline.py")
    assert done.code == 0, done
    assert "flights on stack default" in done.err  # the default observer


def test_a_failed_run_shows_the_step_the_error_the_users_frames_and_its_log(project):
    done = project.plugbay("run", "pipeline.py", "-p", "rate=2")
    assert done.code == 1
    assert "error: step 'train' failed: ValueError: a rate of 2.0 is too high" in done.err
    assert 'pipeline.py", line' in done.err
    assert "plugbay/execution" not in done.err
    assert "  training at 2.0\n" in done.err
    assert " failed in " in done.out
    assert "plugbay run --resume " in done.out


def test_only_the_end_of_a_long_log_is_shown(project):
    text = (project.directory / "pipeline.py").read_text()
    project.write(
        "pipeline.py", text.replace('print("training at", rate)', "[print('line', n, '.') for n in range(50)]")
    )
    done = project.plugbay("run", "pipeline.py", "-p", "rate=2")
    assert "the last 20 lines of its log" in done.err
    log = done.err.partition("of its log")[2]
    assert "line 30 ." in log
    assert "line 29 ." not in log


def test_json_is_all_there_is_on_stdout_although_steps_print(project):
    project.write(
        "noisy.py",
        """
        import os
        from plugbay import pipeline, step

        print("imported")

        @step
        def talk() -> int:
            print("printed")
            os.system("echo from a child process")
            os.write(1, b"written to the descriptor")
            return 1

        @pipeline
        def noisy():
            talk()
    """,
    )
    run = project.plugbay("run", "noisy.py", "--json").json
    assert run["status"] == "succeeded"
    assert [step["id"] for step in run["steps"]] == ["talk"]


def test_json_of_a_failed_run_has_its_error_and_the_exit_code_is_1(project):
    run = project.run("-p", "rate=2", code=1)
    assert run["status"] == "failed"
    assert run["failed_step"] == "train"
    assert run["error"]["type"] == "ValueError"
    assert run["parameters"] == {"path": "flights.csv", "rate": 2.0}


def test_no_cache_computes_every_step_anew(project):
    project.run()
    assert {step["id"]: step["status"] for step in project.run()["steps"]}["load"] == "cached"
    again = project.run("--no-cache")
    assert {step["status"] for step in again["steps"]} == {"succeeded"}


@pytest.mark.parametrize(("policy", "count"), [("stop", 1), ("continue", 2)])
def test_the_failure_policy_is_an_option_and_every_failure_is_told(project, policy, count):
    project.write(
        "two.py",
        """
        from plugbay import pipeline, step

        @step
        def one() -> int:
            raise ValueError("the first")

        @step
        def two() -> int:
            raise KeyError("the second")

        @pipeline
        def both():
            one()
            two()
    """,
    )
    done = project.plugbay("run", "two.py", "--failure", policy)
    assert done.code == 1
    assert done.err.count("failed:") == count
    assert ("also failed: step 'two': KeyError: 'the second'" in done.err) is (policy == "continue")


def test_a_step_that_returns_the_wrong_type_fails_the_run(project):
    project.write(
        "wrong.py",
        """
        from plugbay import pipeline, step

        @step
        def count() -> int:
            return "three"

        @pipeline
        def counting():
            count()
    """,
    )
    done = project.plugbay("run", "wrong.py")
    assert done.code == 1
    assert "step 'count' failed" in done.err
    assert "expected int, got str ('three')" in done.err
    assert "plugbay/" not in done.err
