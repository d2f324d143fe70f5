"""The smallest flow that Metaflow has: a start and an end."""

import measuring
from metaflow import FlowSpec, Parameter, step


class LoneFlow(FlowSpec):
    seed = Parameter("seed", type=int)

    @step
    def start(self) -> None:
        self.number = measuring.incremented(self.seed)
        self.next(self.end)

    @step
    def end(self) -> None:
        pass


if __name__ == "__main__":
    LoneFlow()
