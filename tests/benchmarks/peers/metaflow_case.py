"""The cases on Metaflow: flows run by ``Runner``, where each step is a process, as in ``python flow.py run``.

Metaflow starts this file again for each step, and then ``PEERS_FLOW`` names the flow. A flow has a start and an end, so the
smallest has two steps.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import measuring
from metaflow import FlowSpec, Parameter, Runner, step


class LoneFlow(FlowSpec):
    seed = Parameter("seed", type=int)

    @step
    def start(self):
        self.number = measuring.incremented(self.seed)
        self.next(self.end)

    @step
    def end(self):
        pass


class ChainFlow(FlowSpec):
    seed = Parameter("seed", type=int)

    @step
    def start(self):
        self.number = measuring.incremented(self.seed)
        self.next(self.increment)

    @step
    def increment(self):
        self.number = measuring.incremented(self.number)
        self.left = str(self.number < self.seed + measuring.CHAIN_LENGTH - 1)
        self.next({"True": self.increment, "False": self.end}, condition="left")

    @step
    def end(self):
        self.number = measuring.incremented(self.number)


class FanFlow(FlowSpec):
    seed = Parameter("seed", type=int)

    @step
    def start(self):
        self.positions = list(range(measuring.FAN_WIDTH))
        self.next(self.pause, foreach="positions")

    @step
    def pause(self):
        self.position = measuring.paused(self.input)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.number = sum(input.position for input in inputs)
        self.next(self.end)

    @step
    def end(self):
        pass


def runner(flow: type[FlowSpec]) -> Runner:
    return Runner(__file__, show_output=False, env={**os.environ, "PEERS_FLOW": flow.__name__})


def one(seed: int) -> Callable[[], int]:
    run = runner(LoneFlow).run(seed=seed).run
    return lambda: run.data.number


def chain(seed: int) -> Callable[[], int]:
    run = runner(ChainFlow).run(seed=seed).run
    Path("metaflow-chain").write_text(run.id)
    return lambda: run.data.number


def again(seed: int) -> Callable[[], int]:
    run = runner(ChainFlow).resume(origin_run_id=Path("metaflow-chain").read_text()).run
    return lambda: run.data.number


def fan(seed: int) -> Callable[[], int]:
    run = runner(FanFlow).run(seed=seed, max_workers=measuring.FAN_WIDTH).run
    return lambda: run.data.number


if __name__ == "__main__":
    if "PEERS_FLOW" in os.environ:
        {flow.__name__: flow for flow in (LoneFlow, ChainFlow, FanFlow)}[os.environ["PEERS_FLOW"]]()
    else:
        measuring.answer(one=one, chain=chain, again=again, fan=fan, warm=False)
