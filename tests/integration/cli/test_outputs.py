"""``plugbay artifacts get``: an output as a file."""

import json

import pytest


@pytest.fixture(scope="module")
def outputs(history):
    history.write(
        "files.py",
        """
        from pathlib import Path
        from typing import Annotated

        from plugbay import pipeline, step

        @step
        def report() -> Path:
            Path("report.html").write_text("<h1>Flights</h1>")
            return Path("report.html")

        @step
        def tree() -> Path:
            Path("tree/below").mkdir(parents=True, exist_ok=True)
            Path("tree/a.txt").write_text("a")
            Path("tree/below/b.txt").write_text("b")
            return Path("tree")

        @step
        def model() -> Path:
            Path("model_v1/v1").mkdir(parents=True, exist_ok=True)
            Path("model_v1/logs").mkdir(exist_ok=True)
            Path("model_v1/v1/go.sh").write_text("true")
            Path("model_v1/v1/go.sh").chmod(0o755)
            Path("model_v1/latest").unlink(missing_ok=True)
            Path("model_v1/latest").symlink_to("v1")
            return Path("model_v1")

        @step
        def raw() -> bytes:
            return bytes(range(256)) * 40

        @pipeline
        def files():
            report()
            tree()
            model()
            raw()
    """,
    )
    done = history.plugbay("run", "files.py", "--json")
    assert done.code == 0, done
    history.files = done.json["id"]
    return history


def test_a_plain_value_is_written_as_json_named_after_the_output(outputs, tmp_path):
    done = outputs.plugbay("artifacts", "get", outputs.succeeded["id"], "train", "model", "-o", f"{tmp_path}/")
    assert done.code == 0, done
    assert json.loads((tmp_path / "model.json").read_text()) == {"weight": 0.1}


def test_a_file_keeps_its_name(outputs, tmp_path):
    outputs.plugbay("artifacts", "get", outputs.files, "report", "-o", tmp_path)
    assert (tmp_path / "report.html").read_text() == "<h1>Flights</h1>"


def test_a_directory_is_written_as_one(outputs, tmp_path):
    done = outputs.plugbay("artifacts", "get", outputs.files, "tree", "-o", tmp_path / "copy")
    assert done.out == f"{tmp_path / 'copy'}: 2 bytes in 2 files\n"
    assert (tmp_path / "copy/below/b.txt").read_text() == "b"


def assert_is_model(path):
    assert {part.relative_to(path).as_posix() for part in path.rglob("*")} == {"v1", "v1/go.sh", "latest", "logs"}
    assert (path / "latest").readlink().as_posix() == "v1"
    assert (path / "v1/go.sh").stat().st_mode & 0o100


def test_a_directory_keeps_its_name_links_empty_directories_and_which_files_are_executable(outputs, tmp_path):
    done = outputs.plugbay("artifacts", "get", outputs.files, "model", "-o", f"{tmp_path}/")
    assert done.out == f"{tmp_path / 'model_v1'}: 4 bytes in 1 file\n"
    assert_is_model(tmp_path / "model_v1")


def test_a_directory_that_is_overwritten_has_the_kind_of_each_part(outputs, tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "m" / "v1").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "m" / "logs").write_text("a file")
    (tmp_path / "m" / "latest").symlink_to("nowhere")
    done = outputs.plugbay("artifacts", "get", outputs.files, "model", "-o", tmp_path / "m", "--force")
    assert done.code == 0, done
    assert_is_model(tmp_path / "m")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_mapped_steps_output_is_a_directory_with_one_file_for_each_call(outputs, tmp_path):
    outputs.plugbay("artifacts", "get", outputs.succeeded["id"], "double", "-o", tmp_path / "doubled")
    assert {path.name: path.read_text() for path in (tmp_path / "doubled").iterdir()} == {
        "0.json": "2",
        "1.json": "4",
        "2.json": "6",
    }


def test_bytes_go_to_standard_output_as_they_are(outputs):
    done = outputs.plugbay("artifacts", "get", outputs.succeeded["id"], "train", "accuracy", "-o", "-")
    assert done.out == "0.875"


def test_nothing_is_overwritten_without_force(outputs, tmp_path):
    target = tmp_path / "raw.bin"
    target.write_text("mine")
    outputs.plugbay("artifacts", "get", outputs.files, "raw", "-o", target).assert_error("exists already", "--force")
    assert target.read_text() == "mine"
    assert outputs.plugbay("artifacts", "get", outputs.files, "raw", "-o", target, "--force").code == 0
    assert target.read_bytes() == bytes(range(256)) * 40


def test_a_step_with_several_outputs_asks_which(outputs):
    outputs.plugbay("artifacts", "get", outputs.succeeded["id"], "train").assert_error("accuracy, model")


def test_a_directory_cannot_go_to_standard_output(outputs):
    outputs.plugbay("artifacts", "get", outputs.files, "tree", "-o", "-").assert_error("-o PATH")


def test_a_target_that_cannot_be_written_is_named(outputs):
    outputs.plugbay("artifacts", "get", outputs.files, "raw", "-o", "/proc/raw").assert_error("/proc/raw")


def test_damaged_bytes_are_never_written(outputs, tmp_path):
    run = outputs.plugbay("show", outputs.files, "--json").json
    digest = next(step for step in run["steps"] if step["id"] == "raw")["outputs"][0]["digest"]
    blob = outputs.home / "store" / "blobs" / digest[:2] / digest
    content = blob.read_bytes()
    blob.chmod(0o644)
    try:
        blob.write_bytes(b"x" + content[1:])
        outputs.plugbay("artifacts", "get", outputs.files, "raw", "-o", tmp_path / "raw").assert_error(
            "is damaged", digest
        )
        assert list(tmp_path.iterdir()) == []
    finally:
        blob.write_bytes(content)


WITHOUT_PYARROW = """
import sys

sys.modules["pyarrow"] = None  # as if it were not installed

import pandas as pd
from plugbay import pipeline, step

@step
def load() -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2]})

@step
def total(frame: pd.DataFrame) -> int:
    return int(frame["a"].sum())

@pipeline
def totals():
    total(load())
"""


def test_without_pyarrow_a_frame_is_pickled_where_that_is_allowed(project):
    project.write("totals.py", WITHOUT_PYARROW)
    done = project.plugbay("run", "totals.py", "--json")
    assert done.code == 0, done
    (frame,) = done.json["steps"][0]["outputs"]
    assert frame["serializer"] == "pickle"
    assert "pip install 'plugbay-data[pandas]'" in frame["metadata"]["pickled_because"]
    refused = project.plugbay("run", "totals.py", "--no-cache", PLUGBAY_ALLOW_PICKLE="false")
    assert refused.code == 1
    assert "pip install 'plugbay-data[pandas]'" in refused.err
    assert "allow_pickle = false" in refused.err


@pytest.mark.parametrize(
    ("declared", "value", "remedy"),
    [
        ("int", "np.int64(3)", "write int(...) around it, or declare numpy.int64"),
        ("float", "np.float32(3)", "write float(...) around it, or declare numpy.float32"),
        ("bool", "np.bool_(True)", "write bool(...) around it, or declare numpy.bool"),
        ("list[int]", "(1, 2)", "write list(...) around it, or declare tuple"),
        ("dict[str, int]", "{'a': np.int8(1)}", "write int(...) around it, or declare numpy.int8"),
    ],
)
def test_a_value_that_is_as_good_as_what_was_declared_is_refused_with_what_to_write(project, declared, value, remedy):
    project.write(
        "flow.py",
        f"""
        import numpy as np
        from plugbay import pipeline, step

        @step
        def one() -> {declared}:
            return {value}

        @pipeline
        def flow():
            one()
    """,
    )
    done = project.plugbay("run", "flow.py")
    assert done.code == 1
    assert remedy in done.err


@pytest.mark.parametrize(
    ("output", "file", "told"),
    [
        ("picture", "fig.png", "is kept as 'pickle', which is no .png file; write fig.pickle, or let the step return"),
        (
            "frame",
            "table.csv",
            "which is no .csv file; write table.arrow, or let the step return the bytes or the Path",
        ),
        ("number", "number.HTML", "is kept as 'json', which is no .html file; write number.json, or"),
        ("picture", "fig.pkl", None),
        ("picture", "fig", None),
        ("number", "number.txt", None),
        ("image", "image.png", None),
        ("report", "other.pdf", None),
    ],
)
def test_an_extension_of_another_format_is_refused(project, output, file, told):
    project.write(
        "formats.py",
        """
        from pathlib import Path
        from typing import Annotated

        import pandas as pd
        from plugbay import pipeline, step

        class Picture:
            pass

        @step
        def make() -> tuple[
            Annotated[Picture, "picture"], Annotated[pd.DataFrame, "frame"], Annotated[int, "number"],
            Annotated[bytes, "image"], Annotated[Path, "report"],
        ]:
            Path("report.html").write_text("<p>")
            return Picture(), pd.DataFrame({"a": [1]}), 1, b"png", Path("report.html")

        @pipeline
        def formats():
            make()
    """,
    )
    assert project.plugbay("run", "formats.py").code == 0
    done = project.plugbay("artifacts", "get", "last", "make", output, "-o", file)
    if told is None:
        assert (done.code, (project.directory / file).exists()) == (0, True), done
    else:
        done.assert_error(told)
        assert not (project.directory / file).exists()
