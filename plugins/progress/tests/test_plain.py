"""What is read in a log."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import TYPE_CHECKING

from plugbay_hookspecs.types import RunInfo, StepInfo
from plugbay_progress.journal import RunJournal
from plugbay_progress.plain import PlainReport
from plugbay_progress.streams import QuietStream

if TYPE_CHECKING:
    from conftest import Begun, Piped

EVERY_EVENT = """
progress.run_started(run=run_info(steps=7))
for name in ("load", "clean", "train", "report"):
    progress.step_queued(step=step(name))
progress.step_started(step=step("load"))
progress.step_succeeded(step=step("load"), outputs={}, seconds=0.42)
progress.step_cached(step=step("clean"), source=CacheSource(run_id="r-0000", step="clean", attempt=1))
progress.step_started(step=step("train"))
progress.step_retrying(step=step("train"), error=error("\\x1b[31mred\\x1b[0m\\nmore"), delay=2.0)
progress.step_started(step=step("train", 2))
progress.step_failed(step=step("train", 2), error=error(), seconds=0.1)
progress.step_skipped(step=step("report"), reason="needs train")
progress.run_finished(run=run_info(), outcome=outcome("failed", 12.3, error=error(), failed_step="train"))
"""


def test_each_event_that_matters_is_one_plain_line(piped: Piped) -> None:
    done = piped(EVERY_EVENT)
    assert done.returncode == 0
    assert done.stdout == ""
    assert "\x1b" not in done.stderr
    lines = done.stderr.splitlines()
    assert lines[:7] == [
        "run r-0001 flights on stack default: 7 steps",
        "step load started",
        "step load succeeded in 0.42s",
        "step clean cached from run r-0000",
        "step train started",
        "step train retrying in 2s: ValueError: red",
        "step train started (attempt 2)",
    ]
    assert lines[7] == "step train failed in 0.10s: ValueError: boom"
    assert lines[8:] == [
        "step report skipped: needs train",
        "run r-0001 failed in 12.30s: 1 succeeded, 1 cached, 1 failed, 1 skipped (train: ValueError: boom)",
    ]


def test_rich_is_not_imported_where_there_is_no_terminal(piped: Piped) -> None:
    done = piped(EVERY_EVENT + "\nassert not any(name.partition('.')[0] == 'rich' for name in sys.modules)")
    assert done.returncode == 0, done.stderr


def test_a_line_is_written_when_its_event_comes(piped: Piped) -> None:
    done = piped("progress.run_started(run=run_info())\nprogress.step_started(step=step('load'))\nos._exit(0)")
    assert done.stderr.splitlines()[-1] == "step load started"


def test_lines_say_their_run_while_there_are_several(piped: Piped) -> None:
    done = piped(
        """
        progress.run_started(run=run_info())
        progress.step_started(step=step("load"))
        progress.run_started(run=run_info("r-0002"))
        progress.step_succeeded(step=step("load"), outputs={}, seconds=0.42)
        progress.step_started(step=step("load", run="r-0002"))
        progress.run_finished(run=run_info("r-0002"), outcome=outcome())
        progress.step_started(step=step("train"))
        progress.run_finished(run=run_info(), outcome=outcome())
        """
    )
    assert done.stderr.splitlines()[1:-1] == [
        "step load started",
        "run r-0002 flights on stack default: 3 steps",
        "step load succeeded in 0.42s (run r-0001)",
        "step load started (run r-0002)",
        "run r-0002 succeeded in 1.50s: 1 unfinished",
        "step train started",
    ]


def test_a_closed_missing_or_broken_stderr_disturbs_nothing(piped: Piped) -> None:
    for broken in ("sys.stderr.close()", "sys.stderr = None", "os.close(2)", "sys.stderr = open('/dev/full', 'w')"):
        done = piped(f"{broken}\n{EVERY_EVENT}\nprint('all is well')\nsys.stdout.flush()\nos._exit(0)")
        assert (done.returncode, done.stdout) == (0, "all is well\n"), broken


def test_a_reader_that_goes_away_disturbs_nothing(begun: Begun) -> None:
    body = f"sys.stdin.read()\n{EVERY_EVENT}\nprint('all is well')"
    with begun(body, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stderr.close()
        process.stdin.close()
        assert process.stdout.read() == b"all is well\n"
    assert process.returncode == 0


def test_a_run_that_began_under_a_tee_goes_on_when_the_tee_is_closed(piped: Piped) -> None:
    done = piped(
        """
        import io
        real, sys.stderr = sys.stderr, io.StringIO()
        progress.run_started(run=run_info())
        sys.stderr.close()
        sys.stderr = real
        progress.step_started(step=step("load"))
        """
    )
    assert done.stderr == "step load started\n"


def test_events_of_an_unknown_run_are_ignored(piped: Piped) -> None:
    done = piped("progress.step_started(step=step('load'))\nprogress.run_finished(run=run_info(), outcome=outcome())")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_long_silence_is_broken_by_a_sign_of_life() -> None:
    now = 0.0
    written = io.StringIO()
    journal = RunJournal(RunInfo(id="r", pipeline="p", stack="s", steps=2), lambda: now, longest=10)
    report = PlainReport(QuietStream(written), lambda: now, lambda: False)
    for call in range(41):
        step = StepInfo(run_id="r", pipeline="p", step=f"score.{call}", name="score", attempt=1)
        report.tell(journal, journal.started(step))
        now += 0.5
        if call < 35:
            report.tell(journal, journal.succeeded(step, 0.5))
    assert written.getvalue().splitlines() == [
        "run r has done 1 of 2 steps, score 20 of 20 calls",
        "run r has done 0 of 2 steps, score 35 of 41 calls",
    ]


def test_importing_and_making_the_observer_imports_no_rich() -> None:
    code = "import sys, plugbay_progress; plugbay_progress.Progress(); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not any(name.partition(".")[0] == "rich" for name in modules)
