"""PyTorch's tensors, modules and compiled functions, told apart for the cache."""

from __future__ import annotations

import hashlib
import itertools
import types
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO
from typing import Any

from plugbay_data import tensors
from plugbay_hookspecs import component, hookimpl

Told = bytes | Mapping[str, object] | None
_UNSTEADY = (".debug_pkl", ".data/serialization_id")
"""Members of a saved program that differ from process to process: where its lines came from, and a number of the writing."""
_OWN_NAMESPACES = frozenset({"aten", "prim", "prims", "quantized", "onednn", "mkldnn", "inductor", "higher_order"})


@component
class Torch:
    """Tell PyTorch's values by their content."""

    @hookimpl
    def fingerprint_of(self, value: object) -> Told:
        """Tell tensors by their bytes, modules by what they hold, compiled and scripted functions by what they do."""
        import torch

        if isinstance(value, types.FunctionType):
            return _parts_of_compiled(value)
        for kind, tell in _tellers(torch):
            if isinstance(value, kind):
                return tell(value)
        return None

    @hookimpl
    def reduced(self, value: object) -> tuple[Any, ...] | None:
        """Write the memory of tensors as the current format of ``torch.save``: the one before has an address in it."""
        import torch

        if not isinstance(value, (torch.UntypedStorage, torch.TypedStorage)):
            return None
        file = BytesIO()
        torch.save(value, file)
        return torch.storage._load_from_bytes, (file.getvalue(),)


def _tellers(torch: Any) -> tuple[tuple[Any, Callable[[Any], Told]], ...]:
    return (
        (torch.Tensor, tensors.parts_of_tensor),
        ((torch.UntypedStorage, torch.TypedStorage), tensors.digest_of_storage),
        (torch.Generator, tensors.digest_of_generator),
        ((torch.finfo, torch.iinfo), tensors.digest_of_limits),
        (torch.jit.ScriptModule, _digest_of_program),
        (torch.jit.ScriptFunction, _digest_of_program),
        (torch.nn.Module, _parts_of_module),
        (torch.optim.Optimizer, _parts_of_optimizer),
        ((torch._ops.OpOverload, torch._ops.OpOverloadPacket), _parts_of_operator),
        (torch._library.custom_ops.CustomOpDef, _parts_of_own_operator),
    )


def _parts_of_module(module: Any) -> Told:
    """Tell a module by its attributes; one whose class has a pickled form of its own is left to that."""
    import torch

    return _attributes(module) if _is_pickled_by(torch.nn.Module, type(module)) else None


def _parts_of_optimizer(optimizer: Any) -> Told:
    """Tell an optimizer like a module: its pickled form leaves out what is called with each step."""
    import torch

    return _attributes(optimizer) if _is_pickled_by(torch.optim.Optimizer, type(optimizer)) else None


def _is_pickled_by(base: Any, kind: Any) -> bool:
    plain = (base.__getstate__, object.__reduce_ex__, object.__reduce__)
    return (kind.__getstate__, kind.__reduce_ex__, kind.__reduce__) == plain and not _slots_of(kind)


def _attributes(value: Any) -> dict[str, object]:
    parts: dict[str, object] = {}
    for name, part in vars(value).items():
        if name.endswith("_hooks") and isinstance(part, Mapping):  # the keys number all hooks of the process
            parts[name] = list(part.values())
        elif name != "_compiled_call_impl":
            parts[name] = part
    return parts


def _slots_of(kind: type) -> bool:
    return any(vars(base).get("__slots__") for base in kind.__mro__)


def _digest_of_program(program: Any) -> bytes:
    """Take the digest of what ``torch.jit.save`` would write."""
    found = hashlib.sha256(program.name.encode() if hasattr(program, "name") else b"")
    with zipfile.ZipFile(BytesIO(program.save_to_buffer())) as saved:
        for member in saved.infolist():
            name = member.filename.partition("/")[2]
            if not name.endswith(_UNSTEADY):
                content = saved.read(member)
                if name.startswith("code/"):
                    content = b"".join(_steady(content.splitlines(keepends=True)))
                found.update(repr((name, len(content))).encode() + content)
    if hasattr(program, "training"):
        found.update(repr(program.training).encode())
    return found.digest()


def _steady(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Sort the constants of a class, which are written in the order of a set."""
    for are_constants, group in itertools.groupby(lines, lambda line: b" : Final[" in line):
        together = list(group)
        yield from sorted(together) if are_constants else together


def _parts_of_compiled(function: Any) -> Told:
    """Tell what ``torch.compile`` made by the function and by what compiles it, not by what that has remembered."""
    original = vars(function).get("_torchdynamo_orig_callable")
    if original is None:
        return None
    from torch._dynamo.eval_frame import innermost_backend

    captured = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    callback = captured["callback"].cell_contents if "callback" in captured else None
    return {"function": original, "backend": innermost_backend(callback)}


def _parts_of_operator(operator: Any) -> Told:
    """Tell ``torch.ops.library.name`` by its name; one that the project defines in Python by that."""
    import torch

    packet = getattr(operator, "_overloadpacket", operator)
    name = packet._qualified_op_name
    defined = torch._library.custom_ops.OPDEFS.get(name)
    if defined is not None:
        return {"name": str(operator), "definition": defined}
    namespace = name.partition("::")[0]
    if namespace not in _OWN_NAMESPACES and any(
        known.startswith(name.replace("::", "/") + "/") for known in torch.library._impls
    ):
        msg = f"{name} is implemented in Python, by functions that it does not tell; define it with torch.library.custom_op"
        raise TypeError(msg)
    return str(operator).encode()


def _parts_of_own_operator(operator: Any) -> Told:
    left_out = ("_lib", "_opoverload", "_tags")
    return {name: value for name, value in vars(operator).items() if name not in left_out}
