"""A fan as a ``foreach``, between the start, the join and the end that Metaflow wants."""

from typing import Any

import measuring
from metaflow import FlowSpec, Parameter, step


class FanFlow(FlowSpec):
    seed = Parameter("seed", type=int)

    @step
    def start(self) -> None:
        self.positions = list(range(measuring.FAN_WIDTH))
        self.next(self.pause, foreach="positions")

    @step
    def pause(self) -> None:
        self.position = measuring.paused(self.input)
        self.next(self.join)

    @step
    def join(self, inputs: Any) -> None:
        self.number = sum(branch.position for branch in inputs)
        self.next(self.end)

    @step
    def end(self) -> None:
        pass


if __name__ == "__main__":
    FanFlow()
