"""A pipeline with a step that starts a process which nobody ends."""

import subprocess
import time
from pathlib import Path

from plugbay import pipeline, step


@step
def parent(directory: str) -> None:
    shell = subprocess.Popen(
        ["sh", "-c", f"sleep 600 & echo $! > {directory}/.child; mv {directory}/.child {directory}/child; wait"]
    )
    assert Path(directory).is_dir()
    shell.wait()
    time.sleep(600)


@pipeline
def parental(directory: str):
    parent(directory)
