"""The typed facade of the stack's image builder."""

from __future__ import annotations

from pathlib import Path

from plugbay.stack.facades.addressed import ToOne
from plugbay_hookspecs.types import BuildOptions, Image, ImageDefaults, ImageSpec


class ImageBuilder(ToOne):
    """What makes images; see :mod:`plugbay_hookspecs.image_builder` for what each call promises."""

    def build(self, context: Path, spec: ImageSpec, options: BuildOptions) -> Image:
        """Build an image of the files in ``context``."""
        image: Image = self._value(Image, "build", context=context, spec=spec, options=options)
        return image

    def is_local(self) -> bool:
        """Whether images are built on this machine."""
        local: bool | None = self._call("is_local")
        return local is not False

    def defaults(self) -> ImageDefaults:
        """What images for steps begin with."""
        found: ImageDefaults | None = self._value(ImageDefaults, "defaults")
        return found or ImageDefaults()

    def find(self, reference: str) -> Image | None:
        """Look up an image that was built before; ``None`` when there is none."""
        image: Image | None = self._value(Image, "find", reference=reference)
        return image
