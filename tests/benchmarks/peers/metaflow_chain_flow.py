"""A chain as a step that goes back to itself; with the start and the end as many tasks as the chain is long."""

import measuring
from metaflow import FlowSpec, Parameter, step


class ChainFlow(FlowSpec):
    seed = Parameter("seed", type=int)

    @step
    def start(self) -> None:
        self.number = measuring.incremented(self.seed)
        self.next(self.increment)

    @step
    def increment(self) -> None:
        self.number = measuring.incremented(self.number)
        self.goes_on = "yes" if self.number < self.seed + measuring.CHAIN_LENGTH - 1 else "no"
        self.next({"yes": self.increment, "no": self.end}, condition="goes_on")

    @step
    def end(self) -> None:
        self.number = measuring.incremented(self.number)


if __name__ == "__main__":
    ChainFlow()
