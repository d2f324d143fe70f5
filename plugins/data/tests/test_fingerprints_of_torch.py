# ruff: noqa: E501  a row is one program in one line
"""PyTorch's values count by their content: in every process alike, and differently when a step could tell them apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugbay_data.torch_values import Torch

torch = pytest.importorskip("torch", exc_type=ImportError)

Row = tuple[str, str, Any, Any]
HEADER = """
import warnings
warnings.simplefilter("ignore")
import torch
from torch import nn
torch.manual_seed(0)
"""
DIFFERENT: dict[str, Row] = {
    "operator of the project, called by its name in the library": (
        "@torch.library.custom_op('own::named', mutates_args=())\ndef f(x: torch.Tensor) -> torch.Tensor: return x * <>",
        "lambda x: torch.ops.own.named(x)",
        2,
        3,
    ),
    "kernel of such an operator": (
        "@torch.library.custom_op('own::kernel', mutates_args=())\ndef f(x: torch.Tensor) -> torch.Tensor: return x * 1\n@f.register_kernel('cpu')\ndef g(x): return x * <>",
        "lambda x: torch.ops.own.kernel(x)",
        2,
        3,
    ),
    "implementation of an operator": (
        "torch.library.define('own::defined', '(Tensor x) -> Tensor')\n@torch.library.impl('own::defined', 'default')\ndef f(x): return x * <>",
        "lambda x: torch.ops.own.defined(x)",
        2,
        3,
    ),
    "float": ("", "torch.tensor([1., <>])", 2, 3),
    "int": ("", "torch.tensor([1, <>])", 2, 3),
    "bool": ("", "torch.tensor([True, <>])", True, False),
    "bfloat16": ("", "torch.tensor([1, <>], dtype=torch.bfloat16)", 2, 3),
    "half": ("", "torch.tensor([1, <>], dtype=torch.half)", 2, 3),
    "float8": ("", "torch.tensor([1., <>]).to(torch.float8_e4m3fn)", 2, 3),
    "complex": ("", "torch.tensor([1, <>j])", 2, 3),
    "complex32": ("", "torch.tensor([1, <>j], dtype=torch.complex32)", 2, 3),
    "conj": ("", "torch.tensor([1, 2j])<>", "", ".conj()"),
    "neg view": ("", "torch.tensor([1, 2j]).conj().imag<>", "", ".resolve_neg() + 1"),
    "uint16": ("", "torch.tensor([1, <>], dtype=torch.uint16)", 2, 3),
    "dtype": ("", "torch.tensor([1, 2], dtype=torch.<>)", "int32", "int64"),
    "dtype same bytes": ("", "torch.zeros(2, dtype=torch.<>)", "int32", "float32"),
    "shape": ("", "torch.zeros(<>)", "2, 3", "3, 2"),
    "zero dim": ("", "torch.tensor(<>)", 2, 3),
    "zero dim vs 1": ("", "torch.tensor(<>)", 2, "[2]"),
    "empty": ("", "torch.empty(<>, 0)", 2, 3),
    "requires_grad": ("", "torch.tensor([1.], requires_grad=<>)", True, False),
    "grad": ("P = torch.tensor([1.], requires_grad=True)\n(P * <>).sum().backward()", "P", 2, 3),
    "nonleaf": ("P = torch.tensor([1.], requires_grad=True)", "P * <>", 2, 3),
    "view": ("B = torch.arange(10.)", "B[::<>]", 2, 3),
    "transposed": ("", "torch.arange(6.).reshape(<>).T", "2, 3", "3, 2"),
    "expanded": ("", "torch.tensor([<>.]).expand(3)", 2, 3),
    "strides order": ("", "torch.arange(4.).reshape(2,2)<>", "", ".T.contiguous().T"),
    "channels last": ("", "torch.arange(16.).reshape(1,4,2,2)<>", "", ".to(memory_format=torch.channels_last)"),
    "sparse coo": ("", "torch.sparse_coo_tensor([[0, 1]], [1., <>.], (3,), check_invariants=True)", 2, 3),
    "sparse coalesced": (
        "",
        "torch.sparse_coo_tensor([[0, 1]], [1., 2.], (3,), check_invariants=True)<>",
        "",
        ".coalesce()",
    ),
    "sparse csr": ("", "torch.tensor([[0, <>.]]).to_sparse_csr()", 2, 3),
    "sparse csc": ("", "torch.tensor([[0, <>.]]).to_sparse_csc()", 2, 3),
    "sparse bsr": ("", "torch.tensor([[0, <>.]]).to_sparse_bsr((1,1))", 2, 3),
    "sparse shape": ("", "torch.sparse_coo_tensor([[0, 1]], [1., 2.], (<>,), check_invariants=True)", 2, 3),
    "quantized": ("", "torch.quantize_per_tensor(torch.tensor([1., <>.]), 0.1, 0, torch.quint8)", 2, 3),
    "quantized scale": ("", "torch.quantize_per_tensor(torch.tensor([0., 0.]), <>, 0, torch.quint8)", 0.1, 0.2),
    "quantized channel": (
        "",
        "torch.quantize_per_channel(torch.zeros(2,2), torch.tensor([.1, <>]), torch.tensor([0,0]), 0, torch.quint8)",
        0.1,
        0.2,
    ),
    "meta": ("", "torch.empty(<>, device='meta')", 2, 3),
    "meta dtype": ("", "torch.empty(2, device='meta', dtype=torch.<>)", "int32", "float32"),
    "nan": ("", "torch.tensor([float('nan'), <>])", 2, 3),
    "minus zero": ("", "torch.tensor([<>])", "0.", "-0."),
    "own attribute": ("P = torch.tensor([1.])\nP.note = <>", "P", 2, 3),
    "hook on tensor": (
        "P = torch.tensor([1.], requires_grad=True)\ndef h(g): return g * <>\nP.register_hook(h)",
        "P",
        2,
        3,
    ),
    "nested": ("", "torch.nested.nested_tensor([torch.tensor([1.]), torch.tensor([2., <>.])])", 2, 3),
    "nested jagged": (
        "",
        "torch.nested.nested_tensor([torch.tensor([1.]), torch.tensor([2., <>.])], layout=torch.jagged)",
        2,
        3,
    ),
    "mkldnn": ("", "torch.tensor([1., <>.]).to_mkldnn()", 2, 3),
    "subclass": ("class Own(torch.Tensor):\n    def f(self): return <>", "torch.tensor([1.]).as_subclass(Own)", 2, 3),
    "subclass value": ("class Own(torch.Tensor):\n    pass", "torch.tensor([<>.]).as_subclass(Own)", 2, 3),
    "subclass func": (
        "class Own(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, f, t, a=(), k=None): return super().__torch_function__(f, t, a, k or {}), <>",
        "torch.tensor([1.]).as_subclass(Own)",
        2,
        3,
    ),
    "subclass attr": (
        "class Own(torch.Tensor):\n    pass\nO = torch.tensor([1.]).as_subclass(Own)\nO.x = <>",
        "O",
        2,
        3,
    ),
    "wrapper subclass": (
        "class Own(torch.Tensor):\n    @staticmethod\n    def __new__(cls, a):\n        return torch.Tensor._make_wrapper_subclass(cls, a.shape, dtype=a.dtype)\n    def __init__(self, a): self.a = a\n    @classmethod\n    def __torch_dispatch__(cls, f, t, a=(), k=None): raise NotImplementedError",
        "Own(torch.tensor([<>.]))",
        2,
        3,
    ),
    "parameter": ("", "nn.Parameter(torch.tensor([<>.]))", 2, 3),
    "parameter vs tensor": ("", "<>(torch.tensor([1.]))", "nn.Parameter", "nn.Buffer"),
    "uninit parameter": ("", "nn.parameter.UninitializedParameter(dtype=torch.<>)", "half", "float"),
    "list of tensors": ("", "[torch.zeros(1), {'a': torch.tensor(<>)}]", 2, 3),
    "storage": ("", "torch.tensor([1., <>.]).untyped_storage()", 2, 3),
    "typed storage": ("", "torch.tensor([1., <>.]).storage()", 2, 3),
    "shared memory": ("", "torch.tensor([1., <>.]).share_memory_()", 2, 3),
    "torch.dtype": ("", "torch.<>", "int32", "int64"),
    "torch.device": ("", "torch.device('<>')", "cpu", "meta"),
    "torch.Size": ("", "torch.zeros(<>).shape", 2, 3),
    "memory format": ("", "torch.<>", "channels_last", "contiguous_format"),
    "layout": ("", "torch.<>", "strided", "sparse_coo"),
    "qscheme": ("", "torch.<>", "per_tensor_affine", "per_channel_affine"),
    "finfo": ("", "torch.finfo(torch.<>)", "float32", "float64"),
    "iinfo": ("", "torch.iinfo(torch.<>)", "int32", "int64"),
    "generator": ("", "torch.Generator().manual_seed(<>)", 2, 3),
    "generator advanced": ("G = torch.Generator().manual_seed(1)\ntorch.rand(<>, generator=G)", "G", 2, 3),
    "torch function": ("", "torch.<>", "sin", "cos"),
    "tensor method": ("", "torch.tensor([<>.]).add", 2, 3),
    "F": ("", "torch.nn.functional.<>", "relu", "gelu"),
    "op": ("", "torch.ops.aten.<>", "add", "mul"),
    "op overload": ("", "torch.ops.aten.<>", "add.Tensor", "add.Scalar"),
    "linear": ("", "nn.Linear(2, <>)", 2, 3),
    "linear weight": ("L = nn.Linear(2, 2)\nL.weight.data[0,0] = <>", "L", 2, 3),
    "sequential": ("", "nn.Sequential(nn.Linear(2, 2), nn.<>())", "ReLU", "GELU"),
    "setting": ("", "nn.Dropout(<>)", 0.1, 0.2),
    "train/eval": ("", "nn.Dropout(.1).<>()", "train", "eval"),
    "train/eval submodule": ("S = nn.Sequential(nn.Dropout(.1))\nS[0].<>()", "S", "train", "eval"),
    "buffer": ("B = nn.BatchNorm1d(2)\nB.running_mean[0] = <>", "B", 2, 3),
    "nonpersistent buffer": (
        "B = nn.Linear(1, 1)\nB.register_buffer('x', torch.tensor(<>), persistent=False)",
        "B",
        2,
        3,
    ),
    "buffer persistence": (
        "B = nn.Linear(1, 1)\nB.register_buffer('x', torch.tensor(1), persistent=<>)",
        "B",
        True,
        False,
    ),
    "forward hook": ("B = nn.Linear(1, 1)\ndef h(m, i, o): return o * <>\nB.register_forward_hook(h)", "B", 2, 3),
    "pre hook": ("B = nn.Linear(1, 1)\ndef h(m, i): return i[0] * <>\nB.register_forward_pre_hook(h)", "B", 2, 3),
    "backward hook": ("B = nn.Linear(1, 1)\ndef h(m, i, o): return <>\nB.register_full_backward_hook(h)", "B", 2, 3),
    "state dict hook": (
        "B = nn.Linear(1, 1)\ndef h(m, s, p, l): s['x'] = <>\nB.register_state_dict_post_hook(h)",
        "B",
        2,
        3,
    ),
    "hook removed": (
        "B = nn.Linear(1, 1)\ndef h(m, i, o): return o * 2\nH = B.register_forward_hook(h)\nif <>: H.remove()",
        "B",
        True,
        False,
    ),
    "hook handle": ("B = nn.Linear(1, 1)\ndef h(m, i, o): return o * <>\nH = B.register_forward_hook(h)", "H", 2, 3),
    "own module": (
        "class M(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.a = nn.Linear(1, 1)\n    def forward(self, x): return self.a(x) * <>",
        "M()",
        2,
        3,
    ),
    "own module attr": (
        "class M(nn.Module):\n    def __init__(self, k):\n        super().__init__()\n        self.k = k\n    def forward(self, x): return x * self.k",
        "M(<>)",
        2,
        3,
    ),
    "own module nested": (
        "class M(nn.Module):\n    def forward(self, x): return x * <>",
        "nn.Sequential(nn.Linear(1,1), M())",
        2,
        3,
    ),
    "own module helper": (
        "def helper(x): return x * <>\nclass M(nn.Module):\n    def forward(self, x): return helper(x)",
        "nn.ModuleList([M()])",
        2,
        3,
    ),
    "own module class": ("class M(nn.Module):\n    def forward(self, x): return x * <>", "M", 2, 3),
    "moduledict": ("", "nn.ModuleDict({'a': nn.Linear(1, <>)})", 2, 3),
    "parameterlist": ("", "nn.ParameterList([torch.zeros(1), torch.tensor([<>.])])", 2, 3),
    "parametrization": (
        "from torch.nn.utils import parametrize\nclass P(nn.Module):\n    def forward(self, x): return x * <>\nL = nn.Linear(1,1)\nparametrize.register_parametrization(L, 'weight', P())",
        "L",
        2,
        3,
    ),
    "spectral norm": (
        "from torch.nn.utils.parametrizations import spectral_norm, weight_norm",
        "weight_norm(nn.Linear(1,<>))",
        2,
        3,
    ),
    "pruned": (
        "from torch.nn.utils import prune\nL = nn.Linear(2,2)\nprune.random_unstructured(L, 'weight', amount=<>)",
        "L",
        1,
        2,
    ),
    "lazy": ("", "nn.LazyLinear(<>)", 1, 2),
    "lstm": ("", "nn.LSTM(2, 2, num_layers=<>)", 1, 2),
    "transformer": (
        "",
        "nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 4, activation='<>'), 1)",
        "relu",
        "gelu",
    ),
    "multihead": ("", "nn.MultiheadAttention(4, <>)", 1, 2),
    "embedding": ("", "nn.Embedding(4, <>, padding_idx=0)", 1, 2),
    "loss": ("", "nn.CrossEntropyLoss(weight=torch.tensor([1., <>.]))", 1, 2),
    "loss reduction": ("", "nn.CrossEntropyLoss(reduction='<>')", "sum", "mean"),
    "deepcopied": ("import copy", "copy.deepcopy(nn.Linear(2, <>))", 1, 2),
    "shared weight": (
        "A = nn.Linear(2, 2)\nB = nn.Linear(2, 2)\nB.load_state_dict(A.state_dict())\nif <>: B.weight = A.weight",
        "nn.Sequential(A, B)",
        True,
        False,
    ),
    "optimizer": ("A = nn.Linear(2, 2)", "torch.optim.SGD(A.parameters(), lr=<>)", 0.1, 0.2),
    "adam": ("A = nn.Linear(2, 2)", "torch.optim.Adam(A.parameters(), lr=<>)", 0.1, 0.2),
    "adam stepped": (
        "A = nn.Linear(2, 2)\nO = torch.optim.Adam(A.parameters(), lr=.1)\nA(torch.ones(2) * <>).sum().backward()\nO.step()",
        "O",
        1,
        2,
    ),
    "adam stepped state": (
        "A = nn.Linear(2, 2)\nO = torch.optim.Adam(A.parameters(), lr=.1)\nA(torch.ones(2) * <>).sum().backward()\nO.step()",
        "O.state_dict()",
        1,
        2,
    ),
    "scheduler": (
        "A = nn.Linear(2, 2)\nO = torch.optim.SGD(A.parameters(), lr=.1)",
        "torch.optim.lr_scheduler.StepLR(O, <>)",
        1,
        2,
    ),
    "lambda scheduler": (
        "A = nn.Linear(2, 2)\nO = torch.optim.SGD(A.parameters(), lr=.1)",
        "torch.optim.lr_scheduler.LambdaLR(O, lambda e: <>)",
        1,
        2,
    ),
    "own optimizer": (
        "A = nn.Linear(2, 2)\nclass O(torch.optim.Optimizer):\n    def __init__(self, p): super().__init__(p, {})\n    def step(self): return <>",
        "O(A.parameters())",
        1,
        2,
    ),
    "state dict": ("A = nn.Linear(2, 2)\nA.weight.data[0,0] = <>", "A.state_dict()", 1, 2),
    "tensor dataset": ("from torch.utils.data import TensorDataset", "TensorDataset(torch.tensor([<>.]))", 1, 2),
    "dataset": (
        "from torch.utils.data import Dataset\nclass D(Dataset):\n    def __len__(self): return 3\n    def __getitem__(self, i): return i * <>",
        "D()",
        1,
        2,
    ),
    "iterable dataset": (
        "from torch.utils.data import IterableDataset\nclass D(IterableDataset):\n    def __iter__(self): return iter([<>])",
        "D()",
        1,
        2,
    ),
    "subset": (
        "from torch.utils.data import TensorDataset, Subset",
        "Subset(TensorDataset(torch.tensor([1., 2.,3.])), [<>])",
        1,
        2,
    ),
    "random split": (
        "from torch.utils.data import TensorDataset, random_split",
        "random_split(TensorDataset(torch.arange(9.)), [3, 6], generator=torch.Generator().manual_seed(<>))",
        1,
        2,
    ),
    "loader": (
        "from torch.utils.data import TensorDataset, DataLoader",
        "DataLoader(TensorDataset(torch.tensor([<>.])))",
        1,
        2,
    ),
    "loader batch": (
        "from torch.utils.data import TensorDataset, DataLoader",
        "DataLoader(TensorDataset(torch.tensor([1.])), batch_size=<>)",
        1,
        2,
    ),
    "loader shuffle": (
        "from torch.utils.data import TensorDataset, DataLoader",
        "DataLoader(TensorDataset(torch.tensor([1.])), shuffle=<>)",
        True,
        False,
    ),
    "loader generator": (
        "from torch.utils.data import TensorDataset, DataLoader",
        "DataLoader(TensorDataset(torch.tensor([1.])), shuffle=True, generator=torch.Generator().manual_seed(<>))",
        1,
        2,
    ),
    "loader collate": (
        "from torch.utils.data import TensorDataset, DataLoader\ndef c(b): return <>",
        "DataLoader(TensorDataset(torch.tensor([1.])), collate_fn=c)",
        1,
        2,
    ),
    "loader sampler": (
        "from torch.utils.data import TensorDataset, DataLoader, WeightedRandomSampler",
        "DataLoader(TensorDataset(torch.tensor([1.])), sampler=WeightedRandomSampler([<>.], 1))",
        1,
        2,
    ),
    "loader workers": (
        "from torch.utils.data import TensorDataset, DataLoader",
        "DataLoader(TensorDataset(torch.tensor([1.])), num_workers=<>)",
        1,
        2,
    ),
    "loader used": (
        "from torch.utils.data import TensorDataset, DataLoader\nL = DataLoader(TensorDataset(torch.tensor([<>.])))\nlist(L)",
        "L",
        1,
        2,
    ),
    "script module": (
        "class M(nn.Module):\n    def forward(self, x):\n        return x * <>",
        "torch.jit.script(M())",
        2,
        3,
    ),
    "script module weight": ("", "torch.jit.script(nn.Linear(1, <>))", 2, 3),
    "script function": ("def f(x):\n    return x * <>", "torch.jit.script(f)", 2, 3),
    "traced": (
        "class M(nn.Module):\n    def forward(self, x): return x * <>",
        "torch.jit.trace(M(), torch.ones(1))",
        2,
        3,
    ),
    "traced function": ("def f(x): return x * <>", "torch.jit.trace(f, torch.ones(1))", 2, 3),
    "compiled function": ("def f(x): return x * <>", "torch.compile(f)", 2, 3),
    "compiled decorated": ("@torch.compile\ndef f(x): return x * <>", "f", 2, 3),
    "compiled module": ("class M(nn.Module):\n    def forward(self, x): return x * <>", "torch.compile(M())", 2, 3),
    "compiled in place": (
        "class M(nn.Module):\n    def forward(self, x): return x * <>\nI = M()\nI.compile(backend='eager')",
        "I",
        2,
        3,
    ),
    "compiled used": ("@torch.compile(backend='eager')\ndef f(x): return x * <>\nf(torch.ones(1))", "f", 2, 3),
    "fx": (
        "import torch.fx\nclass M(nn.Module):\n    def forward(self, x): return x * <>",
        "torch.fx.symbolic_trace(M())",
        2,
        3,
    ),
    "export": (
        "class M(nn.Module):\n    def forward(self, x): return x * <>",
        "torch.export.export(M(), (torch.ones(1),))",
        2,
        3,
    ),
    "vmap": ("def f(x): return x * <>", "torch.vmap(f)", 2, 3),
    "grad fn": ("from torch.func import grad\ndef f(x): return x * <>", "grad(f)", 2, 3),
    "no_grad deco": ("@torch.no_grad()\ndef f(x): return x * <>", "f", 2, 3),
    "autograd function": (
        "class F(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x): return x * <>",
        "F",
        2,
        3,
    ),
    "autograd apply": (
        "class F(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x): return x * <>",
        "F.apply",
        2,
        3,
    ),
    "checkpoint partial": (
        "from functools import partial\ndef f(x): return x * <>",
        "partial(torch.utils.checkpoint.checkpoint, f)",
        2,
        3,
    ),
    "distribution": ("from torch import distributions as d", "d.Normal(torch.tensor(0.), torch.tensor(<>.))", 2, 3),
    "distribution categorical": (
        "from torch import distributions as d",
        "d.Categorical(torch.tensor([1., <>.]))",
        2,
        3,
    ),
    "custom op": (
        "@torch.library.custom_op('own::op', mutates_args=())\ndef f(x: torch.Tensor) -> torch.Tensor: return x * <>",
        "f",
        2,
        3,
    ),
    "gradscaler": ("", "torch.amp.GradScaler('cpu', init_scale=<>.)", 2, 4),
    "autocast": ("", "torch.autocast('cpu', dtype=torch.<>)", "bfloat16", "float16"),
    "swa": ("from torch.optim.swa_utils import AveragedModel", "AveragedModel(nn.Linear(1, <>))", 2, 3),
    "swa avg": (
        "from torch.optim.swa_utils import AveragedModel\ndef a(x, y, n): return <>",
        "AveragedModel(nn.Linear(1, 1), avg_fn=a)",
        2,
        3,
    ),
    "swa ema": (
        "from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn",
        "AveragedModel(nn.Linear(1, 1), multi_avg_fn=get_ema_multi_avg_fn(<>))",
        0.2,
        0.3,
    ),
    "dataparallel": ("", "nn.DataParallel(nn.Linear(1, <>))", 2, 3),
    "seed effect": ("import torch\ntorch.manual_seed(<>)", "torch.rand", 2, 3),
    "packed": (
        "from torch.nn.utils.rnn import pack_padded_sequence",
        "pack_padded_sequence(torch.tensor([[1.,<>.]]), [2], batch_first=True)",
        2,
        3,
    ),
    "functional call": ("from torch.func import stack_module_state", "stack_module_state([nn.Linear(1, <>)])", 2, 3),
    "qint model": (
        "import torch.ao.quantization as q",
        "q.quantize_dynamic(nn.Sequential(nn.Linear(2, <>)), {nn.Linear})",
        2,
        3,
    ),
    "lazy again": ("", "nn.LazyLinear(<>)", 1, 2),
    "lazy dtype": ("", "nn.LazyLinear(1, dtype=torch.<>)", "half", "float"),
    "script weight": ("", "torch.jit.script(nn.Linear(1, <>))", 2, 3),
    "script mode": ("", "torch.jit.script(nn.Dropout(.5)).<>()", "train", "eval"),
    "script in module": ("", "nn.Sequential(torch.jit.script(nn.Linear(1, <>)))", 2, 3),
    "script attr": (
        "class M(nn.Module):\n    k: int\n    def __init__(self, k):\n        super().__init__(); self.k = k\n    def forward(self, x: torch.Tensor): return x * self.k",
        "torch.jit.script(M(<>))",
        2,
        3,
    ),
    "script constants": (
        "class M(nn.Module):\n    __constants__ = ['k', 'a', 'b', 'c']\n    def __init__(self, k):\n        super().__init__(); self.k = k; self.a = self.b = self.c = 1\n    def forward(self, x: torch.Tensor): return x * self.k",
        "torch.jit.script(M(<>))",
        2,
        3,
    ),
    "script helper": (
        "def helper(x: torch.Tensor): return x * <>\nclass M(nn.Module):\n    def forward(self, x: torch.Tensor): return helper(x)",
        "torch.jit.script(M())",
        2,
        3,
    ),
    "compiled decorated mode": ("@torch.compile(mode='<>')\ndef f(x): return x * 2", "f", "default", "max-autotune"),
    "compiled own backend": (
        "def be(gm, e): return lambda *a: <>\n@torch.compile(backend=be)\ndef f(x): return x * 2",
        "f",
        2,
        3,
    ),
    "compiled method": ("class K:\n    @torch.compile\n    def m(self, x): return x * <>", "K().m", 2, 3),
    "compiled helper": ("def h(x): return x * <>\n@torch.compile\ndef f(x): return h(x)", "f", 2, 3),
    "compiled module weight": ("", "torch.compile(nn.Linear(1, <>))", 2, 3),
    "compiled module used": (
        "class M(nn.Module):\n    def forward(self, x): return x * <>\nC = torch.compile(M(), backend='eager')\nC(torch.ones(1))",
        "C",
        2,
        3,
    ),
    "disable": ("@torch.compiler.disable\ndef f(x): return x * <>", "f", 2, 3),
    "disable recursive False": ("@torch.compiler.disable(recursive=False)\ndef f(x): return x * <>", "f", 2, 3),
    "allow in graph": ("@torch.compiler.allow_in_graph\ndef f(x): return x * <>", "f", 2, 3),
    "inference_mode": ("@torch.inference_mode()\ndef f(x): return x * <>", "f", 2, 3),
    "autocast deco": ("@torch.autocast('cpu')\ndef f(x): return x * <>", "f", 2, 3),
    "jit.unused etc": (
        "from torch.overrides import wrap_torch_function\n@wrap_torch_function(lambda x: (x,))\ndef f(x): return x * <>",
        "f",
        2,
        3,
    ),
    "vmap grad": ("def f(x): return (x * <>).sum()", "torch.vmap(torch.func.grad(f))", 2, 3),
    "jacrev": ("def f(x): return (x * <>).sum()", "torch.func.jacrev(f)", 2, 3),
    "functionalize": ("def f(x): return (x * <>).sum()", "torch.func.functionalize(f)", 2, 3),
    "op by project": (
        "@torch.library.custom_op('own::op', mutates_args=())\ndef f(x: torch.Tensor) -> torch.Tensor: return x * <>",
        "torch.ops.own.op",
        2,
        3,
    ),
    "op by project default": (
        "@torch.library.custom_op('own::op', mutates_args=())\ndef f(x: torch.Tensor) -> torch.Tensor: return x * <>",
        "torch.ops.own.op.default",
        2,
        3,
    ),
    "op fake": (
        "@torch.library.custom_op('own::op', mutates_args=())\ndef f(x: torch.Tensor) -> torch.Tensor: return x * 1\n@f.register_fake\ndef g(x): return x * <>",
        "f",
        2,
        3,
    ),
    "op autograd": (
        "@torch.library.custom_op('own::op', mutates_args=())\ndef f(x: torch.Tensor) -> torch.Tensor: return x * 1\ndef b(ctx, g): return g * <>\nf.register_autograd(b)",
        "f",
        2,
        3,
    ),
    "aten default": ("", "torch.ops.aten.<>.default", "relu", "gelu"),
    "non leaf saved": ("P = torch.ones(2, requires_grad=True)\nQ = torch.tensor([1., <>.])", "(P * Q).sum() * 0", 2, 3),
    "non leaf func": (
        "P = torch.ones(2, requires_grad=True)\nclass F(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x): ctx.k = 1; return x * 2\n    @staticmethod\n    def backward(ctx, g): return g * <>",
        "F.apply(P)",
        2,
        3,
    ),
    "non leaf op": ("P = torch.zeros(2, requires_grad=True)", "(P <>)", "+ P", "* 2"),
    "freed": ("P = torch.ones(2, requires_grad=True)\nL = (P * P).sum() * <>\nL.backward()", "L", 2, 3),
    "retain grad": (
        "P = torch.ones(2, requires_grad=True)\nL = (P * P)\nL.retain_grad()\n(L.sum()*<>).backward()",
        "L",
        2,
        3,
    ),
    "post hook": (
        "P = torch.ones(2, requires_grad=True)\ndef h(p): return <>\nP.register_post_accumulate_grad_hook(h)",
        "P",
        2,
        3,
    ),
    "fx again": (
        "import torch.fx\nclass M(nn.Module):\n    def __init__(self): super().__init__(); self.l = nn.Linear(1,1)\n    def forward(self, x): return self.l(x) * <>",
        "torch.fx.symbolic_trace(M())",
        2,
        3,
    ),
    "fx weight": ("import torch.fx", "torch.fx.symbolic_trace(nn.Linear(1,<>))", 2, 3),
    "fx node": ("import torch.fx", "torch.fx.symbolic_trace(nn.Linear(1,<>)).graph", 2, 3),
    "export again": ("", "torch.export.export(nn.Linear(1, <>), (torch.ones(1),))", 2, 3),
    "export module": ("", "torch.export.export(nn.Linear(1, <>), (torch.ones(1),)).module()", 2, 3),
    "fake": (
        "from torch._subclasses.fake_tensor import FakeTensorMode\nM = FakeTensorMode()",
        "M.from_tensor(torch.ones(<>))",
        2,
        3,
    ),
    "own getstate": (
        "class M(nn.Module):\n    def __init__(self): super().__init__(); self.w = nn.Parameter(torch.ones(<>))\n    def __getstate__(self): return self.__dict__.copy()",
        "M()",
        2,
        3,
    ),
    "own slots": (
        "class M(nn.Module):\n    __slots__ = ('k',)\n    def __init__(self): super().__init__(); self.k = <>",
        "M()",
        2,
        3,
    ),
    "checkpoint wrap": (
        "from torch.utils.checkpoint import checkpoint\ndef h(x): return x * <>\ndef f(x): return checkpoint(h, x, use_reentrant=False)",
        "f",
        1,
        2,
    ),
    "observer": ("import torch.ao.quantization as q\nO = q.MinMaxObserver()\nO(torch.tensor([1., <>.]))", "O", 2, 3),
    "stft window": ("", "torch.hann_window(<>)", 4, 5),
    "tensordict-like": ("", "{'a': torch.ones(2), 'b': [torch.tensor(<>)]}", 4, 5),
    "dataclass with tensor": (
        "import dataclasses\n@dataclasses.dataclass\nclass C:\n    t: torch.Tensor",
        "C(torch.tensor(<>))",
        4,
        5,
    ),
    "deepcopy module hook": (
        "import copy\ndef h(m, i, o): return o * <>\nL = nn.ReLU()\nL.register_forward_hook(h)",
        "copy.deepcopy(L)",
        4,
        5,
    ),
    "scheduler seq": (
        "L = nn.Linear(1,1)\nO = torch.optim.SGD(L.parameters(), lr=.1)\nfrom torch.optim.lr_scheduler import *",
        "SequentialLR(O, [ConstantLR(O), ExponentialLR(O, <>)], [2])",
        0.4,
        0.5,
    ),
    "optimizer hook": (
        "L = nn.Linear(1,1)\nO = torch.optim.SGD(L.parameters(), lr=.1)\ndef h(*a): return <>\nO.register_step_post_hook(h)",
        "O",
        4,
        5,
    ),
    "concat dataset": (
        "from torch.utils.data import *",
        "ConcatDataset([TensorDataset(torch.arange(4.)), TensorDataset(torch.ones(<>))])",
        4,
        5,
    ),
    "stack dataset": ("from torch.utils.data import *", "StackDataset(a=torch.ones(<>))", 4, 5),
    "chain dataset": (
        "from torch.utils.data import *\nclass D(IterableDataset):\n    def __iter__(self): yield <>",
        "ChainDataset([D()])",
        4,
        5,
    ),
    "worker init": ("from torch.utils.data import *\ndef h(i): return <>", "DataLoader([1,2], worker_init_fn=h)", 4, 5),
    "multiprocessing ctx": (
        "from torch.utils.data import *",
        "DataLoader([1,2], num_workers=1, multiprocessing_context='spawn', batch_size=<>)",
        4,
        5,
    ),
    "sampler own": (
        "from torch.utils.data import *\nclass S(Sampler):\n    def __iter__(self): return iter([<>])",
        "DataLoader([1,2], sampler=S())",
        4,
        5,
    ),
    "distributed sampler": (
        "from torch.utils.data import *\nfrom torch.utils.data.distributed import DistributedSampler",
        "DistributedSampler([1,2], 2, <>)",
        0,
        1,
    ),
    "transformed dist": (
        "from torch.distributions import *",
        "TransformedDistribution(Normal(torch.tensor(0.), torch.tensor(1.)), [ExpTransform(), AffineTransform(0., <>.)])",
        4,
        5,
    ),
    "multivariate": (
        "from torch.distributions import *",
        "MultivariateNormal(torch.zeros(2), torch.eye(2) * <>)",
        4,
        5,
    ),
    "constraint": ("from torch.distributions import constraints as c", "c.<>", "positive", "simplex"),
    "torchfn partial": ("from functools import partial", "partial(torch.clamp, min=<>)", 1, 2),
    "init": ("", "nn.init.<>", "ones_", "zeros_"),
    "softmax module list": ("", "[nn.Softmax(dim=<>)]", 1, 0),
    "dist reduce": ("", "torch.Tensor.<>", "add", "mul"),
    "size sum": ("", "(torch.Size([<>]), torch.strided, torch.int64, torch.device('cpu'))", 1, 2),
    "parametrize orth": (
        "from torch.nn.utils.parametrizations import orthogonal, spectral_norm",
        "(orthogonal(nn.Linear(2,2)), spectral_norm(nn.Linear(2,<>)))",
        1,
        2,
    ),
    "old weight norm": ("from torch.nn.utils import weight_norm", "weight_norm(nn.Linear(2,<>))", 1, 2),
    "old spectral": ("from torch.nn.utils import spectral_norm", "spectral_norm(nn.Linear(2,<>))", 1, 2),
    "no module seed": (
        "import torch, warnings\nwarnings.simplefilter('ignore')\nfrom torch import nn\ntorch.manual_seed(0)\nS = torch.get_rng_state()\ntorch.manual_seed(<>)",
        "torch.initial_seed",
        1,
        2,
    ),
    "int4": ("", "torch.tensor([<>], dtype=torch.uint8).view(torch.float4_e2m1fn_x2)", 1, 2),
    "bits8": ("", "torch.tensor([<>], dtype=torch.uint8).view(torch.bits8)", 1, 2),
    "uint4": ("", "torch.tensor([<>], dtype=torch.uint8).view(torch.uint4)", 1, 2),
    "unfold overlapping": ("B = torch.arange(9.)\nB[8] = <>", "B.unfold(0, 3, 1)", 1, 2),
    "as_strided": ("B = torch.arange(9.)\nB[8] = <>", "B.as_strided((3,), (4,))", 1, 2),
    "expanded mid": ("B = torch.tensor([[1.],[<>.]])", "B.expand(2, 4)", 1, 2),
    "flip": ("B = torch.tensor([1, <>.])", "B.flip(0)", 1, 2),
    "set default dtype": ("torch.set_default_dtype(torch.<>)", "1", "float64", "float32"),
    "masked": (
        "from torch.masked import masked_tensor",
        "masked_tensor(torch.tensor([1.,<>.]), torch.tensor([True, True]))",
        2,
        3,
    ),
}
ALIKE: dict[str, Row] = {
    "hook id other": (
        "def h(m, i, o): return o * 2\nfor i in range(<>): nn.ReLU().register_forward_hook(h)\nB = nn.ReLU()\nB.register_forward_hook(h)",
        "B",
        1,
        1,
    ),
    "cached property": (
        "import functools\nclass M(nn.Module):\n    @functools.cached_property\n    def k(self): return 1\nA = M()\nif <>: A.k",
        "A",
        1,
        1,
    ),
    "optimizer hook id": (
        "L = nn.Linear(1,1)\ndef h(*a): return 1\nO = torch.optim.SGD(L.parameters(), lr=.1)\nfor i in range(<>): H = O.register_step_post_hook(h); H.remove()\nO.register_step_post_hook(h)",
        "O",
        4,
        4,
    ),
    "optimizer profile": ("L = nn.Linear(1,1)\nO = torch.optim.SGD(L.parameters(), lr=.1)", "O.param_groups", 4, 4),
    "bilinear used lstm": ("L = nn.LSTM(2,2)\nL(torch.ones(1,1,2))", "L", 4, 4),
    "loader iter persistent": (
        "from torch.utils.data import *\nL = DataLoader(TensorDataset(torch.arange(4.)), shuffle=True)\nfor i in L: pass",
        "L",
        4,
        4,
    ),
    "expanded zero dim": ("B = torch.tensor(<>.)", "B.expand(2, 0, 4)", 1, 1),
}
UNKNOWN: dict[str, tuple[Row, str]] = {
    "iterator of a loader": (
        ("from torch.utils.data import *\n", "iter(DataLoader(TensorDataset(torch.tensor([<>.]))))", 1, 2),
        "_sampler_iter",
    ),
    "program that calls Python": (
        (
            "@torch.jit.ignore\ndef h(x: torch.Tensor) -> torch.Tensor: return x * <>\n@torch.jit.script\ndef f(x: torch.Tensor): return h(x)",
            "f",
            2,
            3,
        ),
        "Could not export Python function call 'h'",
    ),
    "operator implemented by a function that it does not tell": (
        (
            "L = torch.library.Library('own', 'FRAGMENT')\nL.define('told(Tensor x) -> Tensor')\ndef f(x): return x * <>\nL.impl('told', f, 'CompositeExplicitAutograd')",
            "torch.ops.own.told",
            2,
            3,
        ),
        "torch.library.custom_op",
    ),
}


@pytest.fixture(scope="module")
def taken(fingerprints: Callable[..., dict[str, list[Any]]]) -> dict[str, list[Any]]:
    unknown = {name: row for name, (row, _) in UNKNOWN.items()}
    return fingerprints("torch", HEADER, {**ALIKE, **unknown, **DIFFERENT})


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", DIFFERENT)
def test_a_value_counts_by_its_content_in_every_process(name: str, taken: dict[str, list[Any]]) -> None:
    (before, unknown), again, after, after_again = taken[name]
    assert unknown == []
    assert [before, unknown] == again
    assert after == after_again
    assert before != after[0]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ALIKE)
def test_what_no_step_can_tell_apart_does_not_count(name: str, taken: dict[str, list[Any]]) -> None:
    before, again, after, after_again = taken[name]
    assert before[1] == []
    assert before == again == after == after_again


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", UNKNOWN)
def test_what_cannot_be_told_apart_is_named_with_the_reason(name: str, taken: dict[str, list[Any]]) -> None:
    _, reason = UNKNOWN[name]
    for _, unknown in taken[name]:
        assert unknown and ".CONSTANT" in unknown[0]
        assert any(reason in each for each in unknown)


VIEWS: dict[str, Callable[[Any], Any]] = {
    "every other row": lambda t: t[::2],
    "every other column": lambda t: t[..., ::2],
    "another order of axes": lambda t: t.movedim(0, -1),
    "a part": lambda t: t[1:],
    "one more axis, expanded": lambda t: t.unsqueeze(1).expand(-1, 2, *t.shape[1:]),
    "overlapping": lambda t: t.unfold(0, 2, 1) if t.shape[0] > 1 else t,
}
DTYPES = (torch.float32, torch.bfloat16, torch.int8, torch.complex64, torch.float16, torch.int64)


@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    views=st.lists(st.sampled_from(sorted(VIEWS)), max_size=4),
    dtype=st.sampled_from(DTYPES),
    data=st.data(),
)
def test_each_element_of_a_view_counts_and_nothing_else_of_the_memory(
    shape: list[int], views: list[str], dtype: Any, data: st.DataObject
) -> None:
    def view_of(memory: Any) -> Any:
        for name in views:
            memory = VIEWS[name](memory)
        return memory

    size = torch.Size(shape).numel()
    memory = torch.arange(size).reshape(shape)
    seen = set(view_of(memory).flatten().tolist())
    position = data.draw(st.integers(0, size - 1))
    changed = memory.clone()
    changed.view(-1)[position] = 100
    before = Torch().fingerprint_of(view_of(memory.to(dtype)))
    assert isinstance(before, bytes)
    assert before == Torch().fingerprint_of(view_of(memory.clone().to(dtype)))
    assert (before != Torch().fingerprint_of(view_of(changed.to(dtype)))) == (position in seen)


def test_rows_of_a_large_tensor_count_to_the_last_element() -> None:
    large = torch.zeros(300, 1000)
    before = Torch().fingerprint_of(large[:, ::2])
    large[299, 999] = 1
    assert Torch().fingerprint_of(large[:, ::2]) == before
    large[299, 998] = 1
    assert Torch().fingerprint_of(large[:, ::2]) != before
