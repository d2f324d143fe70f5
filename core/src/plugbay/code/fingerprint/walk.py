"""The walk over everything that a function can reach, and the digest of what it found."""

from __future__ import annotations

import hashlib
import re
import sys
import types
from collections.abc import Iterable
from typing import Any

from attrs import frozen

from plugbay.code.fingerprint import functions
from plugbay.code.fingerprint.description import ATOMS, Description, Told, Unknown, atom
from plugbay.code.project import Project
from plugbay.values import canonical

Reached = tuple[Any, "int", str]
"""An object, the number of the object that refers to it (-1 for a root), and the label of the reference."""

_MAY_ACT = re.compile(
    rb"^(?:[A-Za-z_]\w*[.(\[]|(?:if(?! +__name__)|try|with|for|while)\b|@(?:\w+\.)*(?:register|custom_op|impl|triton_op))",
    re.MULTILINE,
)
"""Statements at the left margin that may act on a library, or hold others that do."""
_TEXTS = ("docstrings", "names", "sources")


@frozen(kw_only=True)
class CodeFingerprint:
    """What a walk has found."""

    digest: str
    """SHA-256, 64 hexadecimal digits; what is unknown is in it by the name of its type."""
    unknown: tuple[Unknown, ...] = ()
    """What cannot be told apart by content, in the order in which it was met."""
    ignored: frozenset[str] = frozenset()
    """Which of the names to ignore were met."""
    names: frozenset[str] = frozenset()
    """The names that were met, where there was something to ignore."""


def code_fingerprint(function: Any, *, ignore: Iterable[str] = ()) -> CodeFingerprint:
    """Take the fingerprint of the code that ``function`` can reach.

    :param ignore: names that are not entered, as the code refers to them: ``CLIENT``, ``settings.CLIENT``.
    """
    return Walk(Project.of(looked_through(function))).of_function(function, ignore=ignore)


def class_fingerprint(kind: type, *, project: Project | None = None) -> CodeFingerprint:
    """Take the fingerprint of a class: its code with all that this reaches.

    :param project: what the project is; that of the class itself when left out. A class that does not belong to it counts by its name.
    """
    return Walk(project or Project.of(kind)).of_value(kind)


class Walk:
    """Takes fingerprints in one project; what an object is made of is found out once for all of them."""

    def __init__(self, project: Project) -> None:
        """Begin with nothing visited."""
        self.project = project
        self.described: dict[
            int, tuple[Any, Description]
        ] = {}  # keeps what was visited alive, so that an id stays its own
        self._as_found: dict[int, Description] = {}  # where another description counts
        self._digests: dict[int, bytes] = {}
        self._busy: set[int] = set()
        self._sources: dict[str, Told | None] = {}
        self._effects: dict[str, Told | None] = {}
        self._globals: dict[str, dict[int, str]] = {}

    def of_function(self, function: Any, *, ignore: Iterable[str] = ()) -> CodeFingerprint:
        """Take the fingerprint of a function, which counts wherever it was made."""
        function = looked_through(function)
        if hasattr(function, "__code__") and id(function) not in self.described:
            found = Description()
            functions.describe_function(self, function, found)
            self._keep(function, found)
        return self.of_value(function, ignore=ignore)

    def of_value(self, value: Any, *, ignore: Iterable[str] = ()) -> CodeFingerprint:
        """Take the fingerprint of a class or of any other object."""
        trace = _Trace(self, tuple(ignore))
        trace.follow(value)
        return CodeFingerprint(
            digest=trace.digest(),
            unknown=tuple(trace.unknown()),
            ignored=frozenset(trace.ignored),
            names=frozenset(trace.names),
        )

    def order(self, member: Any) -> bytes:
        """Sorts the members of a set in the same way in every process."""
        if type(member) in ATOMS:
            return canonical(atom(member))
        if id(member) in self._busy:
            return b""
        self._busy.add(id(member))
        try:
            trace = _Trace(self, ())
            trace.follow(member)
            return trace.digest().encode()
        finally:
            self._busy.discard(id(member))

    def description(self, value: Any) -> Description:
        """What an object is made of."""
        known = self.described.get(id(value))
        if known is not None:
            return known[1]
        return self._keep(value, describe(self, value))

    def local(self, value: Any) -> bytes:
        """A digest of what an object is made of, apart from the objects that it refers to."""
        digest = self._digests.get(id(value))
        if digest is None:
            digest = self._digests[id(value)] = self.description(value).local()
        return digest

    def source(self, name: str) -> Told | None:
        """The source of a module of the project as an object to visit; ``None`` for any other module."""
        if name not in self._sources:
            self._sources[name] = None
            if self.project.source(name) is not None:
                from plugbay.code.fingerprint.modules import Source  # few steps import modules when they are called

                self._sources[name] = Source(name)
        return self._sources[name]

    def effects(self, name: str, namespace: dict[str, Any]) -> Told | None:
        """What the module of a function does to libraries while it is imported; ``None`` when it does nothing to them."""
        if name not in self._effects:
            self._effects[name] = self._find_effects(name, namespace)
        return self._effects[name]

    def _find_effects(self, name: str, namespace: dict[str, Any]) -> Told | None:
        path = self.project.source(name)
        try:
            content = path.read_bytes() if path is not None else b""
        except OSError:  # in an archive
            return None
        if not _MAY_ACT.search(content):
            return None
        from plugbay.code.fingerprint.effects import effects_of  # few modules may act on libraries

        return effects_of(self, content, namespace)

    def globals_of(self, module: str) -> dict[int, str]:
        """The names that a library's module gives to its objects, by their ids."""
        found = self._globals.get(module)
        if found is None:
            values = list(vars(sys.modules[module]).items())
            found = self._globals[module] = {id(value): name for name, value in reversed(values)}
        return found

    def digested(self, value: Any, found: Description) -> bool:
        """Have the plugin for the type of a value tell it."""
        from plugbay.code.fingerprint.digests import tell_by_plugin  # few steps reach what plugins know

        return tell_by_plugin(self, value, found)

    def settle(self) -> None:
        """Look again at everything that was visited, after steps have run: what they changed is not the user's change."""
        if not any(found.is_changeable for _, found in self.described.values()):
            return
        from plugbay.code.fingerprint.changes import CHANGES, is_worth_a_look  # code that changes nothing needs it not

        for value, counted in list(self.described.values()):
            as_found = self._as_found.get(id(value), counted)
            if is_worth_a_look(value, as_found):
                after = describe(self, value)
                if not after.is_same(as_found):
                    CHANGES.note(value, counted, after)

    def _keep(self, value: Any, found: Description) -> Description:
        changes = sys.modules.get("plugbay.code.fingerprint.changes")  # imported when there is one
        counted = changes.CHANGES.as_before(value, found) if changes is not None else found
        if counted is not found:
            self._as_found[id(value)] = found
        self.described[id(value)] = (value, counted)
        return counted


class _Trace:
    """One way through the objects: each is numbered when it is met first, and named by its number when it is met again."""

    def __init__(self, walk: Walk, ignore: tuple[str, ...]) -> None:
        self._walk, self._ignore = walk, ignore
        self._hash = hashlib.sha256()
        self._numbers: dict[int, int] = {}
        self._inside: dict[int, bytes] = {}
        self._met: list[Reached] = []
        self._unknown: list[int] = []
        self._asked: set[str] = set()
        self.ignored: set[str] = set()
        self.names: set[str] = set()

    def follow(self, root: Any) -> None:
        self._enter(root, -1, "")
        subclasses: set[int] = set()
        read: dict[str, int] = {}
        while True:
            if "subclasses" in self._asked and self._enter_subclasses(subclasses):
                continue
            if "annotations" in self._asked and read.get("annotations", 0) < len(self._met):
                read["annotations"] = self._enter_annotations(read.get("annotations", 0))
                continue
            if self._tell_texts(read):
                continue
            return

    def digest(self) -> str:
        return self._hash.hexdigest()

    def unknown(self) -> Iterable[Unknown]:
        for number in self._unknown:
            value = self._met[number][0]
            found = self._walk.description(value)
            yield Unknown(self._name(number), found.unknown or "", found.reason)

    def _enter(self, value: Any, parent: int, label: str) -> None:
        pending: list[Reached] = [(value, parent, label)]
        walk, numbers, update = self._walk, self._numbers, self._hash.update
        while pending:
            reached = pending.pop()
            value = looked_through(reached[0])
            if type(value) in ATOMS:
                update(b"=" + canonical(atom(value)))
                continue
            number = numbers.get(id(value))
            if number is not None:
                update(b"again %d;" % number)
                continue
            if self._ignore and self._is_ignored(reached):
                update(b"ignored;")
                continue
            number = numbers[id(value)] = len(self._met)
            self._met.append((value, reached[1], reached[2]))
            found = walk.description(value)
            update(walk.local(value))
            if self._inside and id(value) in self._inside:
                update(b"is %s;" % self._inside[id(value)])
            if found.inner:
                self._note_inner(number, found.inner)
            if found.unknown is not None:
                self._unknown.append(number)
            if found.asks:
                self._asked |= found.asks
            for name, child in reversed(found.children):
                pending.append((child, number, name))

    def _note_inner(self, number: int, inner: list[int]) -> None:
        """Tell which lists and the like in a plain constant are met elsewhere, too: what changes one changes the other."""
        for position, each in enumerate(inner):
            elsewhere = self._inside.get(each)
            if elsewhere is None:
                elsewhere = b"%d" % self._numbers[each] if each in self._numbers else None
                self._inside[each] = b"%d.%d" % (number, position)
            if elsewhere is not None:
                self._hash.update(b"%d.%d is %s;" % (number, position, elsewhere))

    def _enter_subclasses(self, done: set[int]) -> bool:
        """Enter the project's subclasses of every class that was met; say whether there were any."""
        entered = False
        for number, (value, _, label) in enumerate(list(self._met)):
            if not isinstance(value, type) or number in done:
                continue
            done.add(number)
            if label.startswith(".") and not self._walk.project.owns(value.__module__):
                continue  # object, as the base of a class
            for kind in self._subclasses(value):
                self._hash.update(b"subclass of %d;" % number)
                self._enter(kind, number, f"{kind.__module__}.{kind.__qualname__}")
                entered = True
        return entered

    def _subclasses(self, base: type) -> list[type]:
        walk = self._walk
        below: list[type] = type.__subclasses__(base)
        own = [kind for kind in below if walk.project.owns(kind.__module__)]
        return sorted(own, key=lambda kind: (kind.__qualname__, walk.order(kind)))

    def _enter_annotations(self, start: int) -> int:
        end = len(self._met)
        for number in range(start, end):
            annotated = self._walk.description(self._met[number][0]).annotated
            if annotated:
                self._hash.update(b"annotations of %d;" % number)
                self._enter(annotated, number, ".__annotations__")
        return end

    def _tell_texts(self, read: dict[str, int]) -> bool:
        """Tell what functions and classes say about themselves, where code reads that; say whether there was any."""
        told = False
        for asked in _TEXTS:
            start, end = read.get(asked, 0), len(self._met)
            if asked not in self._asked or start == end:
                continue
            read[asked], told = end, True
            for number in range(start, end):
                text = functions.text_of(self._walk, self._met[number][0], asked)
                if text:
                    self._hash.update(canonical([asked, number, text]))
        return told

    def _is_ignored(self, reached: Reached) -> bool:
        name = self._way(reached)
        self.names.add(name)
        for given in self._ignore:
            if name == given or name.endswith(f".{given}"):
                self.ignored.add(given)
                return True
        return False

    def _name(self, number: int) -> str:
        return self._way(self._met[number])

    def _way(self, reached: Reached) -> str:
        labels = []
        while True:
            _, parent, label = reached
            labels.append(label)
            if parent < 0 or (label and label[0] not in ".["):
                break
            reached = self._met[parent]
        return "".join(reversed(labels)) or _root_name(reached[0])


def _root_name(value: Any) -> str:
    return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', type(value).__qualname__)}"


def looked_through(value: Any) -> Any:
    """Look through this project's own wrappers, so that a decorator's arguments are not part of the function."""
    for base in type(value).__mro__:
        if "__plugbay_function__" in base.__dict__:
            return value.__plugbay_function__
    return value


def describe(walk: Walk, value: Any) -> Description:
    """Say what an object is made of; :attr:`Description.unknown` is set where nothing can."""
    found = Description()
    if type(value) is types.FunctionType and not functions.is_single_dispatch(value):
        if functions.is_of_project(walk, value):
            functions.describe_function(walk, value, found)
        else:
            functions.describe_library_function(walk, value, found)
    elif isinstance(value, types.ModuleType):
        from plugbay.code.fingerprint.modules import describe_module  # as classes below

        describe_module(walk, value, found)
    elif isinstance(value, Told):
        value.tell(walk, found)
    elif isinstance(value, type):
        from plugbay.code.fingerprint.classes import describe_class  # simple steps reach functions alone

        describe_class(walk, value, found)
    else:
        from plugbay.code.fingerprint.objects import describe_object  # as above

        describe_object(walk, value, found)
    return found
