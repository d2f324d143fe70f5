"""Digests of PyTorch's tensors: their bytes, and all else that a step could tell two of them apart by."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_BATCH = 1 << 15
"""Elements that are copied at a time: as many as PyTorch copies in one thread."""
_COMPRESSED = {
    "torch.sparse_csr": ("crow_indices", "col_indices"),
    "torch.sparse_bsr": ("crow_indices", "col_indices"),
    "torch.sparse_csc": ("ccol_indices", "row_indices"),
    "torch.sparse_bsc": ("ccol_indices", "row_indices"),
}
_HOOKS = ("_backward_hooks", "_post_accumulate_grad_hooks")


def parts_of_tensor(tensor: Any) -> bytes | Mapping[str, object]:
    """Tell a tensor: by one digest, and by its gradient, its graph, its hooks and its attributes where it has them."""
    import torch

    if torch.nn.parameter.is_lazy(tensor):
        return repr((str(tensor.dtype), str(tensor.device), tensor.requires_grad)).encode()
    with torch._C.DisableTorchFunctionSubclass(), torch.no_grad():
        parts: dict[str, object] = dict(vars(tensor))
        digest = digest_of_tensor(tensor, is_held_elsewhere=_is_held_elsewhere(tensor))
        if tensor.is_leaf:
            if tensor.grad is not None:
                parts["grad"] = tensor.grad
        else:
            parts["grad_fn"] = _graph_of(tensor.grad_fn)
        for name in _HOOKS:
            hooks = getattr(tensor, name, None)
            for index, hook in enumerate((hooks or {}).values()):
                parts[f"{name}[{index}]"] = hook
    if not parts:
        return digest
    return {**parts, "data": digest}


def _is_held_elsewhere(tensor: Any) -> bool:
    """Whether a tensor has no memory of its own: a class that takes over all operations keeps the content in attributes."""
    import torch

    if type(tensor).__torch_dispatch__ is torch._C._disabled_torch_dispatch_impl:
        return False
    if tensor.layout in (torch.jagged, torch.sparse_coo) or str(tensor.layout) in _COMPRESSED:
        return True
    try:
        return not tensor.untyped_storage().data_ptr()
    except (RuntimeError, NotImplementedError):
        return True


def digest_of_tensor(tensor: Any, *, is_held_elsewhere: bool = False) -> bytes:
    """Take the digest of the content of a tensor, of its type, its shape and how it lies in memory.

    :param is_held_elsewhere: leave the content out.
    """
    import torch

    flags = (tensor.requires_grad, tensor.is_inference(), tensor.is_conj(), tensor.is_neg())
    found = hashlib.sha256(repr((str(tensor.dtype), str(tensor.device), str(tensor.layout), flags)).encode())
    if tensor.layout is torch.jagged:  # its sizes have numbers in them that are given out anew in each process
        return found.digest()
    if tensor.is_nested:
        for each in tensor.unbind():
            found.update(digest_of_tensor(each))
        return found.digest()
    found.update(repr(tuple(tensor.shape)).encode())
    if is_held_elsewhere:
        return found.digest()
    for part in _components(tensor):
        if part is tensor:
            found.update(repr(part.stride()).encode())
            if part.device.type != "meta":
                _hash_content(part, found)
        elif isinstance(part, torch.Tensor):
            found.update(digest_of_tensor(part))
        else:
            found.update(repr(part).encode())
    return found.digest()


def _components(tensor: Any) -> Iterator[Any]:
    """What holds the content: the tensor itself, or the tensors and numbers that it is made of."""
    layout = str(tensor.layout)
    if layout == "torch.sparse_coo":
        yield from (tensor.is_coalesced(), tensor._indices(), tensor._values())
    elif layout in _COMPRESSED:
        for name in (*_COMPRESSED[layout], "values"):
            yield getattr(tensor, name)()
    elif layout == "torch._mkldnn":
        yield tensor.to_dense()
    elif tensor.is_quantized:
        yield str(tensor.qscheme())
        if "channel" in str(tensor.qscheme()):
            yield from (tensor.q_per_channel_scales(), tensor.q_per_channel_zero_points(), tensor.q_per_channel_axis())
        else:
            yield from (tensor.q_scale(), tensor.q_zero_point())
        yield tensor.int_repr()
    else:
        yield tensor


def _hash_content(tensor: Any, found: hashlib._Hash) -> None:
    for dimension, (size, stride) in enumerate(zip(tensor.shape, tensor.stride(), strict=True)):
        if stride == 0 and size > 1:  # expanded: one row stands for all
            tensor = tensor.narrow(dimension, 0, 1)
    strides = tensor.stride()  # which count, so that the order in memory will do
    tensor = tensor.permute(sorted(range(tensor.dim()), key=lambda each: -strides[each]))
    for part in _dense_parts(tensor):
        moved = part if part.device.type == "cpu" else part.cpu()
        size = moved.numel() * moved.element_size()
        if size:
            found.update((ctypes.c_char * size).from_address(moved.data_ptr()))


def _dense_parts(tensor: Any) -> Iterator[Any]:
    """Give the tensor where its elements lie side by side; else copies of its rows, some at a time."""
    if tensor.is_contiguous():
        yield tensor
        return
    rows = _BATCH // tensor[0].numel()
    if not rows:
        for row in tensor:
            yield from _dense_parts(row)
        return
    for part in tensor.split(rows):
        yield part.contiguous()


def digest_of_storage(storage: Any) -> bytes:
    """Take the digest of the memory of tensors."""
    import torch

    typed = "" if isinstance(storage, torch.UntypedStorage) else str(storage.dtype)
    untyped = storage if isinstance(storage, torch.UntypedStorage) else storage.untyped()
    content = torch.empty(0, dtype=torch.uint8, device=untyped.device).set_(untyped)
    return hashlib.sha256(typed.encode() + digest_of_tensor(content)).digest()


def _graph_of(root: Any) -> list[tuple[object, ...]]:
    """Tell how a tensor was computed, which its gradients depend on: each operation with what it has kept."""
    numbers = {root: 0}
    nodes = [root]
    graph: list[tuple[object, ...]] = []
    for node in nodes:  # grows
        follows = []
        for after, index in node.next_functions:
            if after is not None and after not in numbers:
                numbers[after] = len(nodes)
                nodes.append(after)
            follows.append((numbers.get(after), index))
        graph.append((node.name(), follows, getattr(node, "variable", None), *_kept_by(node)))
    return graph


def _kept_by(node: Any) -> Iterator[object]:
    import torch

    own = getattr(node, "_forward_cls", None)
    if own is not None:
        yield own
        yield from vars(node).items()
        names = ["saved_tensors"]
    else:
        names = [name for name in dir(node) if name.startswith("_saved_")]
    for name in names:
        try:
            kept = getattr(node, name)
        except RuntimeError:  # freed, by a backward pass
            continue
        parts = kept if isinstance(kept, (tuple, list)) else (kept,)
        yield name, [digest_of_tensor(part) if isinstance(part, torch.Tensor) else part for part in parts]


def digest_of_generator(generator: Any) -> bytes:
    """Take the digest of the state of a generator of random numbers."""
    return hashlib.sha256(repr(str(generator.device)).encode() + digest_of_tensor(generator.get_state())).digest()


def digest_of_limits(limits: Any) -> bytes:
    """Tell ``torch.finfo`` and ``torch.iinfo``, which say all that they hold."""
    return repr(limits).encode()
