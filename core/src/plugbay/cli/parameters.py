"""Parameters of a pipeline from the command line and from a file, read by the pipeline's annotations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plugbay.cli.from_text import value_of_text
from plugbay.cli.from_toml import value_of_tree
from plugbay.config.toml_file import UnreadableTomlError, read_toml
from plugbay.errors import PlanError, did_you_mean, listed
from plugbay.pipelines.pipeline import Pipeline


def read_parameters(pipeline: Pipeline[..., Any], given: list[str], file: str | None) -> dict[str, Any]:
    """Return the parameters by name.

    :param given: ``name=value`` as they were given with ``-p``; they win over the file.
    :raises PlanError: with everything that is wrong with any of them.
    """
    problems: list[str] = []
    values: dict[str, Any] = {}
    for name, tree in (_read_file(Path(file)) if file else {}).items():
        if _known(pipeline, name, f"{file}: ", problems):
            values[name] = _value(value_of_tree, tree, pipeline, name, f"{file}: ", problems)
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            problems.append(f"-p {text}: expected NAME=VALUE")
        elif _known(pipeline, name, "", problems):
            values[name] = _value(value_of_text, value, pipeline, name, "", problems)
    for name, parameter in pipeline.parameters.items():
        if problems and name not in values and parameter.default is parameter.empty:
            problems.append(f"pipeline {pipeline.name!r} needs a value for its parameter {name!r}")
    if problems:
        raise PlanError("\n".join(problems))
    return values


def _known(pipeline: Pipeline[..., Any], name: str, where: str, problems: list[str]) -> bool:
    if name in pipeline.parameters:
        return True
    near, known = did_you_mean(name, pipeline.parameters), listed(pipeline.parameters)
    problems.append(f"{where}pipeline {pipeline.name!r} has no parameter {name!r}{near} (it has: {known})")
    return False


def _value(read: Any, source: Any, pipeline: Pipeline[..., Any], name: str, where: str, problems: list[str]) -> Any:
    found, wrong = read(source, pipeline.parameters[name].annotation, f"parameter {name!r}")
    problems += [f"{where}{problem}" for problem in wrong]
    return found


def _read_file(path: Path) -> Mapping[str, Any]:
    try:
        return read_toml(path)
    except FileNotFoundError as error:
        msg = f"there is no file {path}"
        raise PlanError(msg) from error
    except UnreadableTomlError as error:
        msg = f"{path} {error}"
        raise PlanError(msg) from error
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise PlanError(msg) from error
