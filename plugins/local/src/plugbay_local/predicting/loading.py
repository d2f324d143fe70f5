"""From the files of a model to a function from inputs to predictions."""

import hashlib
import importlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

Predict: TypeAlias = Callable[[Any], Any]
PICKLES = (None, "pickle")
"""The formats that are read without a predictor."""


def load(path: Path, predictor: str | None, digest: str | None) -> Predict:
    """Load a model: by its predictor, or as a pickle of an object that has ``predict`` or can be called.

    :param digest: the SHA-256 that a file must have; a wrong one is a ``ValueError``, before anything is unpickled.
    """
    if digest is not None and path.is_file():
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != digest.removeprefix("sha256:"):
            msg = f"{path} has the digest {found}, not {digest}"
            raise ValueError(msg)
    if predictor is not None:
        module, _, name = predictor.partition(":")
        make: Any = importlib.import_module(module)
        for part in name.split("."):
            make = getattr(make, part)
        predict: Predict = make(path)
        return predict
    with path.open("rb") as file:
        model = pickle.load(file)  # noqa: S301  the user asked for this model to be served
    found_predict = getattr(model, "predict", model)
    if not callable(found_predict):
        msg = (
            f"{path} holds a {type(model).__qualname__}, which has no predict() and cannot be called; name a predictor"
        )
        raise TypeError(msg)
    loaded: Predict = found_predict
    return loaded
