"""The shim sees every call that changes a file system: the system's own list of them says so."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from faultlab.control import CHANGES, Control, Kind, library
from faultlab.lab import Lab
from faultlab.tally import Tally

CALLS = {
    "open": "open openat creat",
    "write": "write pwrite64 writev pwritev pwritev2",
    "fsync": "fsync fdatasync",
    "truncate": "truncate ftruncate",
    "allocate": "fallocate",
    "utime": "utimensat utime utimes futimesat",
    "chmod": "chmod fchmod fchmodat",
    "chown": "chown fchown lchown fchownat",
    "link": "link linkat",
    "symlink": "symlink symlinkat",
    "mkdir": "mkdir mkdirat",
    "mknod": "mknod mknodat",
    "rename": "rename renameat renameat2",
    "unlink": "unlink unlinkat",
    "rmdir": "rmdir",
    "sendfile": "sendfile",
    "copy_file_range": "copy_file_range",
    "splice": "splice",
    "bind": "bind",
    "mmap": "mmap",
}
"""By what the shim calls it: the system calls."""
EVERYTHING = """\
import mmap, os, shutil, socket, sqlite3, sys, tempfile
from pathlib import Path
os.chdir(sys.argv[1])
below = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
Path("by-open").write_bytes(b"x" * 10)
with open("buffered", "w") as file:
    file.write("x"); file.flush(); file.truncate(5)
with open("unbuffered", "wb", buffering=0) as file:
    file.write(b"x" * 100_000)
file = os.open("relative", os.O_RDWR | os.O_CREAT, 0o600, dir_fd=below)
os.write(file, b"1"); os.pwrite(file, b"2", 5); os.writev(file, [b"3", b"4"]); os.pwritev(file, [b"5"], 0)
os.fsync(file); os.fdatasync(file); os.ftruncate(file, 4096); os.posix_fallocate(file, 0, 4096); os.fchmod(file, 0o644)
mapped = mmap.mmap(file, 4096); mapped[0] = 1; mapped.flush(); mapped.close()
unnamed = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o600, dir_fd=below)
os.write(unnamed, b"unnamed")
os.link(f"/proc/self/fd/{unnamed}", "named", dst_dir_fd=below, follow_symlinks=True)
os.link("named", "again"); os.link("named", "third", src_dir_fd=below, dst_dir_fd=below)
os.symlink("named", "symlink"); os.symlink("named", "symlink-2", dir_fd=below)
os.copy_file_range(unnamed, file, 3, 0); os.sendfile(file, unnamed, 0, 3)
shutil.copyfile("named", "copied"); shutil.copy2("named", "copied-2"); shutil.move("copied-2", "moved")
os.mkdir("one"); os.mkdir("two", dir_fd=below); os.makedirs("three/four"); os.mkfifo("fifo")
os.rename("again", "renamed"); os.rename("renamed", "one/renamed", src_dir_fd=below, dst_dir_fd=below)
os.replace("one/renamed", "two/renamed")
os.utime("named"); os.utime("named", dir_fd=below, follow_symlinks=False); os.utime(file)
os.chmod("named", 0o600); os.chown("named", -1, -1); os.truncate("named", 1)
os.unlink("third"); os.unlink("symlink", dir_fd=below); os.rmdir("one"); shutil.rmtree("two"); os.removedirs("three/four")
with tempfile.TemporaryDirectory(dir=".") as made, tempfile.NamedTemporaryFile(dir=made) as other:
    other.write(b"x")
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind("socket")
with sqlite3.connect("index.sqlite") as index:
    index.execute("create table t (x)"); index.execute("insert into t values (1)")
index.close()
"""
_TO_WRITE = r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_TMPFILE"
_LINE = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)")


def witness(words: list[str], lab: Lab, control: Control) -> str:
    """Run Python under the shim, and have the system tell what it and its children did."""
    told = lab.directory / "told"
    calls = ",".join(call for calls in CALLS.values() for call in calls.split())
    command = ["strace", "-f", "-y", "-qq", "-s", "0", "-e", f"trace=?{calls.replace(',', ',?')}", "-o", str(told)]
    env = {**lab.environment(), "TMPDIR": str(lab.directory / "tmp"), "FAULTS_CONTROL": str(control.path)}
    preload = ["-E", f"LD_PRELOAD={library()}"]
    done = subprocess.run(
        [*command, *preload, sys.executable, *words],
        cwd=lab.project,
        env=env,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return told.read_text(errors="replace")


def joined(told: str) -> list[str]:
    """The lines of strace, those of calls that were interrupted by another thread's put together."""
    begun: dict[str, str] = {}
    lines = []
    for line in told.splitlines():
        thread = line.split(" ", 1)[0]
        if line.endswith("<unfinished ...>"):
            begun[thread] = line.removesuffix("<unfinished ...>")
        elif found := re.match(r"\d+ +<\.\.\. \w+ resumed>(.*)", line):
            lines.append(begun.pop(thread) + found[1])
        else:
            lines.append(line)
    return lines


def changes(told: str, below: tuple[Path, ...], cwd: Path) -> Counter[str]:
    """How many calls of each kind changed something below the directories."""
    kinds = {call: kind for kind, calls in CALLS.items() for call in calls.split()}
    found: Counter[str] = Counter()
    for line in joined(told):
        matched = _LINE.match(line)
        if matched is None:
            continue
        call, arguments = matched[1], matched[2]
        if kinds[call] == "open" and call != "creat" and not re.search(_TO_WRITE, arguments):
            continue
        if call == "mmap" and not ("PROT_WRITE" in arguments and "MAP_SHARED" in arguments):
            continue
        path = changed(kinds[call], arguments, cwd)
        if any(path.is_relative_to(directory) for directory in below):
            found[kinds[call]] += 1
    return found


def changed(kind: str, arguments: str, cwd: Path) -> Path:
    """What a call changed: the file of a descriptor, or a path below that of a directory's descriptor."""
    described = re.findall(r"\d<([^>]+)>|AT_FDCWD<([^>]+)>", arguments)
    places = [Path(one or other) for one, other in described if (one or other).startswith("/")]
    names = (
        re.findall(r'"([^"]*)"', arguments) if kind not in ("write", "sendfile", "splice", "copy_file_range") else []
    )
    if kind == "copy_file_range":
        return places[-1]
    if not names:
        return places[0] if places else Path("/")
    return (places[-1] if places else cwd) / names[-1]


@pytest.fixture
def watched(in_memory: Path) -> Lab:
    """A lab for which there is a witness; its path is short enough for the socket of a fork server."""
    lab = Lab(in_memory / "lab")
    if shutil.which("strace") is None:
        from servers.debian import need

        need("strace")
    (lab.directory / "tmp").mkdir()
    return lab


WORDS = {
    "inline": ["-m", "plugbay", "run", "whole.py", "--stack", "inline", "-p", "lines=66"],
    "pool": ["-m", "plugbay", "run", "whole.py", "--stack", "pool"],
    "every-way": ["-c", EVERYTHING],
}


@pytest.mark.parametrize("name", WORDS)
def test_the_shim_sees_what_the_system_sees(name: str, watched: Lab, tally: Tally) -> None:
    """Injects: nothing. Proves: the shim counts as many calls of each kind as the system itself: in runs, inline and on the
    process pool, of which it is to take every one, and in a program that writes in each way that Python has."""
    place = watched.directory / "place"
    place.mkdir()
    below = (place,) if name == "every-way" else (watched.home, watched.directory / "tmp")
    trace = watched.directory / "trace"
    control = Control(watched.directory / "control", below, trace=trace, classes=CHANGES, kind=Kind.COUNT)
    told = witness([*WORDS[name], *([str(place)] if name == "every-way" else [])], watched, control)
    lines = [line.split(" ", 3) for line in trace.read_text().splitlines()]
    seen = Counter(call for _, _, call, path in lines if any(path.startswith(str(directory)) for directory in below))
    system = changes(told, below, place if name == "every-way" else watched.project)
    assert sum(system.values()) > 50
    assert seen == system
