"""Messages to values: limits before memory is taken, and no type that is not expected."""

import random
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from math import prod
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
    TENSOR_DTYPES,
    TYPES,
    Code,
)
from autograder.sandbox.messages import MAX_BLOB, WireError

_MAX_DIMENSIONS = 32
_MAX_RANGE = 1 << 20
_TIMES_AS_NUMBERS = 1
# Keys that share their hash make a dictionary slow: with 100 000 of them, minutes.
_MAX_SAME_HASHES = 1000
_ARRAY_DTYPE_NAME = re.compile(r"[<>|=]?[biufcSU][0-9]{1,6}|[<>|=]?[mM]8(\[[0-9]{0,9}[a-zA-Z]{1,2}\])?")


@dataclass
class Decoder:
    """Decodes one message, whose arrays are in ``blob``; nested extension types are unpacked by recursion."""

    from_reference: Callable[[Any], Any]
    blob: memoryview
    position: int = 0
    weight: int = 0

    def weigh(self, container: Any) -> Any:
        self.weight += CONTAINER_WEIGHT + len(container)
        if self.weight > MAX_WEIGHT:
            raise WireError("too many values in one message")
        return container

    def pairs(self, pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
        self.weigh(pairs)
        _check_hashes([key for key, _ in pairs])
        return dict(pairs)

    def unpack(self, data: bytes | memoryview, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise WireError(f"a value nested more than {MAX_DEPTH} deep")

        def extension(code: int, payload: bytes) -> Any:
            return self._extension(code, payload, depth + 1)

        return msgpack.unpackb(
            data,
            ext_hook=extension,
            list_hook=self.weigh,
            object_pairs_hook=self.pairs,
            strict_map_key=False,
            timestamp=_TIMES_AS_NUMBERS,
        )

    def _extension(self, code: int, payload: bytes, depth: int) -> Any:
        self.weigh(())
        if code == Code.INTEGER:
            if len(payload) > MAX_INTEGER_BYTES:
                raise WireError("an integer over the limit")
            return int.from_bytes(payload, "little", signed=True)
        if code == Code.ELLIPSIS:
            return ...
        parts = self.unpack(payload, depth)
        if code == Code.REFERENCE:
            return self.from_reference(parts)
        decode = _DECODERS.get(code)
        if decode is None or type(parts) is not list:
            raise WireError(f"unknown extension type {code}")
        return decode(self, *parts) if code in _WITH_PARTS else decode(parts)

    def _take(self, shape: list[int], itemsize: int) -> memoryview:
        """The next array's bytes, when its shape and those that are there agree."""
        if type(shape) is not list or len(shape) > _MAX_DIMENSIONS or any(type(n) is not int or n < 0 for n in shape):
            raise WireError("an array with a shape that is none")
        size = prod(shape) * itemsize
        if prod(n or 1 for n in shape) * itemsize > MAX_BLOB:  # what has no elements becomes large when it is reduced
            raise WireError("an array with an empty axis and far too long other ones")
        if size > len(self.blob) - self.position:
            raise WireError("an array with fewer bytes than its shape says")
        taken = self.blob[self.position : self.position + size]
        self.position += size
        return taken

    def array(self, dtype: str, shape: list[int]) -> np.ndarray:
        kind = _array_dtype(dtype)
        data = self._take(shape, kind.itemsize)
        # A copy: what is decoded can be written to, and does not keep the whole message alive.
        return np.frombuffer(_copy(data, kind.kind == "b"), kind).reshape(shape) if len(data) else np.empty(shape, kind)

    def scalar(self, dtype: str, shape: list[int]) -> Any:
        if shape != []:
            raise WireError("a scalar with a shape")
        return self.array(dtype, shape)[()]

    def objects(self, shape: list[int], items: list[Any]) -> np.ndarray:
        if type(items) is not list or any(type(n) is not int or n < 0 for n in shape) or prod(shape) != len(items):
            raise WireError("an array of objects with a wrong shape")
        array = np.empty(len(items), object)
        for index, item in enumerate(items):
            array[index] = item
        return array.reshape(shape)

    def tensor(self, dtype: str, shape: list[int], requires_grad: bool) -> torch.Tensor:
        kind = TENSOR_DTYPES[dtype]
        data = self._take(shape, kind.itemsize)
        copy = _copy(data, kind is torch.bool)
        tensor = torch.frombuffer(copy, dtype=kind).reshape(shape) if copy else torch.empty(shape, dtype=kind)
        return tensor.requires_grad_() if requires_grad is True else tensor


def _copy(data: memoryview, truths: bool) -> bytearray:
    """``data`` to keep and to write to. A truth that is neither 0 nor 1 would be equal to both, or to none."""
    return bytearray((np.frombuffer(data, np.uint8) != 0).tobytes()) if truths else bytearray(data)


def _array_dtype(name: str) -> np.dtype:
    if type(name) is not str or not _ARRAY_DTYPE_NAME.fullmatch(name):
        raise WireError("an array of a type that cannot travel")
    dtype = np.dtype(name)
    if dtype.kind not in ARRAY_KINDS or dtype.itemsize == 0:
        raise WireError(f"arrays of {name} cannot travel")
    return dtype


def _check_hashes(keys: Collection[Any]) -> None:
    if len(keys) - len({hash(key) for key in keys}) > _MAX_SAME_HASHES:
        raise WireError("keys chosen to have the same hash")


def _hashed(kind: type) -> Callable[[list[Any]], Any]:
    def decode(parts: list[Any]) -> Any:
        _check_hashes(parts)
        return kind(parts)

    return decode


def _complex(parts: list[Any]) -> complex:
    real, imaginary = parts
    if type(real) is not float or type(imaginary) is not float:
        raise WireError("a complex number of something else than floats")
    return complex(real, imaginary)


def _integers(parts: Iterable[Any]) -> list[int]:
    """Also so that nothing is asked of a reference in between."""
    integers = list(parts)
    if any(type(part) is not int for part in integers):
        raise WireError("something else than integers")
    return integers


def _range(parts: list[Any]) -> range:
    value = range(*_integers(parts))
    # Whoever makes a list of it would take memory that nobody sent.
    if len(value) > _MAX_RANGE:
        raise WireError(f"a range of more than {_MAX_RANGE} numbers")
    return value


def _torch_generator(parts: list[Any]) -> torch.Generator:
    generator = torch.Generator()
    generator.set_state(parts[0])
    return generator


def _numpy_generator(parts: list[Any]) -> np.random.Generator:
    bits = np.random.PCG64()
    bits.state = parts[0]
    return np.random.Generator(bits)


def _random(parts: list[Any]) -> random.Random:
    generator = random.Random()
    generator.setstate(parts[0])
    return generator


_WITH_PARTS = {Code.ARRAY, Code.SCALAR, Code.OBJECTS, Code.TENSOR}
_DECODERS: dict[int, Callable[..., Any]] = {
    Code.TUPLE: tuple, Code.SET: _hashed(set), Code.FROZENSET: _hashed(frozenset), Code.COMPLEX: _complex,
    Code.ARRAY: Decoder.array, Code.SCALAR: Decoder.scalar, Code.OBJECTS: Decoder.objects, Code.TENSOR: Decoder.tensor,
    Code.TORCH_DTYPE: lambda parts: TENSOR_DTYPES[parts[0]], Code.ARRAY_DTYPE: lambda parts: _array_dtype(parts[0]),
    Code.SIZE: lambda parts: torch.Size(_integers(parts)), Code.RANGE: _range, Code.SLICE: lambda parts: slice(*parts),
    Code.TYPE: lambda parts: TYPES[parts[0]], Code.TORCH_GENERATOR: _torch_generator,
    Code.NUMPY_GENERATOR: _numpy_generator, Code.RANDOM: _random,
}  # fmt: skip


def check_depth(value: Any, depth: int) -> None:
    """msgpack's own containers may nest deeper than ours; what uses the value would run out of stack."""
    if depth > MAX_DEPTH:
        raise WireError(f"a value nested more than {MAX_DEPTH} deep")
    if type(value) in (list, tuple):
        for item in value:
            check_depth(item, depth + 1)
    elif type(value) is dict:
        for item in value.values():
            check_depth(item, depth + 1)
    elif type(value) is np.ndarray and value.dtype.hasobject:
        for item in value.flat:
            check_depth(item, depth + 1)
