"""What every image builder does.

Commands are programs of the standard library for the ``python`` that the base image has; they run in the image's
directory. A builder that only puts files on a base, without an engine to run anything in it, says so in ``lacking``.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import logging
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from attrs import frozen

from plugbay.testing.component import ComponentContract
from plugbay.testing.container_registry import blobs_in
from plugbay.testing.processes import call
from plugbay_hookspecs import Secret
from plugbay_hookspecs.types import BuildOptions, Image, ImageDefaults, ImageSpec

SECRET = "otter-7f3a-river"  # noqa: S105  made up
FILE_NAMES = ("größe 日本 🦦.txt", "two  words.txt", "$HOME.txt", 'it\'s "quoted".txt', "-x", "#no comment", "a;b&c")
HOSTILE_REFERENCES = ("", "Upper/Case:1", "a b:1", "-x", "--tag=a:1", "a:1\nb", "a:../up", "../up:1", "a\0b", "a//b")
GREETING = 'a "b" $HOME \\ é'
TIMED = "import time; open('time', 'w').write(str(time.time_ns()))"
BEYOND: Mapping[str, Mapping[str, Any]] = {
    "commands": {"commands": (("python", "-c", "pass"),)},
    "requirements": {"requirements": ("pip",)},
    "secrets": {"secrets": ("token",)},
    "containerfile": {"base": "", "containerfile": "Containerfile"},
}
"""What a builder is asked for that lacks a capability."""


@frozen
class Content:
    """What is in an image."""

    config: Mapping[str, Any]
    files: Mapping[str, bytes]
    """By their paths without a slash at the beginning; a later layer covers an earlier one."""
    everything: bytes
    """The manifest, the configuration with its history, and what the layers above the base have."""

    @property
    def environment(self) -> dict[str, str]:
        """The variables."""
        return dict(variable.split("=", 1) for variable in self.config["config"].get("Env", ()))


def content_of(archive: Path, directory: str) -> Content:
    """Read an archive, the files below ``directory`` only."""
    blobs = blobs_in(archive)
    with tarfile.open(archive, "r:") as tar:
        index = tar.extractfile(next(member for member in tar if member.name.removeprefix("./") == "index.json"))
        assert index is not None
        image = json.load(index)["manifests"][0]["digest"]
    manifest = json.loads(blobs[image])
    config = blobs[manifest["config"]["digest"]]
    files: dict[str, bytes] = {}
    everything = [blobs[image], config]
    for layer in manifest["layers"]:
        content = blobs[layer["digest"]]
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        everything.append(content if len(content) < 20_000_000 else b"")
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
            for member in tar:
                name = member.name.removeprefix("./").lstrip("/")
                if member.isreg() and f"/{name}".startswith(f"{directory}/"):
                    file = tar.extractfile(member)
                    files[name] = b"" if file is None else file.read()
    return Content(json.loads(config), files, b"\0".join(everything))


def make_wheel(directory: Path, name: str = "plugbay_contract_wheel", value: str = "installed") -> Path:
    """Write a wheel of a module with the constant ``VALUE``."""
    path = directory / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": f"VALUE = {value!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: contract\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in files.items():
            wheel.writestr(zipfile.ZipInfo(file), text)
    return path


class ImageBuilderContract(ComponentContract):
    """Tests of an image builder on this machine."""

    component_type: ClassVar[str] = "image_builder"
    capabilities: ClassVar[frozenset[str]] = frozenset(
        {"find", "commands", "requirements", "secrets", "containerfile", "cache"}
    )
    """``cache``: a build that may use what was built before makes the same image; without it, commands run again. What
    of a specification a builder lacks it refuses: nobody gets an image that is less than was asked for."""
    base: ClassVar[str]
    """The reference of an image with Python and pip that the builder finds."""
    processes: ClassVar[int] = 2

    @pytest.fixture
    def context(self, tmp_path: Path) -> Path:
        """A build's context with a few files."""
        context = tmp_path / "context"
        (context / "package" / "inner").mkdir(parents=True)
        (context / "main.py").write_text("print('it runs')\n", encoding="utf-8")
        (context / "package" / "inner" / "data.bin").write_bytes(bytes(range(256)))
        (context / "not named").write_text("stays out", encoding="utf-8")
        (context / ".dockerignore").write_text("*\n", encoding="utf-8")
        return context

    @pytest.fixture
    def reference(self) -> str:
        """A name that no image has."""
        return f"localhost/contract/{uuid4().hex}:1"

    @pytest.fixture
    def options(self, reference: str, tmp_path: Path) -> BuildOptions:
        """How to build, with an archive."""
        return BuildOptions(reference=reference, archive=tmp_path / "image.tar")

    def spec(self, **settings: Any) -> ImageSpec:
        """A specification on the contract's base."""
        return ImageSpec(**{"base": self.base, **settings})

    def commands(self, program: str) -> tuple[tuple[str, ...], ...]:
        """A program for Python as the commands of a specification; none for a builder that runs none."""
        return () if "commands" in self.lacking else (("python", "-c", program),)

    def built(self, hooks: Any, context: Path, spec: ImageSpec, options: BuildOptions) -> Image:
        """Build an image, and check what is said of it."""
        image = hooks.image_builder_build(context=context, spec=spec, options=options)
        assert isinstance(image, Image), f"a build gives an Image, not {image!r}"
        assert image.reference == options.reference, "an image has another name than it was given"
        assert image.archive == options.archive, "an image has another archive than was asked for"
        return image

    def content(self, image: Image, directory: str = "/app") -> Content:
        """What is in an image with an archive."""
        assert image.archive is not None
        return content_of(image.archive, directory)

    def test_an_image_is_what_the_specification_says(self, hooks: Any, context: Path, options: BuildOptions) -> None:
        """Files, directory and variables."""
        environment = {"GREETING": GREETING, "EMPTY": ""}
        spec = self.spec(files=("main.py", "package"), directory="/srv/job", environment=environment)
        content = self.content(self.built(hooks, context, spec, options), "/srv/job")
        assert {name: content.environment.get(name) for name in environment} == environment, "the variables"
        assert content.config["config"]["WorkingDir"] == "/srv/job", "the working directory"
        files = {name.removeprefix("srv/job/"): text for name, text in content.files.items()}
        assert files.pop("main.py") == b"print('it runs')\n", "a file"
        assert files.pop("package/inner/data.bin") == bytes(range(256)), "a file of a directory"
        assert not files, f"nobody asked for {sorted(files)}"

    def test_commands_run_in_the_image_in_their_order(self, hooks: Any, context: Path, options: BuildOptions) -> None:
        """At the end, with its files and variables, in its directory, and without a shell."""
        self.need("commands")
        program = (
            "import os, sys; sees = [os.getcwd()[-8:], os.environ['GREETING'], sorted(os.listdir())];"
            "open(sys.argv[1], 'w').write(ascii([*sees, sys.argv[2]]))"
        )
        commands = tuple(("python", "-c", program, name, "$HOME *") for name in ("one", "two"))
        spec = self.spec(
            files=("main.py",), directory="/srv/job", environment={"GREETING": GREETING}, commands=commands
        )
        files = self.content(self.built(hooks, context, spec, options), "/srv/job").files
        for name, beside in (("one", ["main.py"]), ("two", ["main.py", "one"])):
            seen = files.get(f"srv/job/{name}", b"").decode()
            assert seen == ascii(["/srv/job", GREETING, beside, "$HOME *"]), f"command {name} saw {seen}"

    def test_requirements_are_installed(self, hooks: Any, context: Path, options: BuildOptions) -> None:
        """From wheels of the context, before the commands run."""
        self.need("requirements")
        make_wheel(context)
        program = "import plugbay_contract_wheel as it; open('found', 'w').write(it.VALUE)"
        spec = self.spec(
            requirements=("plugbay-contract-wheel>=1",),
            wheels=("plugbay_contract_wheel-1.0-py3-none-any.whl",),
            index="",
            commands=self.commands(program),
        )
        image = self.built(hooks, context, spec, options)
        if "commands" in self.lacking:
            installed = {PurePosixPath(file).name for file in self.content(image, "").files}
            assert "plugbay_contract_wheel.py" in installed, "a requirement is not there"
        else:
            assert self.content(image).files.get("app/found") == b"installed", "a requirement is not there"

    def test_the_digest_is_that_of_the_image_in_the_archive(
        self, hooks: Any, context: Path, options: BuildOptions
    ) -> None:
        """An OCI image layout with this one image."""
        image = self.built(hooks, context, self.spec(files=("main.py",)), options)
        assert image.archive is not None
        blobs = blobs_in(image.archive)
        assert image.digest in blobs, "the digest is of no blob in the archive"
        manifest = json.loads(blobs[image.digest])
        assert "layers" in manifest, "the digest is not that of the manifest"
        wanted = {manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])}
        assert wanted <= blobs.keys(), "the archive has not all blobs of its image"

    def test_the_same_specification_makes_the_same_image(
        self, hooks: Any, context: Path, options: BuildOptions, tmp_path: Path
    ) -> None:
        """What was built before is used again."""
        self.need("cache")
        spec = self.spec(files=("main.py",), commands=self.commands(TIMED))
        first = self.built(hooks, context, spec, options)
        again = BuildOptions(reference=f"{options.reference}-2", archive=tmp_path / "again.tar")
        assert self.built(hooks, context, spec, again).digest == first.digest, "the image is another one"
        (context / "main.py").write_text("changed", encoding="utf-8")
        changed = self.built(hooks, context, spec, again)
        assert self.content(changed).files["app/main.py"] == b"changed", "a file that was changed is as it was before"

    def test_without_the_cache_commands_run_again(self, hooks: Any, context: Path, options: BuildOptions) -> None:
        self.need("commands")
        spec = self.spec(commands=self.commands(TIMED))
        first = self.content(self.built(hooks, context, spec, options)).files["app/time"]
        again = BuildOptions(reference=options.reference, archive=options.archive, cache=False)
        assert self.content(self.built(hooks, context, spec, again)).files["app/time"] != first, "it was not run again"

    def test_the_context_is_left_as_it_was(self, hooks: Any, context: Path, options: BuildOptions) -> None:
        """After a build that failed too."""
        before = _tree(context)
        for program, file in (("open('made', 'w')", "main.py"), ("raise SystemExit(1)", "no such file")):
            spec = self.spec(files=("package", file), commands=self.commands(program))
            try:
                self.built(hooks, context, spec, options)
            except (OSError, ValueError):
                assert file == "no such file", "a right build failed"
            assert _tree(context) == before, "the context was changed"

    def test_a_failing_command_is_an_os_error_with_what_it_printed(
        self, hooks: Any, context: Path, options: BuildOptions
    ) -> None:
        """And no image has the name."""
        self.need("commands")
        program = "import sys; print('it is', 'too late'); sys.exit(3)"
        with pytest.raises(OSError) as caught:
            self.built(hooks, context, self.spec(commands=self.commands(program)), options)
        assert "it is too late" in str(caught.value), (
            f"the error does not tell what the command printed: {caught.value}"
        )
        if "find" not in self.lacking:
            assert hooks.image_builder_find(reference=options.reference) is None, "a build that failed left an image"

    def test_what_a_command_prints_is_logged(
        self, hooks: Any, context: Path, options: BuildOptions, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.need("commands")
        spec = self.spec(commands=self.commands("print('it is', 'on its way')"))
        with caplog.at_level(logging.INFO):
            self.built(hooks, context, spec, options)
        assert "it is on its way" in caplog.text, "what the tool prints goes to a logger"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"environment": {"A": "b\nUSER nobody"}},
            {"environment": {"A\nUSER": "b"}},
            {"environment": {"": "b"}},
            {"requirements": ("a\nUSER nobody",)},
            {"requirements": ("--pre",)},
            {"directory": "/app\nUSER nobody"},
            {"files": ("../context/main.py",)},
            {"files": ("/etc/passwd",)},
            {"files": ("no such file",)},
            {"files": ("",)},
            {"secrets": ("no-value",)},
            {"secrets": ("a,src=/etc/passwd",)},
        ],
        ids=str,
    )
    def test_a_wrong_value_is_refused(
        self, hooks: Any, context: Path, options: BuildOptions, wrong: dict[str, Any]
    ) -> None:
        with pytest.raises(ValueError):
            self.built(hooks, context, self.spec(**wrong), options)
        if "find" not in self.lacking:
            assert hooks.image_builder_find(reference=options.reference) is None

    def test_what_it_lacks_is_refused(self, hooks: Any, context: Path, reference: str) -> None:
        """Rather than left out."""
        (context / "Containerfile").write_text(f"FROM {self.base}\n", encoding="utf-8")
        options = BuildOptions(reference=reference, secrets={"token": Secret(SECRET)})
        for name in [name for name in BEYOND if name in self.lacking]:
            try:
                self.built(hooks, context, self.spec(**BEYOND[name]), options)
            except ValueError:
                continue
            pytest.fail(f"it lacks {name}, and an image was built without")

    @pytest.mark.parametrize("reference", HOSTILE_REFERENCES, ids=ascii)
    def test_a_hostile_name_is_refused(self, hooks: Any, context: Path, options: BuildOptions) -> None:
        with pytest.raises(ValueError):
            self.built(hooks, context, self.spec(), options)
        assert hooks.image_builder_find(reference=options.reference) is None

    def test_a_file_that_leads_out_of_the_context_is_refused(
        self, hooks: Any, context: Path, options: BuildOptions
    ) -> None:
        """A symbolic link does not bring in what is not of the context."""
        outside = context.parent / "outside"
        outside.write_text(SECRET, encoding="utf-8")
        (context / "link").symlink_to(outside)
        with pytest.raises((ValueError, OSError)):
            self.built(hooks, context, self.spec(files=("link",)), options)

    def test_file_names_of_all_kinds(self, hooks: Any, context: Path, options: BuildOptions) -> None:
        for name in FILE_NAMES:
            (context / name).write_text(name, encoding="utf-8")
        found = self.content(self.built(hooks, context, self.spec(files=FILE_NAMES), options)).files
        assert found == {f"app/{name}": name.encode() for name in FILE_NAMES}

    def test_a_secret_is_there_while_the_image_is_built_and_not_in_it(
        self, hooks: Any, context: Path, reference: str, tmp_path: Path
    ) -> None:
        """Neither in a layer nor in the configuration, nor in its history."""
        self.need("secrets")
        self.need("commands")
        program = (
            "import hashlib, os; found = open('/run/secrets/token').read();"
            "open('seen', 'w').write(hashlib.sha256(found.encode()).hexdigest())"
        )
        archive = tmp_path / "image.tar"
        options = BuildOptions(reference=reference, archive=archive, secrets={"token": Secret(SECRET)})
        spec = self.spec(secrets=("token",), commands=self.commands(program))
        content = self.content(self.built(hooks, context, spec, options))
        expected = hashlib.sha256(SECRET.encode()).hexdigest()
        assert content.files.get("app/seen", b"").decode() == expected, "the command did not read the secret"
        assert SECRET.encode() not in content.everything, "the secret is part of the image"

    def test_a_secret_is_not_told(
        self, hooks: Any, context: Path, reference: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """By no error and no log, although a command prints it."""
        self.need("secrets")
        self.need("commands")
        options = BuildOptions(reference=reference, secrets={"token": Secret(SECRET)})
        program = "import sys; print('it is', open('/run/secrets/token').read(), flush=True); sys.exit(3)"
        spec = self.spec(secrets=("token",), commands=self.commands(program))
        with caplog.at_level(logging.DEBUG), pytest.raises(OSError) as caught:
            self.built(hooks, context, spec, options)
        chain: BaseException | None = caught.value
        while chain is not None:
            assert SECRET not in f"{chain} {chain!r} {vars(chain)}", "the secret is part of an error"
            chain = chain.__cause__ or chain.__context__
        assert SECRET not in caplog.text, "the secret was logged"

    def test_an_image_is_found_once_it_is_built(
        self, component: Any, hooks: Any, context: Path, reference: str
    ) -> None:
        """By this process and another, with its digest and without an archive."""
        self.need("find")
        assert hooks.image_builder_find(reference=reference) is None
        image = self.built(hooks, context, self.spec(), BuildOptions(reference=reference))
        assert hooks.image_builder_find(reference=reference) == image
        ((outcome,),) = self.at_once(component, [[call("image_builder_find", reference=reference)]])
        assert outcome.value == image, "another process does not find it"

    def test_labels_are_kept_with_the_image(self, hooks: Any, context: Path, reference: str, tmp_path: Path) -> None:
        labels = {"org.example.run": "a b=c; $HOME 日本", "empty": ""}
        options = BuildOptions(reference=reference, archive=tmp_path / "image.tar", labels=labels)
        found = self.content(self.built(hooks, context, self.spec(), options)).config["config"].get("Labels") or {}
        assert {name: found.get(name) for name in labels} == labels, f"the labels are {found}"

    def test_a_containerfile_of_its_own(self, hooks: Any, context: Path, reference: str, tmp_path: Path) -> None:
        """With values for its ``ARG``."""
        self.need("containerfile")
        self.need("commands")
        (context / ".dockerignore").unlink()
        program = "open('who', 'w').write(__import__('os').environ['WHO'])"
        lines = [f"FROM {self.base}", "WORKDIR /app", "ARG WHO=nobody", "ENV WHO=$WHO"]
        lines.append(f"RUN {json.dumps(['python', '-c', program])}")
        (context / "Containerfile").write_text("\n".join(lines), encoding="utf-8")
        archive = tmp_path / "image.tar"
        options = BuildOptions(reference=reference, archive=archive, arguments={"WHO": "an otter = 🦦"})
        image = self.built(hooks, context, ImageSpec(base="", containerfile="Containerfile"), options)
        assert self.content(image).files.get("app/who") == "an otter = 🦦".encode(), "an argument did not arrive"

    def test_images_are_built_at_once(self, component: Any, hooks: Any, context: Path, tmp_path: Path) -> None:
        """By several processes, of one context: each gets its own."""
        scripts, archives = [], []
        for process in range(self.processes):
            archives.append(tmp_path / f"{process}.tar")
            options = BuildOptions(reference=f"localhost/contract/{uuid4().hex}:1", archive=archives[-1])
            program = f"import time; time.sleep(0.3); open('mine', 'w').write('{process}')"
            (context / f"own-{process}").touch()
            spec = self.spec(files=("main.py", f"own-{process}"), commands=self.commands(program))
            scripts.append([call("image_builder_build", context=context, spec=spec, options=options)])
        for process, ((outcome,), archive) in enumerate(zip(self.at_once(component, scripts), archives, strict=True)):
            assert outcome.error is None, f"a build failed beside another: {outcome.error}"
            found = dict(content_of(archive, "/app").files)
            if "commands" not in self.lacking:
                assert found.pop("app/mine") == str(process).encode(), "the builds were mixed up"
            assert found.keys() == {"app/main.py", f"app/own-{process}"}, "the builds were mixed up"

    def test_what_images_for_steps_begin_with_is_told(self, component: Any, hooks: Any) -> None:
        """Without anything being started."""
        assert isinstance(hooks.image_builder_defaults() or ImageDefaults(), ImageDefaults)
        assert hooks.image_builder_is_local() in (None, True, False)


def _tree(directory: Path) -> dict[str, tuple[int, bytes | None]]:
    return {str(path.relative_to(directory)): each for path, each in _entries(directory)}


def _entries(directory: Path) -> Iterator[tuple[Path, tuple[int, bytes | None]]]:
    for path in sorted(directory.rglob("*")):
        yield path, (path.stat().st_mode, path.read_bytes() if path.is_file() else None)
