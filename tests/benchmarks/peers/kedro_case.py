"""The cases on Kedro: sessions of the project in ``kedro_project``, whose catalog keeps every output as a pickle."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import measuring
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.runner import ParallelRunner

PROJECT = Path("kedro_project").absolute()


def run(pipeline: str, seed: int, *, width: int = 1, only_missing: bool = False) -> None:
    with KedroSession.create(project_path=PROJECT, runtime_params={"seed": seed}) as session:
        session.run(
            pipeline_names=[pipeline],
            runner=ParallelRunner(max_workers=width) if width > 1 else None,
            only_missing_outputs=only_missing,
        )


def kept(seed: int, dataset: str) -> int:
    return int(pickle.loads((PROJECT / "data" / str(seed) / f"{dataset}.pickle").read_bytes()))


def one(seed: int) -> Callable[[], int]:
    run("lone", seed)
    return lambda: kept(seed, "lone_1")


def chain(seed: int) -> Callable[[], int]:
    run("chain", seed)
    return lambda: kept(seed, f"number_{measuring.CHAIN_LENGTH}")


def again(seed: int) -> Callable[[], int]:
    run("chain", seed, only_missing=True)
    return lambda: kept(seed, f"number_{measuring.CHAIN_LENGTH}")


def fan(seed: int) -> Callable[[], int]:
    run("fan", seed, width=measuring.FAN_WIDTH)
    return lambda: sum(kept(seed, f"position_{position}") for position in range(measuring.FAN_WIDTH))


if __name__ == "__main__":
    if not PROJECT.exists():
        shutil.copytree(Path(__file__).with_name("kedro_project"), PROJECT)
    bootstrap_project(PROJECT)
    measuring.answer(one=one, chain=chain, again=again, fan=fan)
