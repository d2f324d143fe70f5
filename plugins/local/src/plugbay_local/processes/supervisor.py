"""``supervisor.py DIRECTORY LOCK``: run the job that ``job.json`` in a directory describes, and leave its end there.

The supervisor is the only one that writes ``end.json``. It makes the job's virtual environment first, if there is one to
be made. SIGTERM asks it to end the job.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CANCELLED, OVERDUE = "cancelled", "overdue"


class Supervisor:
    """Runs commands one after the other, each in a session of its own, until one fails or the job is to end."""

    def __init__(self, grace: float, timeout: float | None) -> None:
        """Give each process ``grace`` seconds to end by itself."""
        self.grace = grace
        self.deadline = None if timeout is None else time.monotonic() + timeout
        self.ending: str | None = None
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGTERM, self._cancel)

    def _cancel(self, number: int, frame: object) -> None:
        self.ending = self.ending or CANCELLED

    def run(self, command: list[str], started: Callable[[int], None] | None = None, **options: Any) -> int:
        """Run a command to its end, with all processes it starts; return its exit code."""
        process = subprocess.Popen(command, start_new_session=True, **options)  # noqa: S603  the command is the job's
        if started is not None:
            started(process.pid)
        kill_at: float | None = None
        while process.poll() is None:
            now = time.monotonic()
            if self.ending is None and self.deadline is not None and now >= self.deadline:
                self.ending = OVERDUE
            if self.ending is not None and kill_at is None:
                kill_at = now + self.grace
                _signal_group(process.pid, signal.SIGTERM)
            elif kill_at is not None and now >= kill_at:
                _signal_group(process.pid, signal.SIGKILL)
                kill_at = now + 1.0
            moments = [moment for moment in (kill_at, None if self.ending else self.deadline) if moment is not None]
            self._sleep(min(moments) - now if moments else None)
        _signal_group(process.pid, signal.SIGKILL)  # what it started and did not wait for
        return process.returncode

    def _sleep(self, seconds: float | None) -> None:
        select.select([self._reader], [], [], None if seconds is None else max(0.0, seconds))
        try:
            while os.read(self._reader, 512):
                pass
        except BlockingIOError:
            pass


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS refuses to signal a group of processes that have ended
        pass


def main() -> None:
    """Run the job of the directory on the command line."""
    directory = Path(sys.argv[1])
    os.set_inheritable(int(sys.argv[2]), False)
    job = json.loads((directory / "job.json").read_bytes())
    supervisor = Supervisor(job["grace"], job["timeout"])
    if (directory / "cancel").exists():  # asked for before it listened to signals
        supervisor.ending = CANCELLED
    try:
        end = _outcome(supervisor, directory, job)
    except Exception as error:  # noqa: BLE001  whoever asks for the job's status is told
        end = {"state": "failed", "exit_code": None, "reason": f"{type(error).__name__}: {error}"}
    write(directory / "end.json", end)


def _outcome(supervisor: Supervisor, directory: Path, job: dict[str, Any]) -> dict[str, Any]:
    command = list(job["command"])
    if job["requirements"]:
        python = _prepared(supervisor, Path(job["venv"]), job)
        if python is None:
            return _end(supervisor, job, None, "its virtual environment could not be made; the log tells why")
        if command[0] == job["python"]:
            command[0] = str(python)
    if supervisor.ending is not None:
        return _end(supervisor, job, None, "")

    def limit() -> None:
        if job["memory"] is not None:
            resource.setrlimit(resource.RLIMIT_AS, (job["memory"], job["memory"]))

    def started(pid: int) -> None:
        write(directory / "started.json", {"pid": pid, "at": time.time(), "start": start_of(pid)})

    code = supervisor.run(command, started, env=job["environment"], cwd=job["directory"], preexec_fn=limit)
    reason = ""
    if code < 0:
        reason = f"killed by {_signal_name(-code)}"
        if -code == signal.SIGKILL:
            reason += "; the system does that when memory runs out"
    elif code:
        reason = f"exit code {code}"
    return _end(supervisor, job, code, reason)


def _end(supervisor: Supervisor, job: dict[str, Any], code: int | None, reason: str) -> dict[str, Any]:
    if supervisor.ending == CANCELLED:
        return {"state": "cancelled", "exit_code": None, "reason": ""}
    if supervisor.ending == OVERDUE:
        return {"state": "failed", "exit_code": None, "reason": f"it took longer than {job['timeout']:g} s"}
    return {"state": "succeeded" if code == 0 else "failed", "exit_code": code, "reason": reason}


def _prepared(supervisor: Supervisor, venv: Path, job: dict[str, Any]) -> Path | None:
    """The interpreter of the virtual environment, which is made unless an earlier job has; ``None`` when it cannot be."""
    python, complete = venv / "bin" / "python", venv / "complete"
    venv.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(f"{venv}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not complete.exists():
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:  # another job makes it
                if supervisor.ending is not None:
                    return None
                time.sleep(0.2)
        if not complete.exists():
            if venv.exists():
                shutil.rmtree(venv)  # begun by a job that was ended
            install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            for command in ([job["python"], "-m", "venv", str(venv)], [*install, *job["requirements"]]):
                if supervisor.run(command, env=job["machine"]) or supervisor.ending is not None:
                    return None
            complete.touch()
        return python
    finally:
        os.close(lock)


def write(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file that is never seen half written."""
    draft = path.with_suffix(".new")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def start_of(pid: int) -> str | None:
    """When a process began, in whatever form the system tells; ``None`` when it is gone or the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        ticks = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None
    return f"{boot} {ticks}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


if __name__ == "__main__":
    main()
