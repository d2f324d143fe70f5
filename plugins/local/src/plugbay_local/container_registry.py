"""The container registry that is an OCI image layout in a directory."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types.image import Image
from plugbay_hookspecs.types.stack import Health, Problem, StackInfo
from plugbay_local.home import user_path
from plugbay_local.images.layout import Layout

_PART = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REPOSITORY = f"{_PART}(?:/{_PART})*"
_DIGEST = "sha256:[0-9a-f]{64}"
_TAG = "[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_name = re.compile(f"(?P<repository>{_REPOSITORY})(?::(?P<tag>{_TAG})|@(?P<digest>{_DIGEST}))")
_is_repository = re.compile(_REPOSITORY).fullmatch


@component
class LayoutContainerRegistry:
    """Keep images in a directory as the OCI image layout has them, which podman, skopeo and buildah read."""

    path: Path | None = None
    """The directory; without it `images` in `PLUGBAY_HOME` or in the user's data directory."""

    @property
    def _root(self) -> Path:
        return Path(os.path.abspath(os.path.expanduser(self.path or user_path("images"))))  # noqa: PTH100, PTH111 -- never raise

    @hookimpl
    def container_registry_reference(self, repository: str, tag: str) -> str:
        name = f"{repository}@{tag}" if tag.startswith("sha256:") else f"{repository}:{tag}"
        if _name.fullmatch(name) is None:
            msg = f"no name of an image: {name!r}"
            raise ValueError(msg)
        return f"oci:{self._root}:{name}"

    @hookimpl
    def container_registry_push(self, image: Image, reference: str) -> str:
        repository, tagged, digest = self._parts(reference)
        if image.archive is None:
            msg = f"the image {image.reference!r} has no archive, and a directory finds it nowhere else"
            raise ValueError(msg)
        if digest not in (None, image.digest):
            msg = f"the image {image.digest} cannot be pushed as {reference}"
            raise ValueError(msg)
        Layout(self._root).push(image.archive, image.digest, [f"{repository}@{image.digest}", tagged])
        return image.digest

    @hookimpl
    def container_registry_pull(self, reference: str, archive: Path) -> Image:
        layout = Layout(self._root)
        found = layout.entries().get(self._parts(reference)[1])
        if found is None:
            msg = f"no image {reference!r}"
            raise FileNotFoundError(msg)
        layout.pull(found, archive)
        return Image(reference=reference, digest=found["digest"], archive=archive)

    @hookimpl
    def container_registry_resolve(self, reference: str) -> str | None:
        found = Layout(self._root).entries().get(self._parts(reference)[1])
        return None if found is None else str(found["digest"])

    @hookimpl
    def container_registry_list(self, repository: str) -> Sequence[str]:
        if _is_repository(repository) is None:
            return []
        start = f"{repository}:"
        return sorted(name.removeprefix(start) for name in Layout(self._root).entries() if name.startswith(start))

    @hookimpl
    def container_registry_delete(self, reference: str) -> bool:
        repository, name, digest = self._parts(reference)
        if digest is None:
            return Layout(self._root).remove(lambda entry, _: entry == name)
        ours = (f"{repository}:", f"{repository}@")
        return Layout(self._root).remove(lambda entry, image: entry.startswith(ours) and image["digest"] == digest)

    def _parts(self, reference: str) -> tuple[str, str, str | None]:
        """The repository, the name of the entry, and the digest where the reference has one."""
        start = f"oci:{self._root}:"
        found = _name.fullmatch(reference.removeprefix(start)) if reference.startswith(start) else None
        if found is None:
            msg = f"no reference of this registry: {reference!r}; it begins with {start!r}"
            raise ValueError(msg)
        return found["repository"], found[0], found["digest"]

    @hookimpl
    def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
        if ":" in str(self._root):
            return [Problem(message=f"path = {str(self._root)!r} has a colon, which no reference can hold")]
        return []

    @hookimpl
    def component_health(self) -> Health:
        # Imported here because only a person asks.
        from plugbay_local.objects.probing import probe

        started = time.perf_counter()
        try:
            free = probe(str(self._root))
            count = len(Layout(self._root).entries())
        except OSError as error:
            return Health(ok=False, detail=str(error))
        detail = f"{count} entries, {free / 1e9:.1f} GB free"
        return Health(ok=True, detail=detail, latency=time.perf_counter() - started)

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"path": str(self._root)}
