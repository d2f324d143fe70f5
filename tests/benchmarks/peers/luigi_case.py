"""The cases on Luigi: tasks that write text files, run by the scheduler inside the process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import luigi
import measuring

FOLDER = Path.home() / "luigi"


class Increment(luigi.Task):
    seed = luigi.IntParameter()
    position = luigi.IntParameter()

    def requires(self) -> Iterable[luigi.Task]:
        return [Increment(seed=self.seed, position=self.position - 1)] if self.position > 1 else []

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(str(FOLDER / str(self.seed) / f"{self.position}.txt"))

    def run(self) -> None:
        number = self.seed
        for target in self.input():
            with target.open() as file:
                number = int(file.read())
        with self.output().open("w") as file:
            file.write(str(measuring.incremented(number)))


class Pause(luigi.Task):
    seed = luigi.IntParameter()
    position = luigi.IntParameter()

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(str(FOLDER / f"fan-{self.seed}" / f"{self.position}.txt"))

    def run(self) -> None:
        with self.output().open("w") as file:
            file.write(str(measuring.paused(self.position)))


def build(tasks: list[luigi.Task], workers: int = 1) -> None:
    if not luigi.build(tasks, local_scheduler=True, workers=workers):
        msg = "a task failed"
        raise RuntimeError(msg)


def written(task: luigi.Task) -> int:
    with task.output().open() as file:
        return int(file.read())


def one(seed: int) -> Callable[[], int]:
    task = Increment(seed=seed, position=1)
    build([task])
    return lambda: written(task)


def chain(seed: int) -> Callable[[], int]:
    task = Increment(seed=seed, position=measuring.CHAIN_LENGTH)
    build([task])
    return lambda: written(task)


def fan(seed: int) -> Callable[[], int]:
    tasks = [Pause(seed=seed, position=position) for position in range(measuring.FAN_WIDTH)]
    build(tasks, workers=measuring.FAN_WIDTH)
    return lambda: sum(map(written, tasks))


if __name__ == "__main__":
    measuring.answer(one=one, chain=chain, again=chain, fan=fan)
