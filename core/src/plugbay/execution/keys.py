"""The key of a call: the step's code and the inputs, with what they lead to at the moment at which the call can start.

Files are read when the call is about to start and not when the plan is made, because a step before it may have written them; and
they are looked at again when it has ended, because what was computed while they changed is no answer for later calls.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from plugbay.code.project import Project
from plugbay.execution.schedule import Call
from plugbay.execution.tasks import Resolved, fingerprint_of, with_parts
from plugbay.pipelines.compiled import Compiled
from plugbay_hookspecs.types import Artifact

if TYPE_CHECKING:
    from plugbay.contents import Content, Contents
    from plugbay.execution.named_code import NamedCode
    from plugbay.mentions import Mentions

_log = logging.getLogger("plugbay")


@frozen
class Key:
    """Under what the result of a call is cached, and what was read to know it."""

    fingerprint: str | None = None
    """``None`` when the call neither is answered from the cache nor answers later calls."""
    files: Mapping[str, Content] = field(factory=dict, repr=False)
    """What the paths led to that count, by path."""


NO_KEY = Key()
_SHOWN = 3


class _UntoldError(Exception):
    """An input whose code cannot be told apart from other code."""


class Keys:
    """Makes the keys of the calls of a run."""

    def __init__(self, compiled: Compiled) -> None:
        """Make keys.

        :param compiled: the plan, with the functions of the steps and the walks over their code.
        """
        self._steps, self._walks = compiled.steps, compiled.walks
        try:
            self._base = os.getcwd()  # noqa: PTH109  a text
        except OSError:  # it has been removed
            self._base = ""
        self._told: set[tuple[str, str]] = set()

    def of(self, call: Call) -> Key:
        """The key that the call has now; a call with an input that cannot be told apart has none, and a warning says so."""
        step = call.step
        if not step.cache:
            return NO_KEY
        inputs, declared = call.inputs, self._declared(call)
        if step.ignored:
            inputs = {name: found for name, found in inputs.items() if name not in step.ignored}
        if not declared and not any(map(_may_lead_on, inputs.values())):
            return Key(fingerprint_of(step.static_fingerprint, inputs, step.outputs))
        from plugbay.mentions import Mentions  # as most inputs lead nowhere

        mentions, saved, project = Mentions(), dict[str, str](), self._project(call)
        for resolved in inputs.values():
            _collect(resolved, mentions, saved, project)
        try:
            files = {path: self._contents.of(path) for path in (*mentions.paths, *declared)}
            code = {name: self._code_of(name, call) for name in mentions.code}
        except OSError as error:
            self._warn(step.id, f"{error.filename} cannot be read ({error.strerror})")
            return NO_KEY
        except _UntoldError as error:
            self._warn(step.id, str(error))
            return NO_KEY
        around = None
        if files or code:
            around = {
                "files": [[path, saved.get(path), files[path].digest] for path in sorted(mentions.paths)],
                "depends": [files[path].digest for path in declared],
                "code": sorted(code.items()),
            }
        return Key(fingerprint_of(step.static_fingerprint, inputs, step.outputs, around), files)

    @functools.cached_property
    def _contents(self) -> Contents:
        from plugbay.contents import Contents  # few steps are given paths

        return Contents(self._base)

    @functools.cached_property
    def _code(self) -> NamedCode:
        from plugbay.execution.named_code import NamedCode  # few steps are given objects of the project's classes

        return NamedCode(self._walks)

    def _code_of(self, reference: str, call: Call) -> str:
        found = self._code.fingerprint(reference)
        if found is None:
            msg = f"{reference}, which an input is made of, cannot be found"
            raise _UntoldError(msg)
        step = self._steps.get(call.step.id)
        if found.unknown and (step is None or not step.options.version):
            shown = ", ".join(map(str, found.unknown[:_SHOWN]))
            msg = f"{reference}, which an input is made of, reaches what cannot be told apart by content ({shown}; see version=)"
            raise _UntoldError(msg)
        return found.digest

    def _project(self, call: Call) -> Project:
        step = self._steps.get(call.step.id)
        return Project.of_module(None) if step is None else Project.of(step.function)

    def hold(self, outputs: Sequence[Artifact]) -> bool:
        """Whether what an earlier call returned can be read and says what it did: its paths lead to the same."""
        if not any(map(_leads_on, outputs)):
            return True
        parts = [part for output in outputs for part in with_parts(output)]
        saved = [pair for part in parts for pair in part.paths.items()]
        try:
            return self._is_there(parts) and all(self._contents.of(path).digest == digest for path, digest in saved)
        except OSError:
            return False

    def can_be_read(self, outputs: Sequence[Artifact]) -> bool:
        """Whether the code is there that the outputs are made of."""
        return self._is_there([part for output in outputs for part in with_parts(output)])

    def _is_there(self, parts: Sequence[Artifact]) -> bool:
        return all(map(self._code.is_there, {name for part in parts for name in part.code}))

    def look_again(self) -> None:
        """A step has ended or time has passed: files may have changed."""
        if "_contents" in vars(self):
            self._contents.look_again()

    def has_changed(self, call: Call, key: Key) -> bool:
        """Whether a file that counts is another one than when the key was made; a warning names it."""
        for path, then in key.files.items():
            try:
                now = self._contents.of(path)
            except OSError:
                now = None
            if now != then:
                self._warn(call.step.id, f"{path} has changed since the call was about to start")
                return True
        return False

    def _declared(self, call: Call) -> list[str]:
        step = self._steps.get(call.step.id)
        if step is None or not step.options.depends:
            return []
        return [str(part) for part in step.options.depends if isinstance(part, Path)]

    def _warn(self, step: str, reason: str) -> None:
        if (step, reason) not in self._told:
            self._told.add((step, reason))
            _log.warning("step %r: %s, so its result answers no later call", step, reason)


def _may_lead_on(resolved: Resolved) -> bool:
    """Whether an input may lead to files or code beside itself: some cannot, which is quick to see."""
    kind, content = resolved
    if kind == "value":
        ahead = [content]
        for part in ahead:
            if type(part) is dict and next(iter(part), "")[:1] == "$":
                return True
            inner = part.values() if type(part) is dict else part if type(part) is list else ()
            ahead += [found for found in inner if type(found) in (dict, list)]
        return False
    return kind != "artifact" or _leads_on(content)


def _leads_on(artifact: Artifact) -> bool:
    return bool(artifact.paths or artifact.code or artifact.items)


def _collect(resolved: Resolved, mentions: Mentions, saved: dict[str, str], project: Project) -> None:
    kind, content = resolved
    if kind == "value":
        mentions.add_tree(content, project)
    elif kind == "artifact":
        for artifact in with_parts(content):
            saved.update(artifact.paths)
            mentions.paths.update(dict.fromkeys(artifact.paths))
            mentions.code.update(dict.fromkeys(artifact.code))
    else:
        for part in content.values() if kind == "dict" else content:
            _collect(part, mentions, saved, project)
