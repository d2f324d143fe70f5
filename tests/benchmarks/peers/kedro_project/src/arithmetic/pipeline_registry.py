"""The project's pipelines, by name."""

from __future__ import annotations

from functools import partial

import measuring
from kedro.pipeline import Pipeline, node


def pause(position: int, seed: int) -> int:
    return measuring.paused(position)


def lone() -> Pipeline:
    return Pipeline([node(measuring.incremented, "params:seed", "lone_1", name="lone_1")])


def chain() -> Pipeline:
    names = ["params:seed", *(f"number_{position}" for position in range(1, measuring.CHAIN_LENGTH + 1))]
    return Pipeline(
        [
            node(measuring.incremented, source, target, name=target)
            for source, target in zip(names, names[1:], strict=False)
        ]
    )


def fan() -> Pipeline:
    return Pipeline(
        [
            node(partial(pause, position), "params:seed", f"position_{position}", name=f"position_{position}")
            for position in range(measuring.FAN_WIDTH)
        ]
    )


def register_pipelines() -> dict[str, Pipeline]:
    return {"lone": lone(), "chain": chain(), "fan": fan(), "__default__": lone()}
