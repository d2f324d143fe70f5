"""The secrets manager that reads environment variables."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types.stack import Problem, StackInfo

# Neither `__` within a part nor `_` at its ends: `__` divides the parts of a variable's name.
_PART = r"[A-Z0-9]+(?:_[A-Z0-9]+)*"
_is_variable = re.compile(rf"{_PART}(?:__{_PART})*").fullmatch
_is_name = re.compile(r"[A-Za-z0-9_.-]+").fullmatch
_is_prefix = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_]*)?").fullmatch


@component
class EnvironmentSecretsManager:
    """Read secrets from environment variables.

    `s3.secret-key` is the variable `SECRET_S3__SECRET_KEY` and `chat-token`, which is `chat-token.value`, the variable
    `SECRET_CHAT_TOKEN`: the prefix, then the name in capitals with `_` for `-` and `__` for a dot. Names that differ
    only in case or in `-` and `_` are one; a name with other characters, or with two `_` or `-` in a row, has no variable.
    """

    prefix: str = "SECRET_"
    """What the variables start with. With an empty one every variable can be asked for, and none is listed."""

    @hookimpl
    def secrets_manager_get(self, name: str) -> str | None:
        variable = _variable(name)
        return None if variable is None else os.environ.get(self.prefix + variable)

    @hookimpl
    def secrets_manager_list(self) -> Sequence[str] | None:
        if not self.prefix:
            return None
        found = (name.removeprefix(self.prefix) for name in list(os.environ) if name.startswith(self.prefix))
        # A variable that no name leads to is not listed.
        return sorted(
            {_name(variable).partition(".")[0] for variable in found if _variable(_name(variable)) == variable}
        )

    @hookimpl
    def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
        if _is_prefix(self.prefix) is None:
            message = f"prefix = {self.prefix!r} cannot start the name of an environment variable"
            return [Problem(message=message, remedy="use letters, digits and _")]
        return []

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"variables": f"{self.prefix}NAME, {self.prefix}NAME__KEY"}


def _variable(name: str) -> str | None:
    """The variable of a secret's text, without the prefix; ``None`` for a name that has none."""
    secret, _, key = name.partition(".")
    if _is_name(name) is None:
        return None
    parts = [secret] if key in ("", "value") else [secret, *key.split(".")]
    variable = "__".join(parts).upper().replace("-", "_")
    # As many parts as before: `a-_b` and `a.b` must not meet in `A__B`.
    return variable if _is_variable(variable) and variable.count("__") == len(parts) - 1 else None


def _name(variable: str) -> str:
    return variable.lower().replace("__", ".")
