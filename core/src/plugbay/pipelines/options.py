"""What a step can be told about how it runs."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
from attrs import field, frozen

from plugbay.errors import PlanError, did_you_mean
from plugbay_hookspecs.types import Resources, Retry

_SIZES = {"": 1, "B": 1} | {
    f"{letter}{suffix}": base**power
    for power, letter in enumerate("KMGTP", start=1)
    for suffix, base in (("B", 1000), ("iB", 1024))
}
_REQUIREMENT = re.compile(r"\s*[A-Za-z0-9][^\r\n\0]*")
_STEP_ID = re.compile(r"[^\W\d][\w-]*")


@frozen(kw_only=True)
class StepOptions:
    """The options of a step; see :func:`plugbay.step` for their meaning."""

    id: Any = None
    retries: Any = 0
    retry_delay: float = 1.0
    backoff: float = 2.0
    timeout: float | None = None
    operator: str | None = None
    resources: Mapping[str, float | str] = field(factory=dict)
    cache: bool = True
    requirements: Any = ()
    fail_on_report: bool = False
    version: str = ""
    depends: tuple[str | Path, ...] = ()
    ignore: Any = ()
    on_success: Callable[..., object] | None = None
    on_failure: Callable[..., object] | None = None

    @classmethod
    def checked(cls, where: str, **options: Any) -> StepOptions:
        """Make options from what the user gave; raises :class:`PlanError` that names ``where`` and all that is wrong."""
        return cls().changed(where, **options)

    def changed(self, where: str, **options: Any) -> StepOptions:
        """Return these options with some of them replaced, checked."""
        known = {attribute.name for attribute in attrs.fields(StepOptions)}
        for name in options:
            if name not in known:
                msg = f"step {where}: there is no option {name!r}{did_you_mean(name, known)}"
                raise PlanError(msg)
        if "depends" in options:
            options["depends"] = tuple(options["depends"])
        if "ignore" in options and not isinstance(options["ignore"], str):
            options["ignore"] = tuple(options["ignore"])
        if "requirements" in options and not isinstance(options["requirements"], str):
            options["requirements"] = tuple(options["requirements"])
        changed = attrs.evolve(self, **options)
        problems = list(changed._problems())
        if problems:
            msg = "\n".join(f"step {where}: {problem}" for problem in problems)
            raise PlanError(msg)
        return changed

    def _problems(self) -> list[str]:
        problems = []
        if self.id is not None and (not isinstance(self.id, str) or not _STEP_ID.fullmatch(self.id)):
            problems.append(
                f"id={self.id!r} must be a word of letters, digits, '_' and '-' that begins with a letter or '_'"
            )
        if not isinstance(self.retries, int) or isinstance(self.retries, bool) or self.retries < 0:
            problems.append(f"retries={self.retries!r} must be a whole number, 0 or more")
        for name in ("retry_delay", "backoff", "timeout"):
            value = getattr(self, name)
            if value is None and name == "timeout":
                continue
            if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < math.inf:
                problems.append(
                    f"{name}={value!r} must be a number, 0 or more" + (" (seconds)" if name != "backoff" else "")
                )
        if self.timeout == 0:
            problems.append("timeout=0 would end every attempt at once; leave it out for no limit")
        asked = self.requirements
        if isinstance(asked, str) or not all(isinstance(each, str) and _REQUIREMENT.fullmatch(each) for each in asked):
            problems.append(f"requirements={asked!r} must be a list of texts such as 'pandas>=2'")
        if isinstance(self.ignore, str) or not all(isinstance(name, str) and name for name in self.ignore):
            problems.append(f"ignore={self.ignore!r} must be a list of names such as 'CLIENT'")
        for name in ("on_success", "on_failure"):
            if getattr(self, name) is not None and not callable(getattr(self, name)):
                problems.append(f"{name}={getattr(self, name)!r} must be a function")
        try:
            parse_resources(self.resources)
        except ValueError as error:
            problems.append(str(error))
        return problems

    def retry(self) -> Retry:
        """The retry policy these options describe."""
        return Retry(retries=self.retries, delay=float(self.retry_delay), backoff=float(self.backoff))


def parse_resources(asked: Any) -> Resources:
    """Read ``{"cpu": 2, "memory": "8GiB", "gpu": 1}``. Raises ``ValueError``."""
    if not isinstance(asked, Mapping):
        msg = f"resources={asked!r} must be a mapping such as {{'cpu': 2, 'memory': '8GiB'}}"
        raise ValueError(msg)  # noqa: TRY004  the caller collects problems with values
    numbers: dict[str, float] = {}
    memory: int | None = None
    for name, amount in asked.items():
        if name == "memory":
            memory = _size(amount)
        elif isinstance(amount, (int, float)) and not isinstance(amount, bool) and amount >= 0:
            numbers[name] = amount
        else:
            msg = f"resources[{name!r}]={amount!r} must be a number, 0 or more"
            raise ValueError(msg)
    cpu, gpu = numbers.pop("cpu", None), numbers.pop("gpu", None)
    return Resources(cpu=cpu, memory=memory, gpu=gpu, other=numbers)


def _size(amount: object) -> int:
    match = re.fullmatch(r"\s*([0-9.]+)\s*([A-Za-z]*)\s*", str(amount))
    if match is None or match[2] not in _SIZES or match[1].count(".") > 1 or match[1] == ".":
        msg = f"resources['memory']={amount!r} must be a number of bytes or a text such as '512MiB' or '8GB'"
        raise ValueError(msg)
    return int(float(match[1]) * _SIZES[match[2]])
