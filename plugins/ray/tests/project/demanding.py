"""A pipeline whose steps ask for what not every node has."""

import os

from plugbay import pipeline, step


@step(resources={"licence": 1, "cpu": 0.5})
def where(number: int) -> str:
    """Tell which node this is."""
    import ray

    assert ray.get_runtime_context().get_assigned_resources() == {"CPU": 0.5, "licence": 1.0}
    return f"{ray.util.get_node_ip_address()} {os.environ.get('COLOUR')}"


@step
def places(nodes: list[str]) -> list[str]:
    return nodes


@pipeline
def demanding():
    places([where(number) for number in range(3)])
