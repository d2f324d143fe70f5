"""Pipelines whose steps log with MLflow itself, with Plugbay, and with both."""

import os
import time
from pathlib import Path

from plugbay import current, pipeline, step


@step
def rows(count: int) -> list[list[float]]:
    return [[float(number), float(number % 7)] for number in range(count)]


@step
def train(depth: int, table: list[list[float]]) -> float:
    import mlflow
    import mlflow.sklearn
    from sklearn.tree import DecisionTreeRegressor

    mlflow.sklearn.autolog(log_models=False, log_datasets=False)
    model = DecisionTreeRegressor(max_depth=depth, random_state=0).fit(table, [sum(row) for row in table])
    mlflow.log_metric("by_mlflow", depth)
    current().log_metrics({"by_plugbay": float(depth)})
    with mlflow.start_run(nested=True, run_name="inner"):
        mlflow.log_param("inner", depth)
    return float(model.score(table, [sum(row) for row in table]))


@step
def total(scores: list[float]) -> float:
    return sum(scores)


@pipeline
def training(depths: list[int] = [2, 3]) -> None:  # noqa: B006  never changed
    total(train.map(depths_of(depths), table=rows(50)))


@step
def depths_of(depths: list[int]) -> list[int]:
    return depths


@pipeline
def one(depth: int = 2) -> None:
    train(depth, rows(50))


@step(retries=1, cache=False)
def flaky(marker: str) -> int:
    current().log_params({"marked": Path(marker).exists()})
    if not Path(marker).exists():
        Path(marker).touch()
        msg = "not yet"
        raise ValueError(msg)
    return 1


@pipeline
def retried(marker: str) -> None:
    flaky(marker)


@step(cache=False)
def needs(marker: str, before: int) -> int:
    if not Path(marker).exists():
        msg = "not there"
        raise FileNotFoundError(msg)
    return before


@step
def first() -> int:
    return 1


@pipeline
def resumed(marker: str) -> None:
    needs(marker, first())


@step(cache=False)
def waits(marker: str) -> float:
    """Log, tell that it has begun, wait until the marker is gone, and log again."""
    current().log_metrics({"before": 1.0})
    Path(marker).touch()
    while Path(marker).exists():
        time.sleep(0.05)
    started = time.monotonic()
    for number in range(20):
        current().log_metrics({"after": float(number)})
    return time.monotonic() - started


@step(cache=False)
def dies() -> int:
    os.kill(os.getpid(), 9)
    return 1


@pipeline
def waiting(marker: str) -> None:
    waits(marker)


@pipeline
def dying() -> None:
    first()
    dies()
