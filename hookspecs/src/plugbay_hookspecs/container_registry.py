"""Hooks of a container registry: where images lie for other machines to fetch. A stack has at most one.

A *repository* is a ``/``-separated lower-case name (``ml/flights``), a *reference* the full name that
:func:`container_registry_reference` makes of it. A reference with a digest always means the same image; one with a tag
means the image that was pushed to it last.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from plugbay_hookspecs.markers import hookspec, required

if TYPE_CHECKING:
    from plugbay_hookspecs.types import Image, RegistryLogin


@hookspec(firstresult=True)
@required
def container_registry_reference(repository: str, tag: str) -> str:
    """Name an image of the registry, as ``podman pull`` and a Kubernetes manifest would write it.

    Called in any process that has the stack; no I/O. The image need not exist.

    :param tag: a tag, or a digest (``sha256:`` and 64 hexadecimal digits).
    :returns: the full name.

    .. code-block:: python

        from plugbay_hookspecs import component, hookimpl


        @component
        class Registry:
            '''Names images of a registry that speaks the OCI distribution protocol.'''

            server: str = "127.0.0.1:5000"

            @hookimpl
            def container_registry_reference(self, repository: str, tag: str) -> str:
                separator = "@" if tag.startswith("sha256:") else ":"
                return f"{self.server}/{repository}{separator}{tag}"

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def container_registry_login() -> RegistryLogin:
    """Hand over what another tool (a builder, an engine that runs containers) needs to reach the registry by itself.

    Called in any process that has the stack, shortly before such a tool is started. Nothing is written to the user's
    own configuration of Docker or podman. Raises when the registry gives no login.

    :returns: the login; ``None`` when everybody is let in, over TLS, or there is no server.

    .. code-block:: python

        from plugbay_hookspecs import Secret, component, hookimpl
        from plugbay_hookspecs.types import RegistryLogin


        @component
        class Registry:
            '''Logs in to a registry with a name and a password of the stack's configuration.'''

            server: str = "registry.example.com"
            username: str | None = None
            password: Secret | None = None

            @hookimpl
            def container_registry_login(self) -> RegistryLogin | None:
                if self.username is None:
                    return None
                return RegistryLogin(server=self.server, username=self.username, password=self.password)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def container_registry_push(image: Image, reference: str) -> str:
    """Put an image into the registry.

    Called in any process that has the stack. Idempotent: what is there already is not sent again. The reference changes
    only when the image is there as a whole. Raises ``ValueError`` for an image that it cannot read (one without an
    archive that lies elsewhere), ``OSError`` when the registry did not take it.

    :param image: with its archive, unless the flavor's own tool finds it by its reference.
    :returns: the digest by which the registry knows it.

    .. code-block:: python

        import shutil
        from pathlib import Path
        from urllib.parse import quote

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Image


        @component
        class ArchiveFolder:
            '''Keeps each image as an archive in a folder that all machines mount, and each reference as a small file.'''

            root: Path = Path("images")

            @hookimpl
            def container_registry_push(self, image: Image, reference: str) -> str:
                if image.archive is None:
                    msg = f"{image.reference} has no archive to copy"
                    raise ValueError(msg)
                self.root.mkdir(parents=True, exist_ok=True)
                archive = self.root / f"{image.digest.removeprefix('sha256:')}.tar"
                if not archive.exists():
                    shutil.copyfile(image.archive, archive.with_suffix(".part"))
                    archive.with_suffix(".part").replace(archive)
                name = self.root / f"{quote(reference, safe='')}.ref"
                name.with_suffix(".part").write_text(image.digest, encoding="utf-8")
                name.with_suffix(".part").replace(name)
                return image.digest

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def container_registry_pull(reference: str, archive: Path) -> Image:
    """Fetch an image into a file of the local disk.

    Called in any process that has the stack. Raises ``FileNotFoundError`` when there is no such image, another
    ``OSError`` when it could not be fetched or its digest is wrong.

    :param archive: the file to write (see :attr:`plugbay_hookspecs.types.Image.archive`); the caller removes it.
    :returns: the image, with the archive; ``None`` when the registry leaves fetching to other tools.

    .. code-block:: python

        import shutil
        from pathlib import Path
        from urllib.parse import quote

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Image


        @component
        class ArchiveFolder:
            '''Finds images as archives in a folder that all machines mount, by their digests.'''

            root: Path = Path("images")

            @hookimpl
            def container_registry_pull(self, reference: str, archive: Path) -> Image:
                digest = (self.root / f"{quote(reference, safe='')}.ref").read_text(encoding="utf-8")
                shutil.copyfile(self.root / f"{digest.removeprefix('sha256:')}.tar", archive)
                return Image(reference=reference, digest=digest, archive=archive)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def container_registry_resolve(reference: str) -> str | None:
    """Look up which image a reference means now, without fetching it.

    Called in any process that has the stack, in the driver also to find out whether an image must be built. Raises
    ``OSError`` when the registry could not be asked.

    :returns: the digest; ``None`` when there is no such image.

    .. code-block:: python

        from urllib.error import HTTPError
        from urllib.request import Request, urlopen

        from plugbay_hookspecs import component, hookimpl

        KINDS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json")


        @component
        class Registry:
            '''Asks a registry that speaks the OCI distribution protocol and lets everybody in.'''

            address: str = "http://127.0.0.1:5000"

            @hookimpl
            def container_registry_resolve(self, reference: str) -> str | None:
                path = reference.partition("/")[2]
                repository, tag = path.split("@") if "@" in path else path.rsplit(":", 1)
                url = f"{self.address}/v2/{repository}/manifests/{tag}"
                try:
                    with urlopen(Request(url, headers={"Accept": ", ".join(KINDS)}, method="HEAD"), timeout=30) as found:
                        return str(found.headers["Docker-Content-Digest"])
                except HTTPError as error:
                    with error:
                        if error.code == 404:
                            return None
                        raise

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def container_registry_list(repository: str) -> Sequence[str]:
    """List the tags of a repository.

    Called in any process that has the stack. Raises ``OSError`` when the registry could not be asked.

    :returns: in the order of their names; empty when there is no such repository, ``None`` when the registry cannot list.

    .. code-block:: python

        import json
        from collections.abc import Sequence
        from urllib.error import HTTPError
        from urllib.request import urlopen

        from plugbay_hookspecs import component, hookimpl


        @component
        class Registry:
            '''Asks a registry that speaks the OCI distribution protocol and lets everybody in.'''

            address: str = "http://127.0.0.1:5000"

            @hookimpl
            def container_registry_list(self, repository: str) -> Sequence[str]:
                try:
                    with urlopen(f"{self.address}/v2/{repository}/tags/list", timeout=30) as found:
                        return sorted(json.load(found)["tags"] or [])
                except HTTPError as error:
                    with error:
                        if error.code == 404:
                            return []
                        raise

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def container_registry_delete(reference: str) -> bool:
    """Delete an image, or the tag of one.

    Called in any process that has the stack. Idempotent. With a digest the image goes, with all its tags; with a tag
    that tag goes and no other. A registry that deletes by digest only raises ``OSError`` while another tag means the
    same image, as it does when it allows no deletion at all.

    :returns: whether there was one; ``None`` when the registry never deletes.

    .. code-block:: python

        from pathlib import Path
        from urllib.parse import quote

        from plugbay_hookspecs import component, hookimpl


        @component
        class ArchiveFolder:
            '''Keeps each image as an archive in a folder, and each reference as a small file with the digest.'''

            root: Path = Path("images")

            @hookimpl
            def container_registry_delete(self, reference: str) -> bool:
                _, _, digest = reference.partition("@")
                if not digest:
                    name = self.root / f"{quote(reference, safe='')}.ref"
                    existed = name.exists()
                    name.unlink(missing_ok=True)
                    return existed
                for name in self.root.glob("*.ref"):
                    if name.read_text(encoding="utf-8") == digest:
                        name.unlink(missing_ok=True)
                archive = self.root / f"{digest.removeprefix('sha256:')}.tar"
                existed = archive.exists()
                archive.unlink(missing_ok=True)
                return existed

    .. versionadded:: 0.1
    """
    raise NotImplementedError
