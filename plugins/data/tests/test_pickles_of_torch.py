"""PyTorch's values are kept as pickles, which are the same bytes in every process for the same content."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from plugbay.serializers.pickling import dumps, loads

torch = pytest.importorskip("torch", exc_type=ImportError)

VALUES = {
    "tensor": "torch.tensor([1., <>.])",
    "tensor of bfloat16": "torch.tensor([1., <>.]).bfloat16()",
    "sparse tensor": "torch.sparse_coo_tensor([[0, 1]], [1., <>.], (3,), check_invariants=True)",
    "quantized tensor": "torch.quantize_per_tensor(torch.tensor([1., <>.]), 0.1, 0, torch.quint8)",
    "part of a tensor": "torch.arange(<>.)[1:]",
    "module": "torch.nn.Linear(2, <>)",
    "state of a module": "torch.nn.Linear(2, <>).state_dict()",
    "optimizer": "torch.optim.SGD(torch.nn.Linear(2, 2).parameters(), lr=<>)",
    "generator": "torch.Generator().manual_seed(<>)",
    "dict of tensors": "{'a': [torch.tensor(<>)], 'b': torch.Size([2])}",
}
WRITE = """
import hashlib, json, sys, warnings
warnings.simplefilter("ignore")
import torch
from plugbay.serializers.pickling import dumps
written = {}
for name, text in json.loads(sys.argv[1]).items():
    for number in "23":
        torch.manual_seed(0)
        written[name + number] = hashlib.sha256(dumps(eval(text.replace("<>", number)))).hexdigest()
print(json.dumps(written))
"""


@pytest.fixture(scope="module")
def written() -> list[dict[str, str]]:
    """The digests of the pickles that two processes write."""
    made = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", WRITE, json.dumps(VALUES)], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        made.append(json.loads(done.stdout))
    return made


@pytest.mark.parametrize("name", VALUES)
def test_two_processes_write_the_same_bytes_for_the_same_value(name: str, written: list[dict[str, str]]) -> None:
    one, other = written
    assert one[f"{name}2"] == other[f"{name}2"]
    assert one[f"{name}2"] != one[f"{name}3"]


def test_a_value_comes_back_as_it_was() -> None:
    for value in (torch.tensor([1.0, 2.0]), torch.tensor([[1, 2], [3, 4]]).T, torch.tensor([1.5]).bfloat16()):
        loaded = loads(dumps(value))
        assert torch.equal(loaded, value)
        assert (loaded.dtype, loaded.stride()) == (value.dtype, value.stride())


def test_a_parameter_that_two_modules_share_is_one_again() -> None:
    one, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    other.weight = one.weight
    loaded = loads(dumps(torch.nn.Sequential(one, other)))
    assert loaded[0].weight is loaded[1].weight
    assert torch.equal(loaded[0].weight, one.weight)


FLOW = """
import torch
from plugbay import pipeline, step


@step(cache=False)
def made() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Linear(2, 2)


@step
def total(model: torch.nn.Module) -> float:
    return float(model.weight.sum())


@pipeline
def flow():
    total(made())
"""


@pytest.mark.timeout(300)
def test_a_step_that_takes_a_model_is_answered_from_the_cache_when_the_model_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text(FLOW, encoding="utf-8")
    (tmp_path / "plugbay.toml").write_text("allow_pickle = true\n", encoding="utf-8")
    run = "import sys; from flow import flow; print(flow.run()['total'].status)"
    told = [
        subprocess.run(
            [sys.executable, "-c", run],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert [text.split()[-1] for text in told] == ["succeeded", "cached"]
