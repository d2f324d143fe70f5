"""The hook of a plugin that brings serializers for a library's types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
