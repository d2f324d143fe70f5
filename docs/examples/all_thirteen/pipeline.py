"""Which of three vineyards a wine comes from: one run that uses a tool of each of the thirteen component types.

    plugbay run pipeline.py:cellar

The data is the chemical analysis of 178 wines from three cultivars, which scikit-learn brings along. A step that changes
something outside, a feature, a label, a deployment, is not answered from the cache.
"""

import hashlib
import hmac
import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pandas as pd

from plugbay import current, pipeline, step
from plugbay_hookspecs.types import (
    AnnotationConfig,
    AnnotationTask,
    BuildOptions,
    Check,
    DeploymentConfig,
    ImageSpec,
    Report,
    Servable,
)

HERE = Path(__file__).parent
NAME = "vineyard"
BOTTLED = datetime(2024, 9, 1, tzinfo=UTC)
"""When the wines were analysed, one each minute."""


@step
def analyse() -> pd.DataFrame:
    """The analyses: a row for each wine, with its number, the time, and thirteen measurements."""
    from sklearn.datasets import load_wine

    wines = load_wine(as_frame=True).data.rename(columns=lambda name: name.replace("/", "_"))
    times = [BOTTLED + timedelta(minutes=number) for number in range(len(wines))]
    return wines.assign(wine=range(len(wines)), event_timestamp=times)


@step(fail_on_report=True)
def check(wines: pd.DataFrame) -> Report:
    """Data validator: refuse analyses that no wine has."""
    return current().data_validator.validate(
        wines,
        [
            Check(kind="unique", column="wine"),
            Check(kind="between", column="alcohol", arguments={"low": 8, "high": 20}),
            Check(kind="row_count", arguments={"low": 100}),
            *(Check(kind="not_null", column=name) for name in wines.columns),
        ],
    )


@step(cache=False)
def publish(wines: pd.DataFrame) -> list[str]:
    """Feature store: define the measurements as features, and keep the newest where they are read fast."""
    from vineyard_features import define

    store = current().feature_store
    view = define(wines, HERE / "feature_repo")
    store.apply(view.definitions)
    store.materialize(BOTTLED, BOTTLED + timedelta(days=1))
    return view.features


@step(cache=False)
def label(wines: pd.DataFrame) -> pd.DataFrame:
    """Annotator: ask which vineyard each wine comes from. Who answers here is the data set; people would take longer."""
    annotator = current().annotator
    dataset = f"{NAME}-{current().run_id[-12:]}"
    annotator.create(dataset, AnnotationConfig(fields={"wine": "text"}, labels=("first", "second", "third")))
    annotator.add(dataset, [AnnotationTask(id=str(wine), data={"wine": f"wine {wine}"}) for wine in wines["wine"]])
    _answer(annotator.dataset_url(dataset))
    answers = {int(each.task.id): each.label for each in annotator.labelled(dataset)}
    stats = annotator.stats(dataset)
    assert stats is not None
    assert stats.unlabelled == 0, f"{stats} of {dataset}"
    return wines[["wine", "event_timestamp"]].assign(vineyard=wines["wine"].map(answers))


def _answer(url: str | None) -> None:
    from sklearn.datasets import load_wine

    assert url is not None
    lines = [
        json.dumps({"id": str(wine), "label": ("first", "second", "third")[vineyard], "by": "the data set"})
        for wine, vineyard in enumerate(load_wine().target)
    ]
    with Path(url2pathname(urlsplit(url).path), "labels.jsonl").open("a") as labels:
        labels.write("".join(f"{line}\n" for line in lines))


@step(operator="process")
def train(
    labels: pd.DataFrame, features: list[str], rate: float
) -> tuple[Annotated[Path, "model"], Annotated[float, "accuracy"]]:
    """Step operator: this step is a process of its own. Experiment tracker: what is logged here, it is told."""
    import joblib
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    table = current().feature_store.historical_features(labels, features)
    columns = [name.partition(":")[2] for name in features]
    known, unknown = train_test_split(table, test_size=0.3, random_state=0, stratify=table["vineyard"])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=rate)).fit(known[columns], known["vineyard"])
    accuracy = float(model.score(unknown[columns], unknown["vineyard"]))
    current().log_params({"rate": rate, "features": len(features)})
    current().log_metrics({"accuracy": accuracy})
    path = Path(tempfile.mkdtemp(), "model.joblib")
    joblib.dump(model, path)
    return path, accuracy


@step(cache=False)
def register(model: Path, accuracy: float) -> str:
    """Model registry: keep the model as a version that tells where it comes from."""
    registry = current().model_registry
    if registry.get(NAME) is None:
        registry.register(NAME, description="Which vineyard a wine comes from")
    version = registry.create_version(NAME, model, metadata={"accuracy": f"{accuracy:.3f}"})
    registry.set_stage(NAME, version.version, "production", archive_others=True)
    return version.version


@step(cache=False)
def deploy(model: Path, features: list[str], version: str) -> str:
    """Model deployer: serve the model, and ask it about a wine that the feature store knows."""
    deployer = current().model_deployer
    served = current().model_registry.download(NAME, version, Path(tempfile.mkdtemp()))
    deployment = deployer.deploy(
        Servable(uri=served.as_uri(), predictor="serving:load"),
        DeploymentConfig(name=NAME, labels={"version": version}),
    )
    known = current().feature_store.online_features([{"wine": 0}, {"wine": 177}], features)
    assert known is not None
    columns = [name.partition(":")[2] for name in features]
    rows = [[known[column][number] for column in columns] for number in range(2)]
    answers = deployer.predict(deployment.id, rows)
    assert answers == ["first", "third"], f"{deployment.url} answered {answers}"
    return str(deployment.url)


@step(cache=False)
def package(model: Path) -> str:
    """Image builder and container registry: the model as an image that any cluster can mount; its digest."""
    registry, builder = current().container_registry, current().image_builder
    with tempfile.TemporaryDirectory() as scratch:
        context = Path(scratch, "context")
        context.mkdir()
        (context / "model.joblib").write_bytes(model.read_bytes())
        reference = registry.reference(NAME, hashlib.sha256(model.read_bytes()).hexdigest()[:12])
        spec = ImageSpec(base="scratch", files=("model.joblib",), directory="/models")
        options = BuildOptions(reference=f"localhost/{NAME}:latest", archive=Path(scratch, "image.tar"))
        digest = registry.push(builder.build(context, spec, options), reference)
    assert registry.resolve(reference) == digest
    return digest


@step(cache=False)
def announce(url: str, version: str, accuracy: float, digest: str) -> dict[str, Any]:
    """Alerter: tell people. Secrets manager: sign what they are told."""
    facts = {"model": f"{NAME} {version}", "accuracy": accuracy, "url": url, "image": digest}
    key = current().secret("signing-key").encode()
    signed = {**facts, "signature": hmac.new(key, json.dumps(facts).encode(), "sha256").hexdigest()}
    current().alert(f"{NAME} {version} answers", json.dumps(signed, indent=1))
    return signed


@pipeline
def cellar(rate: float = 1.0) -> None:
    """Orchestrator and artifact store: everything above is theirs to run and to keep."""
    wines = analyse()
    checked = check(wines)
    features = publish(wines).after(checked)
    labels = label(wines).after(checked)
    model, accuracy = train(labels, features, rate)
    version = register(model, accuracy)
    url = deploy(model, features, version)
    announce(url, version, accuracy, package(model))
