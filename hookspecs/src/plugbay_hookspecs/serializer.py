"""The hooks of a plugin that knows a library's types: how to keep them, and how to tell them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from plugbay_hookspecs.markers import hookspec

if TYPE_CHECKING:
    from plugbay_hookspecs.types import Serializer


@hookspec
def serializers() -> Sequence[Serializer]:
    """Give the serializers of the plugin.

    Called once in a process, when it first meets a value of a type from the module that the plugin's entry point (group
    ``plugbay.serializer``) is named after, or reads an artifact of such a type. The library is imported by then in the
    first case, and need not be in the second.

    A value that a serializer cannot give back as it was must not be written in a changed form: ``save`` raises ``TypeError``
    that says what could not be kept, and what to do. What it has written by then is discarded. Where the configuration allows
    pickle the value is pickled instead, and its record says why; else the step fails with that error. For a value that pickle
    must not keep either, such as a query whose data may be gone, ``save`` raises another error, which fails the step.

    :returns: one for each type; for a value the one of the most specific class is used.

    .. code-block:: python

        from collections.abc import Sequence
        from fractions import Fraction
        from pathlib import Path
        from typing import BinaryIO

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Serializer


        def save(value: Fraction, file: BinaryIO) -> None:
            file.write(str(value).encode())


        def load(source: Path | BinaryIO) -> Fraction:
            return Fraction((source.read_bytes() if isinstance(source, Path) else source.read()).decode())


        @component
        class Fractions:
            '''Saves fractions as text; its entry point is named fractions.'''

            @hookimpl
            def serializers(self) -> Sequence[Serializer]:
                return [Serializer(name="fraction", module="fractions", qualname="Fraction", save=save, load=load)]

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def fingerprint_of(value: object) -> bytes | Mapping[str, object] | None:
    """Tell a value apart from others of its type by its content.

    A step that uses a module's constant, a default argument or the like is answered from the cache only while the value is
    the same.

    Called in the driver's process when a run is planned, for such a value of a class from the module that the plugin's
    entry point (group ``plugbay.serializer``) is named after, or of a subclass; and for a function that such a module has
    made for somebody, such as a decorated one. The library is imported by then. A plugin may implement this hook,
    ``serializers``, or both.

    :param value: what a step reaches. It must not be changed.
    :returns: bytes that are equal for two values only when no step could tell them apart, and that are equal for equal
        values in every process: no address, no order of a set, no time. They may be long; a digest of them is kept. Or
        a mapping of what the value is made of, by name, which counts in its place: functions, whose code counts, other values,
        and bytes for what the plugin tells itself. ``None`` leaves the value to what Plugbay finds itself: its state, as
        pickle sees it. The class of the value counts in any case.
    :raises Exception: any exception says that the value cannot be told apart: the step is computed each time, with a warning
        that quotes the exception.

    .. code-block:: python

        from fractions import Fraction

        from plugbay_hookspecs import component, hookimpl


        @component
        class Fractions:
            '''Tells fractions apart; its entry point is named fractions.'''

            @hookimpl
            def fingerprint_of(self, value: object) -> bytes | None:
                return str(value).encode() if type(value) is Fraction else None

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def reduced(value: object) -> tuple[Any, ...] | None:
    """Give the form in which pickle keeps a value, where the library's own is another in each process.

    Two equal values have to be two equal pickles: an artifact goes by the digest of its bytes, and a step whose input has
    other bytes is computed again.

    Called in whichever process saves an output that is pickled, for each value in it of a class from the module that the
    plugin's entry point (group ``plugbay.serializer``) is named after, or of a subclass. The library is imported by then.
    Reading a pickle needs the library, but not the plugin.

    :param value: what is pickled. It must not be changed.
    :returns: what ``__reduce_ex__`` would return: a function of the library and its arguments, and what else the pickle
        protocol takes. ``None`` leaves the value to pickle.
    :raises Exception: any exception says that the value cannot be pickled, and fails the step.

    .. code-block:: python

        from collections import Counter

        from plugbay_hookspecs import component, hookimpl


        @component
        class Counters:
            '''Keeps counters in the order of their keys; its entry point is named collections.'''

            @hookimpl
            def reduced(self, value: object) -> tuple[object, ...] | None:
                return (Counter, (dict(sorted(value.items())),)) if type(value) is Counter else None

    .. versionadded:: 0.1
    """
    raise NotImplementedError
