"""Steps that read files, in a module that a worker can import."""

from pathlib import Path

from plugbay import step


@step
def read(path: Path) -> str:
    text = path.read_text()
    if text == "edit":
        path.write_text("edited")
    return text


def reading(path: Path):
    read(path)
