"""The cases on Metaflow: the flows beside this file, whose steps are a process each.

One step is ``python metaflow_lone_flow.py run``; the others are started by ``Runner``, in one more process.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import measuring

FOLDER = Path(__file__).parent
CHAIN = Path("metaflow-chain")
"""The id of the chain's run, for the one that resumes it."""


def one(seed: int) -> Callable[[], int]:
    flow = str(FOLDER / "metaflow_lone_flow.py")
    sys.argv = [flow, "run", "--seed", str(seed)]
    try:
        runpy.run_path(flow, run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise

    def load() -> int:
        from metaflow import Flow

        return int(Flow("LoneFlow").latest_run.data.number)

    return load


def chain(seed: int) -> Callable[[], int]:
    from metaflow import Runner

    run = Runner(str(FOLDER / "metaflow_chain_flow.py"), show_output=False).run(seed=seed).run
    CHAIN.write_text(run.id)
    return lambda: int(run.data.number)


def again(seed: int) -> Callable[[], int]:
    from metaflow import Runner

    resumed = Runner(str(FOLDER / "metaflow_chain_flow.py"), show_output=False).resume(origin_run_id=CHAIN.read_text())
    return lambda: int(resumed.run.data.number)


def fan(seed: int) -> Callable[[], int]:
    from metaflow import Runner

    runner = Runner(str(FOLDER / "metaflow_fan_flow.py"), show_output=False)
    run = runner.run(seed=seed, max_workers=measuring.FAN_WIDTH).run
    return lambda: int(run.data.number)


if __name__ == "__main__":
    measuring.answer(one=one, chain=chain, again=again, fan=fan, warm=False)
