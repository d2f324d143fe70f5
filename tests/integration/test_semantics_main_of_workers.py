"""What a step can do in the driver it can do in a worker of a script: start processes, run pipelines, know itself."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.timeout(240)

SCRIPT = """
    import asyncio
    import enum
    import multiprocessing
    import pickle
    import sys
    import threading
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
    from dataclasses import dataclass

    from joblib import Parallel, delayed

    from plugbay import current, pipeline, step


    @dataclass
    class Row:
        n: int


    class Colour(enum.Enum):
        RED = 1


    class Mine(Exception):
        pass


    def square(number):
        return number * number


    def row(number):
        return Row(number * number)


    def values_of(rows):
        assert all(type(each) is Row for each in rows)
        return [each.n for each in rows]


    def pooled(method):
        with multiprocessing.get_context(method).Pool(1) as pool:
            return values_of(list(pool.map(row, range(3))))


    def executed(method):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
            return values_of(list(pool.map(row, range(3))))


    def logged(number):
        current().log_metrics({"number": number})
        return number * number


    def in_thread():
        found = []
        thread = threading.Thread(target=lambda: found.extend(map(logged, range(3))))
        thread.start()
        thread.join()
        return found


    def in_threads():
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(logged, range(3)))


    async def to_thread():
        return [await asyncio.to_thread(logged, number) for number in range(3)]


    @step(cache=False)
    def inner(number: int) -> int:
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(lambda: current().step).result().startswith("inner")
        return number * number


    @step(cache=False)
    def fails() -> int:
        raise Mine("inside")


    @pipeline
    def chain(number: int):
        inner(number)


    @pipeline
    def several():
        inner.map([0, 1, 2])


    @pipeline
    def failing():
        fails()


    def failed():
        try:
            failing.run()
        except Exception as error:
            assert type(error.__cause__) is Mine, error.__cause__
            return [0, 1, 4]


    KINDS = {
        "joblib": lambda: values_of(Parallel(n_jobs=2)(delayed(row)(n) for n in range(3))),
        "joblib of a plain function": lambda: Parallel(n_jobs=2)(delayed(square)(n) for n in range(3)),
        "joblib in threads": lambda: Parallel(n_jobs=2, backend="threading")(delayed(logged)(n) for n in range(3)),
        "joblib by multiprocessing": lambda: Parallel(n_jobs=2, backend="multiprocessing")(
            delayed(square)(n) for n in range(3)
        ),
        "fork": lambda: pooled("fork"),
        "spawn": lambda: pooled("spawn"),
        "forkserver": lambda: pooled("forkserver"),
        "executor by fork": lambda: executed("fork"),
        "executor by spawn": lambda: executed("spawn"),
        "a thread": in_thread,
        "threads": in_threads,
        "to_thread": lambda: asyncio.run(to_thread()),
        "a chain": lambda: [chain.run(number=n)["inner"].output.load() for n in range(3)],
        "a map": lambda: [call.output.load() for call in several.run()["inner"].calls],
        "a failed run": failed,
        "pickle": lambda: [n for n in (0, 1, 4) if pickle.loads(pickle.dumps(Colour.RED)) is Colour.RED],
    }


    @step(cache=False)
    def work(kind: str) -> list[int]:
        return KINDS[kind]()


    @step(cache=False)
    def raises(kind: str) -> int:
        raise Mine(kind)


    @pipeline(failure="continue")
    def p(kinds: list[str]):
        work.map(kinds)


    @pipeline
    def q():
        raises.map(["a"])


    if __name__ == "__main__":
        run = p.run(kinds=sys.argv[2:] or list(KINDS), stack=sys.argv[1])
        print("wrong", [kind for kind, call in zip(KINDS, run["work"].calls) if call.output.load() != [0, 1, 4]])
        try:
            q.run(stack=sys.argv[1])
        except Exception as error:
            print("cause", type(error.__cause__) is Mine, error.run.error.type)
"""

CONFIGURATION = """
    [stacks.driver]
    artifact_store = "local"

    [stacks.driver.orchestrator]
    flavor = "local"
    workers = 1

    [stacks.forkserver]
    artifact_store = "local"

    [stacks.forkserver.orchestrator]
    flavor = "local"
    workers = 2
    start_method = "forkserver"

    [stacks.spawn]
    artifact_store = "local"

    [stacks.spawn.orchestrator]
    flavor = "local"
    workers = 2
    start_method = "spawn"
"""


@pytest.mark.parametrize("stack", ["driver", "forkserver", "spawn"])
def test_a_step_of_a_script_can_do_what_a_program_can(scripts: Any, stack: str) -> None:
    pytest.importorskip("joblib")
    scripts.write(SCRIPT, "flow.py")
    scripts.write(CONFIGURATION, "plugbay.toml")
    code, out, err = scripts.run("flow.py", stack)
    assert code == 0, out + err
    assert out.splitlines()[-2:] == ["wrong []", "cause True Mine"], out + err


UNGUARDED = """
    import other
    from plugbay import pipeline, step

    @step
    def f(number: int) -> int:
        return number

    @pipeline
    def p():
        f.map([1, 2])

    def main():
        print(p.run(stack={stack!r}).status)

    {call}
"""


@pytest.mark.parametrize("stack", ["forkserver", "spawn"])
@pytest.mark.parametrize("call", ["p.run(stack={stack!r})", "main()", "other.start(p, {stack!r})"])
def test_a_script_that_runs_its_pipeline_when_it_is_imported_is_told_how_not_to(
    scripts: Any, stack: str, call: str
) -> None:
    scripts.write("def start(pipeline, stack):\n    pipeline.run(stack=stack)\n", "other.py")
    scripts.write(UNGUARDED.format(stack=stack, call=call.format(stack=stack)), "flow.py")
    scripts.write(CONFIGURATION, "plugbay.toml")
    code, _, err = scripts.run("flow.py")
    assert code == 1
    assert "is run while a worker process imports" in err
    assert "flow.py; put the call under: if __name__ == '__main__':" in err
