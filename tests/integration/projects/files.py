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


@step
def number() -> int:
    return 1


@step
def kind(given: object) -> str:
    return f"{type(given).__name__} of {' '.join(type(part).__name__ for part in given)}"


def kinds():
    one = number()
    kind((one, [one]))
    kind([one, (one,)])
