"""Predict, an hour before a flight leaves New York, how late it will arrive.

    plugbay run pipeline.py:flights
    plugbay run pipeline.py:flights -p rows=20000

The data is every flight that left the three airports of New York City in 2013. A flight is described by what is known
one hour before the hour it is scheduled in; how late it left is not among it.
"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated, Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from airport import HOUR, PUNCTUALITY, WEATHER, hourly_state, raw_file
from page import draw, fact, page, table_rows
from plugbay import current, pipeline, step

# The last hour that is over when the prediction is made, an hour ahead, began two hours before the flight's own.
LEAD = 2 * HOUR

CATEGORIES = ["carrier", "origin", "dest"]
NUMBERS = ["distance", "minute_of_day", "weekday", *WEATHER, *PUNCTUALITY]
FEATURES = CATEGORIES + NUMBERS
TARGET = "arr_delay"


@runtime_checkable
class Model(Protocol):
    """A scikit-learn regressor."""

    def fit(self, X: Any, y: Any) -> Any:
        """Learn from one row of ``X`` and one arrival delay in ``y`` per flight."""

    def predict(self, X: Any) -> Any:
        """Return the arrival delay in minutes, one number per row."""


@dataclass(frozen=True)
class Candidate:
    """A model that could be fitted."""

    name: str
    leaves: int | None = None
    """Leaves of each boosted tree; ``None`` is a linear model."""


@dataclass(frozen=True)
class Trial:
    """How a candidate did on the validation months."""

    name: str
    mae: float
    chosen: bool


@dataclass(frozen=True)
class Scores:
    """The chosen model on the test months, beside a baseline that predicts one number for every flight. In minutes."""

    flights: int
    mae: float
    baseline_mae: float
    r2: float
    baseline_r2: float
    baseline: float
    """What the baseline predicts: the median of the training months."""


@step
def load_flights(file: Path) -> pd.DataFrame:
    """Read the flights, with the time each was scheduled to leave (UTC)."""
    columns = ["month", "day", "hour", "minute", "time_hour", "carrier", "flight", "origin", "dest", "distance"]
    flights = pd.read_csv(file, usecols=[*columns, "dep_delay", TARGET], parse_dates=["time_hour"])
    flights["scheduled"] = flights.pop("time_hour") + pd.to_timedelta(flights["minute"], unit="min")
    return flights


@step
def load_weather(file: Path) -> pd.DataFrame:
    """Read the weather at each airport, hour by hour (UTC)."""
    weather = pd.read_csv(file, usecols=["origin", "time_hour", *WEATHER], parse_dates=["time_hour"])
    return weather.rename(columns={"time_hour": "hour"})


@step
def prepare(flights: pd.DataFrame, weather: pd.DataFrame, rows: int | None = None) -> pd.DataFrame:
    """Return one row per flight that arrived: what was known of it an hour ahead, and how late it was.

    Flights that were cancelled or diverted have no arrival delay and are left out. With ``rows``, that many are kept,
    spread evenly over the year; the state of the airports always comes from all flights.
    """
    known = hourly_state(flights, weather)
    known["hour"] += LEAD
    arrived = flights.dropna(subset=[TARGET]).sort_values(["scheduled", "origin", "carrier", "flight"], kind="stable")
    if rows is not None and rows < len(arrived):
        arrived = arrived.iloc[np.linspace(0, len(arrived) - 1, rows).astype(int)]
    described = arrived.assign(
        minute_of_day=60 * arrived["hour"] + arrived["minute"],
        weekday=pd.to_datetime(arrived[["month", "day"]].assign(year=2013)).dt.day_of_week,
        hour=arrived["scheduled"].dt.floor("h"),
    ).merge(known, on=["origin", "hour"], how="left")
    print(f"{len(described):,} flights; of {flights[TARGET].isna().sum():,} the arrival is not known")
    return described[["month", *FEATURES, TARGET]].astype(dict.fromkeys(CATEGORIES, "category"))


@step
def split(
    flights: pd.DataFrame, validate_from: int = 9, test_from: int = 11
) -> tuple[Annotated[pd.DataFrame, "train"], Annotated[pd.DataFrame, "validation"], Annotated[pd.DataFrame, "test"]]:
    """Split by month: fit on the past, choose on what follows, test on what follows that.

    Flights of one hour share their weather and their queue. A random split would put them on both sides, and a model
    that remembers the hour would look as if it could foresee it.
    """
    month = flights["month"]
    return (
        flights[month < validate_from].reset_index(drop=True),
        flights[(month >= validate_from) & (month < test_from)].reset_index(drop=True),
        flights[month >= test_from].reset_index(drop=True),
    )


@step
def propose(train: pd.DataFrame) -> list[Candidate]:
    """List the models worth a try: larger trees only where there are flights enough to fill them."""
    trees = [Candidate(f"{leaves} leaves", leaves) for leaves in (15, 31, 63) if len(train) >= 400 * leaves]
    return [Candidate("linear"), *trees]


@step(timeout=600)
def fit(candidate: Candidate, train: pd.DataFrame, rate: float) -> Model:
    """Fit one candidate. The same flights give the same model, to the byte."""
    from threadpoolctl import threadpool_limits

    current().log_params({"candidate": candidate.name, "flights": len(train)})
    model: Model = linear_model() if candidate.leaves is None else boosted_trees(candidate.leaves, rate)
    with threadpool_limits(1):  # candidates share the cores, and one thread always adds in the same order
        model.fit(train[FEATURES], train[TARGET])
    return model


def linear_model() -> Any:
    """Return ridge regression on scaled numbers and one-hot categories."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = make_column_transformer((numbers, NUMBERS), (OneHotEncoder(handle_unknown="ignore"), CATEGORIES))
    return make_pipeline(columns, Ridge())


def boosted_trees(leaves: int, rate: float) -> Any:
    """Return gradient boosting that aims at the median: a few flights are many hours late, and pull every mean."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        loss="absolute_error",
        learning_rate=rate,
        max_iter=200,
        max_leaf_nodes=leaves,
        categorical_features="from_dtype",
        early_stopping=False,
        random_state=0,
    )


@step
def choose(
    models: list[Model], candidates: list[Candidate], validation: pd.DataFrame
) -> tuple[Annotated[Model, "model"], Annotated[list[Trial], "trials"]]:
    """Choose the model with the smallest mean absolute error on the validation months."""
    errors = [float((validation[TARGET] - model.predict(validation[FEATURES])).abs().mean()) for model in models]
    best = errors.index(min(errors))
    trials = [
        Trial(candidate.name, error, chosen=number == best)
        for number, (candidate, error) in enumerate(zip(candidates, errors, strict=True))
    ]
    for trial in trials:
        print(f"{trial.name:>10}  {trial.mae:6.2f} min{'  <- chosen' if trial.chosen else ''}")
    current().log_metrics({"validation_mae": errors[best]})
    return models[best], trials


@step
def evaluate(model: Model, train: pd.DataFrame, test: pd.DataFrame) -> Scores:
    """Score the chosen model on months that had no part in fitting or choosing it."""
    from sklearn.metrics import mean_absolute_error, r2_score

    actual, predicted = test[TARGET], model.predict(test[FEATURES])
    median = float(train[TARGET].median())
    same = np.full(len(test), median)
    scores = Scores(
        flights=len(test),
        mae=float(mean_absolute_error(actual, predicted)),
        baseline_mae=float(mean_absolute_error(actual, same)),
        r2=float(r2_score(actual, predicted)),
        baseline_r2=float(r2_score(actual, same)),
        baseline=median,
    )
    current().log_metrics({"mae": scores.mae, "baseline_mae": scores.baseline_mae, "r2": scores.r2})
    print(f"{scores.flights:,} flights of the test months, predicted an hour ahead")
    print(f"model     {scores.mae:6.2f} min mean absolute error, r2 {scores.r2:6.3f}")
    print(f"baseline  {scores.baseline_mae:6.2f} min mean absolute error, r2 {scores.baseline_r2:6.3f}")
    return scores


@step
def report(model: Model, test: pd.DataFrame, scores: Scores, trials: list[Trial]) -> Path:
    """Write the report: one HTML file, the same bytes for the same results."""
    outcome = pd.DataFrame(
        {
            "hour": test["minute_of_day"] // 60,
            "predicted": model.predict(test[FEATURES]),
            "actual": test[TARGET],
        }
    )
    gain = 1 - scores.mae / scores.baseline_mae
    html = page(
        title="How late will it arrive?",
        lead="Flights out of New York, 2013, predicted one hour before the hour they are scheduled in.",
        facts=[
            fact("Mean absolute error", f"{scores.mae:.1f} min", f"baseline {scores.baseline_mae:.1f} min"),
            fact("Better than the baseline", f"{gain:.1%}", f"which always says {scores.baseline:+.0f} min"),
            fact("Variance explained (r²)", f"{scores.r2:.3f}", f"baseline {scores.baseline_r2:.3f}"),
            fact("Flights in the test", f"{scores.flights:,}", "from months never seen before"),
        ],
        chart=draw(outcome, scores.baseline),
        table=table_rows(
            ["Candidate", "Error"],
            [(trial.name, f"{trial.mae:.2f}") for trial in trials],
            chosen=[trial.chosen for trial in trials].index(True),
        ),
    )
    file = Path(mkdtemp(prefix="flights-")) / "report.html"
    file.write_text(html, encoding="utf-8")
    return file


@pipeline
def flights(rows: int | None = None, rate: float = 0.05) -> None:
    """Fit several models to a year of flights, choose one, and report how good it is.

    :param rows: how many flights to use; all 327,346 that arrived when it is left out.
    :param rate: the learning rate of the boosted trees.
    """
    known = prepare(load_flights(raw_file("flights.csv.zip")), load_weather(raw_file("weather.csv")), rows=rows)
    train, validation, test = split(known)
    candidates = propose(train)
    model, trials = choose(fit.map(candidates, train=train, rate=rate), candidates, validation)
    scores = evaluate(model, train, test)
    report(model, test, scores, trials)
