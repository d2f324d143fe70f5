"""Steps that together write everything that a step can write; no two of them ever run at the same time."""

from pathlib import Path

from traces import leave_trace

from plugbay import pipeline, step


@step
def seed(number: int) -> int:
    leave_trace()
    return number


@step
def text(number: int) -> str:
    """An output that is a blob, and a log."""
    leave_trace()
    print("a line of the log")
    return str(number) * 10_000


@step
def large(content: str, lines: int) -> bytes:
    """An output that goes through a scratch file, and a log; one of many lines is mapped into memory."""
    leave_trace()
    for number in range(lines):
        print(f"line {number}")
    return content.encode() * 10


@step
def folder(content: bytes) -> Path:
    """An output that is a directory."""
    leave_trace()
    made = Path("folder")
    (made / "below").mkdir(parents=True, exist_ok=True)
    (made / "one").write_bytes(content[:10])
    (made / "below" / "two").write_bytes(content[:9000])
    return made


@step
def sizes(made: Path) -> list[int]:
    leave_trace()
    return [sum(path.stat().st_size for path in made.rglob("*") if path.is_file())]


@step
def each(size: int) -> int:
    leave_trace()
    return 2 * size


@step
def total(parts: list[int]) -> int:
    leave_trace()
    return sum(parts)


@pipeline
def whole(number: int = 7, lines: int = 2) -> None:
    # mapped, over a list of one: a plan for the process pool, and yet a chain
    total(each.map(sizes(folder(large(text(seed(number)), lines)))))
