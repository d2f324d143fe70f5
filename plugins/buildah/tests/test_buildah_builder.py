"""buildah beside other tools: a registry that asks for a password, and one that is a directory."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from plugbay.testing.container_registry import blobs_in
from plugbay_buildah.builder import BuildahImageBuilder
from plugbay_hookspecs import Secret
from plugbay_hookspecs.types import BuildOptions, ImageSpec, RegistryLogin, StackInfo
from plugbay_local.container_registry import LayoutContainerRegistry
from servers.containers import BASE, Containers
from servers.docker_registry import docker_registry


def test_the_base_comes_from_a_registry_that_asks_for_a_password(
    builder: BuildahImageBuilder, storage: Containers, tmp_path: Path
) -> None:
    with docker_registry(tmp_path / "registry") as registry:
        base = f"{registry.server}/ml/base:1"
        credentials = f"--creds={registry.username}:{registry.password}"
        storage.run("buildah", "push", "--quiet", "--tls-verify=false", credentials, BASE, f"docker://{base}")
        spec = ImageSpec(base=base, commands=(("python", "-c", "open('made', 'w')"),))
        login = RegistryLogin(
            server=registry.server, username=registry.username, password=Secret(registry.password), insecure=True
        )
        options = BuildOptions(reference="localhost/logged-in:1", login=login)
        assert builder.image_builder_build(tmp_path, spec, options) == builder.image_builder_find(options.reference)
        storage.run("buildah", "rmi", "--force", base)
        wrong = evolve(options, login=evolve(login, password=Secret("wrong-4d1f")))
        with pytest.raises(OSError) as caught:
            builder.image_builder_build(tmp_path, spec, wrong)
        assert "wrong-4d1f" not in str(caught.value)


def test_an_image_goes_through_a_registry_that_is_a_directory(builder: BuildahImageBuilder, tmp_path: Path) -> None:
    options = BuildOptions(reference="localhost/to-layout:1", archive=tmp_path / "image.tar")
    image = builder.image_builder_build(tmp_path, ImageSpec(base=BASE), options)
    registry = LayoutContainerRegistry(path=tmp_path / "images")
    reference = registry.container_registry_reference("ml/steps", "1")
    assert registry.container_registry_push(image, reference) == image.digest
    pulled = registry.container_registry_pull(reference, tmp_path / "pulled.tar")
    assert image.archive is not None
    assert pulled.archive is not None
    assert blobs_in(pulled.archive) == blobs_in(image.archive)


def test_a_command_that_is_not_there_is_told(builder: BuildahImageBuilder, tmp_path: Path) -> None:
    missing = evolve(builder, command="/no/such/buildah")
    with pytest.raises(OSError, match="there is no command '/no/such/buildah'"):
        missing.image_builder_build(tmp_path, ImageSpec(base=BASE), BuildOptions(reference="localhost/a:1"))
    health = missing.component_health()
    assert not health.ok
    assert builder.component_health().detail.startswith("buildah version")


def test_wheels_that_are_not_there_are_a_problem(tmp_path: Path) -> None:
    missing = BuildahImageBuilder(wheels=(tmp_path / "dist",))
    (problem,) = missing.component_validate(StackInfo(name="s", components=()))
    assert "dist" in problem.message
