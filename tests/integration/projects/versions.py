"""Values that only a program of their own version can read, in a module that a worker can import."""

import os
from pathlib import Path

from plugbay import step


class Model:
    def __init__(self, number):
        self.version, self.number = os.environ["VERSION"], number

    def __setstate__(self, state):
        if state["version"] != os.environ["VERSION"]:
            raise RuntimeError(f"a model of version {state['version']}")
        vars(self).update(state)


@step
def make(number: int = 1) -> Model:
    return Model(number)


@step
def several() -> list[Model]:
    return [Model(1), Model(2)]


@step
def use(model: Model, turn: int = 0) -> str:
    return f"{model.number} of {model.version}"


@step
def count(models: list[Model], turn: int) -> int:
    return len({model.version for model in models}) + len(models)


@step
def hopeless() -> object:
    Path(os.environ["READ"]).unlink(missing_ok=True)
    return Hopeless()


class Hopeless:
    def __reduce__(self):
        return raising, (Path(os.environ["READ"]),)


def raising(read):
    """Can be read once: where it is tried out when it is saved."""
    if read.exists():
        raise RuntimeError("never")
    read.touch()
    return Hopeless()


@step
def take(value: object, turn: int) -> int:
    return turn


def single(turn: int):
    model = make()
    use(model, turn)
    count([model, make(number=2)], turn)


def mapped(turn: int):
    use.map(make.map([1, 2]), turn=turn)


def elements(turn: int):
    use.map(several(), turn=turn)


def gathered(turn: int):
    count(make.map([1, 2]), turn)


def never(turn: int):
    take(hopeless(), turn)
