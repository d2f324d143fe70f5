"""``plugbay runs``, ``show`` and ``logs``: the history of a store as text and as JSON."""

import pytest


def test_runs_are_listed_newest_first(history):
    lines = history.plugbay("runs").out.splitlines()
    assert lines[0].split() == ["RUN", "PIPELINE", "STATUS", "STARTED", "TOOK", "STEPS", "ERROR"]
    assert [line.split()[0] for line in lines[1:]] == [
        run["id"][-8:] for run in (history.failed, history.cached, history.succeeded)
    ]
    assert "train: ValueError: a rate of 2.0 is too high" in lines[1]


def test_runs_as_json(history):
    runs = history.plugbay("runs", "--json").json
    assert [run["status"] for run in runs] == ["failed", "succeeded", "succeeded"]
    assert runs[2]["id"] == history.succeeded["id"]
    assert runs[2]["steps"] == 3
    assert runs[2]["started"].endswith("Z")


@pytest.mark.parametrize(
    ("words", "count"),
    [(["--limit", "1"], 1), (["--limit", "0"], 3), (["--status", "failed"], 1), (["--pipeline", "other"], 0)],
)
def test_runs_are_filtered(history, words, count):
    assert len(history.plugbay("runs", "--json", *words).json) == count


def test_no_runs_are_told(project):
    assert project.plugbay("runs").out == "no runs in the artifact store of stack 'default'\n"
    assert project.plugbay("runs", "--json").json == []


@pytest.mark.parametrize("part", [slice(None), slice(None, 23), slice(-8, None), slice(-4, None)])
def test_a_run_is_named_by_its_id_or_a_part_of_it(history, part):
    run_id = history.succeeded["id"]
    assert run_id in history.plugbay("show", run_id[part]).out


def test_last_is_the_newest_run(history):
    assert history.failed["id"] in history.plugbay("show", "last").out


def test_show_tells_steps_outputs_and_metrics(history):
    out = history.plugbay("show", history.succeeded["id"]).out
    assert 'path      "flights.csv"' in out
    assert "load    succeeded" in out
    assert "3 calls" in out
    assert "model: dict" in out
    assert "accuracy: float 0.875" in out
    assert "metrics loss=0.25" in out


def test_show_tells_where_a_cached_step_comes_from(history):
    assert f"from run {history.succeeded['id'][-8:]}" in history.plugbay("show", history.cached["id"]).out


def test_show_tells_why_a_run_failed_and_how_to_go_on(history):
    out = history.plugbay("show", "last").out
    assert "error     step train: ValueError: a rate of 2.0 is too high" in out
    assert f"plugbay run --resume {history.failed['id'][-8:]}" in out


def test_show_has_a_table_of_calls_with_their_parameters_and_metrics(project):
    project.write(
        "sweep.py",
        """
        from plugbay import current, pipeline, step

        @step
        def fit(rate: float) -> float:
            if rate > 11:
                raise ValueError("too high")
            current().log_params({"rate": rate, "kind": "tree"})
            current().log_metrics({"loss": rate / 4})
            return rate

        @pipeline
        def sweep(count: int):
            fit.map([float(i) for i in range(count)])
    """,
    )
    done = project.plugbay("run", "sweep.py", "-p", "count=2")
    assert done.code == 0, done
    lines = [line.split() for line in project.plugbay("show", "last").out.splitlines()]
    assert ["CALL", "STATUS", "TOOK", "rate", "kind", "loss"] in lines
    (line,) = [line for line in lines if line[:1] == ["fit.1"]]
    assert (line[1], line[3:]) == ("succeeded", ["1.0", "tree", "0.25"])
    (fit,) = project.plugbay("show", "last", "--json").json["steps"]
    assert [(call["params"], call["metrics"]) for call in fit["calls"]] == [
        ({"rate": 0.0, "kind": "tree"}, {"loss": 0.0}),
        ({"rate": 1.0, "kind": "tree"}, {"loss": 0.25}),
    ]
    assert project.plugbay("show", "last", "fit", "--json").json == fit
    project.plugbay("show", "last", "fti").assert_error("has no step 'fti'; did you mean 'fit'?")
    assert project.plugbay("run", "sweep.py", "-p", "count=13").code == 1
    out = project.plugbay("show", "last").out
    assert "fit.9" in out and "fit.10" not in out
    assert "... and 3 more: plugbay show RUN fit" in out
    out = project.plugbay("show", "last", "fit").out
    assert "fit.12  failed" in out and out.count("ValueError: too high") >= 1


def test_show_as_json_is_what_run_printed(history):
    assert history.plugbay("show", history.succeeded["id"], "--json").json == history.succeeded
    steps = {step["id"]: step for step in history.succeeded["steps"]}
    assert [call["id"] for call in steps["double"]["calls"]] == ["double.0", "double.1", "double.2"]
    assert [output["name"] for output in steps["train"]["outputs"]] == ["model", "accuracy"]
    assert len(steps["train"]["outputs"][0]["digest"]) == 64
    assert steps["train"]["metrics"] == {"loss": 0.25}
    cached = {step["id"]: step["source"] for step in history.cached["steps"]}
    assert cached["load"] == {"run": history.succeeded["id"], "step": "load", "attempt": 1}


def test_the_log_of_a_step(history):
    assert history.plugbay("logs", "last", "train").out == "training at 2.0\n"


def test_the_log_of_a_cached_step_is_the_one_of_the_attempt_that_answered(history):
    assert history.plugbay("logs", history.cached["id"], "load").out == "loading flights.csv\n"


def test_the_log_of_a_mapped_step_is_that_of_its_calls(history):
    run_id = history.succeeded["id"]
    assert history.plugbay("logs", run_id, "double.1").out == "doubling 2\n"
    assert history.plugbay("logs", run_id, "double").out.splitlines()[:3] == [
        "==> double.0 <==",
        "doubling 1",
        "==> double.1 <==",
    ]


def test_the_logs_of_all_steps_of_a_run(history):
    assert history.plugbay("logs", history.succeeded["id"]).out.splitlines()[:8] == [
        "==> load <==",
        "loading flights.csv",
        "==> double.0 <==",
        "doubling 1",
        "==> double.1 <==",
        "doubling 2",
        "==> double.2 <==",
        "doubling 3",
    ]
    assert "==> load, from the cache <==\nloading flights.csv\n" in history.plugbay("logs", history.cached["id"]).out
    history.plugbay("logs", "last", "--attempt", "1").assert_error("--attempt is for one step")


def test_an_attempt_that_was_not_made_is_told(history):
    history.plugbay("logs", "last", "train", "--attempt", "7").assert_error("no attempt 7 (it has: 1)")
    history.plugbay("logs", history.cached["id"], "load", "--attempt", "1").assert_error("no attempt 1 (it has: none)")


def test_a_step_that_printed_nothing_is_told(project):
    project.write(
        "quiet.py",
        """
        from plugbay import pipeline, step

        @step
        def quiet() -> int:
            return 1

        @pipeline
        def silence():
            quiet()
    """,
    )
    project.plugbay("run", "quiet.py")
    done = project.plugbay("logs", "last", "quiet")
    assert (done.code, done.out, done.err) == (0, "", "step 'quiet' has printed nothing\n")
    done = project.plugbay("logs", "last")
    assert (done.code, done.out, done.err) == (0, "", "the run has printed nothing\n")
