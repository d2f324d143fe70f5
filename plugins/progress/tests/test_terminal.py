"""What is seen on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
from typing import TYPE_CHECKING

from plugbay.testing.waiting import stretched

if TYPE_CHECKING:
    from conftest import Begun, OnTerminal


def test_finished_steps_stay_and_live_lines_go(on_terminal: OnTerminal) -> None:
    shown = on_terminal(
        """
        progress.run_started(run=run_info(steps=5))
        progress.step_started(step=step("load"))
        redrawn()
        progress.step_succeeded(step=step("load"), outputs={}, seconds=0.42)
        progress.step_cached(step=step("clean"), source=CacheSource(run_id="r", step="clean", attempt=1))
        progress.step_started(step=step("train"))
        progress.step_retrying(step=step("train"), error=error(), delay=2.0)
        redrawn()
        os.write(1, b"<waiting>")
        progress.step_started(step=step("train", 2))
        redrawn()
        os.write(1, b"<again>")
        progress.step_failed(step=step("train", 2), error=error(), seconds=0.1)
        progress.step_skipped(step=step("report"), reason="needs train")
        progress.run_finished(
            run=run_info(), outcome=outcome("failed", 63, error=error(), failed_step="train")
        )
        """
    )
    assert shown.code == 0
    assert shown.lines_at("<waiting>")[-4:] == [
        "↻ train         retrying in 2s: ValueError: boom",
        "",
        "↻ train         attempt 2 in 2s",
        "━━━━━━━━──────────── 2/5 · 0s · flights · r-0001",
    ]
    assert "● train         0s  attempt 2" in shown.lines_at("<again>")
    lines = shown.lines()
    assert lines[:5] == [
        "flights on stack default: 5 steps",
        "r-0001",
        "✓ load          0.42s",
        "≡ clean         cached",
        "↻ train         retrying in 2s: ValueError: boom",
    ]
    assert lines[5].startswith("✗ train") and lines[5].endswith("ValueError: boom")
    assert lines[6:] == [
        "– report        skipped (needs train)",
        "✗ flights failed in 1m03s: 1 succeeded, 1 cached, 1 failed, 1 skipped",
    ]


def test_what_a_step_prints_appears_above_the_live_lines_and_in_order(on_terminal: OnTerminal) -> None:
    shown = on_terminal(
        """
        progress.run_started(run=run_info())
        progress.step_started(step=step("load"))
        redrawn()
        print("reading", "flights.csv")
        progress.step_succeeded(step=step("load"), outputs={}, seconds=0.42)
        print("after load", file=sys.stderr)
        progress.step_started(step=step("train"))
        redrawn()
        print("two\\nlines")
        os.write(1, b"<now>")
        finish()
        """
    )
    expected = ["r-0001", "reading flights.csv", "✓ load          0.42s", "after load", "two", "lines"]
    assert shown.lines_at("<now>")[1:] == [
        *expected,
        "",
        "● train         0s",
        "━━━━━━────────────── 1/3 · 0s · flights · r-0001",
    ]
    assert shown.lines()[1:-1] == expected


def test_a_tee_over_stdout_keeps_its_log_and_the_streams_stay_the_same_objects(on_terminal: OnTerminal) -> None:
    shown = on_terminal(
        """
        import contextlib, io, logging

        class Tee(io.TextIOBase):
            def __init__(self, stream):
                self.stream, self.log = stream, []
            def write(self, text):
                self.log.append(text)
                return self.stream.write(text)
            def isatty(self):
                return self.stream.isatty()

        handler = logging.StreamHandler()
        streams = sys.stdout, sys.stderr
        outer = Tee(sys.stdout)
        progress.run_started(run=run_info())
        assert (sys.stdout, sys.stderr) == streams
        progress.step_started(step=step("load"))
        tee, errors = Tee(sys.stdout), Tee(sys.stderr)
        with contextlib.redirect_stdout(tee), contextlib.redirect_stderr(errors):
            print("to the log")
            redrawn()
            print("and the screen")
            handler.emit(logging.makeLogRecord({"msg": "logged"}))
            # A run inside the step: its lines are part of the step's output.
            progress.run_started(run=run_info("r-0002"))
            progress.run_finished(run=run_info("r-0002"), outcome=outcome())
        print("through an older tee", file=outer)
        progress.run_finished(run=run_info(), outcome=outcome())
        assert (sys.stdout, sys.stderr) == streams
        assert "write" not in vars(sys.stdout) and "write" not in vars(sys.stderr)
        tee.write("a late word\\n")
        assert "".join(tee.log) == "to the log\\nand the screen\\na late word\\n"
        """
    )
    assert shown.code == 0, shown.output
    lines = shown.lines()
    for words in ("to the log", "and the screen", "logged", "through an older tee", "a late word"):
        assert words in lines


def test_a_progress_bar_that_a_step_draws_stays_in_one_line(on_terminal: OnTerminal) -> None:
    shown = on_terminal(
        """
        progress.run_started(run=run_info())
        progress.step_started(step=step("train"))
        for percent in range(0, 101, 25):
            print(f"\\repoch 1 {percent}%", end="", file=sys.stderr, flush=True)
            redrawn() if percent == 50 else None
            os.write(1, b"<half>") if percent == 50 else None
        print(file=sys.stderr)
        finish()
        """
    )
    assert shown.lines_at("<half>")[-4:-1] == ["", "epoch 1 50%", "● train         0s"]
    assert [line for line in shown.lines() if "epoch" in line] == ["epoch 1 100%"]


def test_a_line_without_an_end_is_not_lost(on_terminal: OnTerminal) -> None:
    shown = on_terminal(
        """
        progress.run_started(run=run_info())
        print("no newline", end="")
        progress.run_finished(run=run_info(), outcome=outcome())
        """
    )
    assert shown.lines()[-2:] == ["✓ flights succeeded in 1.50s", "no newline"]


def test_what_others_write_to_the_terminal_is_not_erased(on_terminal: OnTerminal) -> None:
    shown = on_terminal(
        """
        progress.run_started(run=run_info())
        progress.step_started(step=step("train"))
        redrawn()
        os.write(1, b"from a worker\\n")
        redrawn()
        finish()
        """
    )
    assert "from a worker" in shown.lines()


def test_calls_of_a_mapped_step_share_a_line(on_terminal: OnTerminal) -> None:
    shown = on_terminal(
        """
        progress.run_started(run=run_info(steps=2))
        for call in range(1000):
            progress.step_queued(step=step(f"score.{call}"))
        for call in range(1000):
            progress.step_started(step=step(f"score.{call}"))
            if call == 400:
                progress.step_failed(step=step(f"score.{call}"), error=error(), seconds=0.1)
                redrawn()
                os.write(1, b"<now>")
            else:
                progress.step_succeeded(step=step(f"score.{call}"), outputs={}, seconds=0.1)
        progress.step_skipped(step=step("report"), reason="needs score")
        finish()
        """
    )
    assert "● score         401/1000 calls  0s, 1 failed" in shown.lines_at("<now>")
    lines = shown.lines()
    assert len(lines) == 6
    assert lines[2] == "✗ score.400     0.10s  ValueError: boom"
    assert lines[3].startswith("✗ score") and lines[3].endswith("s  1000 calls: 999 succeeded, 1 failed")


def test_few_of_many_running_steps_are_shown(on_terminal: OnTerminal) -> None:
    shown = on_terminal(
        """
        progress.run_started(run=run_info(steps=18))
        for number in range(18):
            progress.step_started(step=step(f"plot_{number}"))
        redrawn()
        os.write(1, b"<now>")
        finish()
        """
    )
    live = shown.lines_at("<now>")[3:]
    assert [line.split()[1] for line in live[:6]] == [f"plot_{number}" for number in range(6)]
    assert live[6] == "  and 12 more"
    assert len(live) == 8


def test_nothing_wraps_on_a_small_terminal(on_terminal: OnTerminal) -> None:
    shown = on_terminal(
        """
        progress.run_started(run=run_info("0198c1d2-7e2f-7c61-9d5b-0f4d7c1f2a3b", steps=9))
        for number in range(9):
            name = f"describe_every_column_of_table_{number}"
            progress.step_started(step=step(name, run="0198c1d2-7e2f-7c61-9d5b-0f4d7c1f2a3b"))
        redrawn()
        os.write(1, b"<now>")
        """,
        columns=40,
        lines=6,
    )
    live = shown.lines_at("<now>")
    assert live[1:] == [
        "0198c1d2-7e2f-7c61-9d5b-0f4d7c1f2a3b",
        "",
        "● describ…table_0  0s",
        "● describ…table_1  0s",
        "  and 7 more",
        "0/9 · 0s · flights · 0198c1d2-7e2f-7c6…",
    ]


def test_a_run_whose_end_is_never_told_leaves_no_live_lines(on_terminal: OnTerminal) -> None:
    shown = on_terminal(
        """
        progress.run_started(run=run_info())
        progress.step_started(step=step("train"))
        redrawn()
        print("last words")
        """
    )
    assert shown.code == 0
    assert shown.lines() == ["flights on stack default: 3 steps", "r-0001", "last words"]


def test_a_cancelled_run_gives_the_terminal_back(on_terminal: OnTerminal) -> None:
    shown = on_terminal(
        """
        import signal
        progress.run_started(run=run_info())
        progress.step_started(step=step("train"))
        redrawn()
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            progress.run_finished(run=run_info(), outcome=outcome("cancelled"))
        assert "write" not in vars(sys.stderr)
        assert [thread.name for thread in threading.enumerate()] == ["MainThread"]
        """
    )
    assert shown.code == 0, shown.output
    assert shown.lines()[-1] == "✗ flights cancelled in 1.50s: 1 unfinished"


def test_runs_of_several_threads_share_the_display(on_terminal: OnTerminal) -> None:
    shown = on_terminal(
        """
        together = threading.Barrier(2)

        def go(run):
            progress.run_started(run=run_info(run))
            together.wait()
            for name in ("load", "train"):
                progress.step_started(step=step(name, run=run))
                redrawn()
                if name == "train" and run == "r-0001":
                    os.write(1, b"<now>")
                together.wait()
                progress.step_succeeded(step=step(name, run=run), outputs={}, seconds=0.42)
            together.wait()
            progress.run_finished(run=run_info(run), outcome=outcome())

        threads = [threading.Thread(target=go, args=(run,)) for run in ("r-0001", "r-0002")]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        """
    )
    assert shown.code == 0, shown.output
    live = shown.lines_at("<now>")[-4:]
    assert {line[-12:] for line in live[:2]} == {"flights 0001", "flights 0002"}
    assert {line[-6:] for line in live[2:]} == {"r-0001", "r-0002"}
    lines = shown.lines()
    assert sum("✓ load          0.42s  flights 000" in line for line in lines) == 2
    assert sum(line == "✓ flights succeeded in 1.50s: 2 succeeded" for line in lines) == 2


def test_a_second_observer_on_the_terminal_writes_plain_lines_above(on_terminal: OnTerminal) -> None:
    shown = on_terminal(
        """
        second = Progress()
        progress.run_started(run=run_info())
        second.run_started(run=run_info("r-0002"))
        second.step_started(step=step("load", run="r-0002"))
        redrawn()
        os.write(1, b"<now>")
        second.run_finished(run=run_info("r-0002"), outcome=outcome())
        finish()
        """
    )
    assert shown.lines_at("<now>")[2:] == [
        "run r-0002 flights on stack default: 3 steps",
        "step load started",
        "",
        "──────────────────── 0/3 · 0s · flights · r-0001",
    ]


def test_a_forked_process_can_print(on_terminal: OnTerminal) -> None:
    shown = on_terminal(
        """
        progress.run_started(run=run_info())
        progress._runs._display._lock.acquire()
        child = os.fork()
        if child == 0:
            threading.Thread(target=print, args=("from the child",)).start()
        else:
            progress._runs._display._lock.release()
            assert os.waitpid(child, 0)[1] == 0
            progress.run_finished(run=run_info(), outcome=outcome())
        """
    )
    assert shown.code == 0, shown.output
    assert "from the child" in shown.lines()


def test_no_color_is_respected(on_terminal: OnTerminal) -> None:
    body = "progress.run_started(run=run_info())\nprogress.step_failed(step=step('a'), error=error(), seconds=0.1)\nfinish()"
    assert "\x1b[1;31m" in on_terminal(body).output
    assert "31m" not in on_terminal(body, NO_COLOR="1").output


def test_ascii_stands_for_glyphs_the_stream_cannot_encode(on_terminal: OnTerminal) -> None:
    shown = on_terminal(
        "progress.run_started(run=run_info())\n"
        "progress.step_succeeded(step=step('load'), outputs={}, seconds=0.42)\nfinish()",
        PYTHONIOENCODING="ascii",
    )
    assert "+ load          0.42s" in shown.lines()


def test_a_dumb_terminal_and_the_plain_setting_get_plain_lines(on_terminal: OnTerminal) -> None:
    body = """
    progress = Progress(plain=bool(os.environ.get("PLAIN")))
    progress.run_started(run=run_info())
    progress.step_started(step=step("load"))
    redrawn()
    progress.run_finished(run=run_info(), outcome=outcome())
    assert "rich" not in sys.modules
    """
    for shown in (on_terminal(body, TERM="dumb"), on_terminal(body, PLAIN="1")):
        assert shown.code == 0, shown.output
        assert "\x1b" not in shown.output
        assert shown.lines()[1] == "step load started"


def test_a_terminal_that_is_gone_disturbs_nothing(begun: Begun) -> None:
    ours, theirs = pty.openpty()
    body = """
    progress.run_started(run=run_info())
    sys.stdin.read()
    progress.step_started(step=step("load"))
    redrawn()
    progress.step_succeeded(step=step("load"), outputs={}, seconds=0.42)
    progress.run_finished(run=run_info(), outcome=outcome())
    print("all is well")
    """
    with begun(body, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        os.read(ours, 1)
        os.close(ours)
        output, _ = process.communicate(timeout=stretched(20))
    assert process.returncode == 0
    assert output == b"all is well\n"


def test_stdout_in_a_file_gets_only_what_is_printed(begun: Begun) -> None:
    ours, theirs = pty.openpty()
    body = """
    progress.run_started(run=run_info())
    print("data")
    redrawn()
    progress.run_finished(run=run_info(), outcome=outcome())
    """
    with begun(body, stdout=subprocess.PIPE, stderr=theirs) as process:
        output, _ = process.communicate(timeout=stretched(20))
    shown = os.read(ours, 65536)
    os.close(theirs)
    os.close(ours)
    assert output == b"data\n"
    assert b"flights" in shown
    assert b"data" not in shown
