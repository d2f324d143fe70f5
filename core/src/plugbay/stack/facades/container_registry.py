"""The typed facade of the stack's container registry."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from plugbay.stack.facades.addressed import ToOne
from plugbay_hookspecs.types import Image, RegistryLogin


class ContainerRegistry(ToOne):
    """Where images lie; see :mod:`plugbay_hookspecs.container_registry` for what each call promises."""

    def reference(self, repository: str, tag: str) -> str:
        """The full name of an image."""
        name: str = self._call("reference", repository=repository, tag=tag)
        return name

    def login(self) -> RegistryLogin | None:
        """What another tool needs to reach the registry; ``None`` when everybody is let in."""
        login: RegistryLogin | None = self._value(RegistryLogin, "login")
        return login

    def push(self, image: Image, reference: str) -> str:
        """Put an image into the registry and return its digest."""
        digest: str = self._call("push", image=image, reference=reference)
        return digest

    def pull(self, reference: str, archive: Path) -> Image | None:
        """Fetch an image into the file ``archive``; ``None`` when the registry leaves fetching to other tools."""
        image: Image | None = self._value(Image, "pull", reference=reference, archive=archive)
        return image

    def resolve(self, reference: str) -> str | None:
        """The digest of the image that a reference means; ``None`` when there is none."""
        digest: str | None = self._call("resolve", reference=reference)
        return digest

    def list(self, repository: str) -> Sequence[str] | None:
        """The tags of a repository; ``None`` when the registry cannot list."""
        tags: Sequence[str] | None = self._call("list", repository=repository)
        return tags

    def delete(self, reference: str) -> bool | None:
        """Delete an image or a tag; ``None`` when the registry never deletes."""
        existed: bool | None = self._call("delete", reference=reference)
        return existed
