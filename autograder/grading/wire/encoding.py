"""Values to messages."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgpack
import numpy as np
import torch

from autograder.grading.wire.types import (
    ARRAY_KINDS,
    CONTAINER_WEIGHT,
    MAX_DEPTH,
    MAX_INTEGER_BYTES,
    MAX_WEIGHT,
    TENSOR_DTYPE_NAMES,
    TYPE_NAMES,
    Code,
)
from autograder.sandbox.messages import WireError


@dataclass
class Encoder:
    """Encodes one value: ``tree`` gives what msgpack packs, ``blobs`` are the bytes of arrays so far."""

    to_reference: Callable[[Any], Any]
    blobs: list[bytes] = field(default_factory=list)
    weight: int = 0

    def weigh(self, values: int) -> None:
        self.weight += CONTAINER_WEIGHT + values
        if self.weight > MAX_WEIGHT:
            raise WireError("too many values in one reply: return large results as tensors or arrays")

    def tree(self, value: Any, depth: int) -> Any:
        """``value`` in terms of msgpack: exact types first, then subclasses as the plain type they extend."""
        if depth > MAX_DEPTH:
            raise WireError(f"a value nested more than {MAX_DEPTH} deep (does a list contain itself?) cannot travel")
        kind = type(value)
        if kind in (type(None), bool, float):
            return value
        if encode := _EXACT.get(kind):
            return encode(self, value, depth)
        for base, encode in _SUBCLASSES:
            if isinstance(value, base):
                return encode(self, value, depth)
        return msgpack.ExtType(Code.REFERENCE, pack(self.tree(self.to_reference(value), depth + 1)))

    def integer(self, value: int, depth: int) -> Any:
        value = int(value)
        if -(1 << 63) <= value < 1 << 64:
            return value
        size = value.bit_length() // 8 + 1
        if size > MAX_INTEGER_BYTES:
            raise WireError(f"an integer of {size} bytes is over the limit of {MAX_INTEGER_BYTES}")
        return msgpack.ExtType(Code.INTEGER, value.to_bytes(size, "little", signed=True))

    def number(self, value: float, depth: int) -> Any:
        return float(value)

    def text(self, value: str, depth: int) -> Any:
        return str(value).encode(errors="replace").decode()

    def bytes(self, value: Any, depth: int) -> Any:
        return bytes(value)

    def list(self, value: Any, depth: int) -> Any:
        self.weigh(len(value))
        return [self.tree(item, depth + 1) for item in value]

    def dict(self, value: dict[Any, Any], depth: int) -> Any:
        self.weigh(2 * len(value))
        return {self.tree(key, depth + 1): self.tree(item, depth + 1) for key, item in value.items()}

    def extension(self, code: int, parts: Any, depth: int) -> Any:
        return msgpack.ExtType(code, pack(self.list(parts, depth)))

    def tuple(self, value: Any, depth: int) -> Any:
        return self.extension(Code.TUPLE, value, depth)

    def set(self, value: Any, depth: int) -> Any:
        return self.extension(Code.SET, value, depth)

    def frozenset(self, value: Any, depth: int) -> Any:
        return self.extension(Code.FROZENSET, value, depth)

    def complex(self, value: complex, depth: int) -> Any:
        return self.extension(Code.COMPLEX, [value.real, value.imag], depth)

    def range(self, value: range, depth: int) -> Any:
        return self.extension(Code.RANGE, [value.start, value.stop, value.step], depth)

    def slice(self, value: slice, depth: int) -> Any:
        return self.extension(Code.SLICE, [value.start, value.stop, value.step], depth)

    def ellipsis(self, value: Any, depth: int) -> Any:
        return msgpack.ExtType(Code.ELLIPSIS, b"")

    def size(self, value: Any, depth: int) -> Any:
        return self.extension(Code.SIZE, list(value), depth)

    def type(self, value: type, depth: int) -> Any:
        if name := TYPE_NAMES.get(value):
            return self.extension(Code.TYPE, [name], depth)
        return msgpack.ExtType(Code.REFERENCE, pack(self.tree(self.to_reference(value), depth + 1)))

    def torch_dtype(self, value: torch.dtype, depth: int) -> Any:
        if value not in TENSOR_DTYPE_NAMES:
            raise WireError(f"{value} cannot travel")
        return self.extension(Code.TORCH_DTYPE, [TENSOR_DTYPE_NAMES[value]], depth)

    def array_dtype(self, value: np.dtype, depth: int) -> Any:
        return self.extension(Code.ARRAY_DTYPE, [value.str], depth)

    def array(self, value: Any, depth: int, code: int = Code.ARRAY) -> Any:
        value = np.asarray(value)
        if value.dtype.kind == "O":
            return self.extension(Code.OBJECTS, [list(value.shape), value.ravel().tolist()], depth)
        if value.dtype.kind not in ARRAY_KINDS:
            return msgpack.ExtType(Code.REFERENCE, pack(self.tree(self.to_reference(value), depth + 1)))
        self.blobs.append(value.tobytes())
        return self.extension(code, [value.dtype.str, list(value.shape)], depth)

    def scalar(self, value: np.generic, depth: int) -> Any:
        return self.array(value, depth, Code.SCALAR)

    def tensor(self, value: torch.Tensor, depth: int) -> Any:
        if value.layout is not torch.strided or value.dtype not in TENSOR_DTYPE_NAMES or value.is_meta:
            return msgpack.ExtType(Code.REFERENCE, pack(self.tree(self.to_reference(value), depth + 1)))
        plain = value.detach().as_subclass(torch.Tensor).cpu().resolve_conj().resolve_neg()
        # One element counts as contiguous whatever its stride, and could not be viewed as bytes: hence a copy.
        row = plain.reshape(-1).clone(memory_format=torch.contiguous_format)
        self.blobs.append(row.view(torch.uint8).numpy().tobytes() if plain.numel() else b"")
        return self.extension(
            Code.TENSOR, [TENSOR_DTYPE_NAMES[value.dtype], list(value.shape), value.requires_grad], depth
        )

    def torch_generator(self, value: torch.Generator, depth: int) -> Any:
        return self.extension(Code.TORCH_GENERATOR, [value.get_state()], depth)

    def numpy_generator(self, value: np.random.Generator, depth: int) -> Any:
        if type(value.bit_generator) is not np.random.PCG64:
            return msgpack.ExtType(Code.REFERENCE, pack(self.tree(self.to_reference(value), depth + 1)))
        return self.extension(Code.NUMPY_GENERATOR, [dict(value.bit_generator.state)], depth)

    def random(self, value: random.Random, depth: int) -> Any:
        return self.extension(Code.RANDOM, [value.getstate()], depth)


_Encode = Callable[[Encoder, Any, int], Any]
_EXACT: dict[type, _Encode] = {
    int: Encoder.integer, str: Encoder.text, bytes: Encoder.bytes, bytearray: Encoder.bytes, list: Encoder.list,
    dict: Encoder.dict, tuple: Encoder.tuple, set: Encoder.set, frozenset: Encoder.frozenset,
    complex: Encoder.complex, range: Encoder.range, slice: Encoder.slice, type(...): Encoder.ellipsis,
    type: Encoder.type, np.ndarray: Encoder.array, torch.Tensor: Encoder.tensor, torch.Size: Encoder.size,
    torch.dtype: Encoder.torch_dtype, torch.Generator: Encoder.torch_generator,
    np.random.Generator: Encoder.numpy_generator, random.Random: Encoder.random,
}  # fmt: skip
_SUBCLASSES: tuple[tuple[type, _Encode], ...] = (
    (np.generic, Encoder.scalar), (np.ndarray, Encoder.array), (torch.Tensor, Encoder.tensor),
    (np.dtype, Encoder.array_dtype), (int, Encoder.integer), (float, Encoder.number), (str, Encoder.text),
    (dict, Encoder.dict), (list, Encoder.list), (tuple, Encoder.tuple), (set, Encoder.set),
)  # fmt: skip


def pack(tree: Any) -> bytes:
    """What msgpack makes of a tree."""
    packed: bytes = msgpack.packb(tree, strict_types=True)
    return packed
