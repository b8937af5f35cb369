"""Values on their way between grader and student process: data only, exact types, limits before memory is taken.

A message is a *skeleton* and a *blob*: msgpack (https://msgpack.org) for structure and small values, and behind it the
bytes of all arrays and tensors one after the other. What msgpack does not know (tuples, arrays, tensors, ...) are
extension types. Nothing here ever loads code: no pickle, no ``eval``, no class looked up by a name that came in.

What is not data (functions, classes, modules, objects) stays where it is and travels as a *reference*; what a reference
means is for the two ends to say (``to_reference``, ``from_reference``).
"""

import random
import re
import struct
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import msgpack
import numpy as np
import torch

# A reference is known by its number.
NUMBER = "number"
MAX_DEPTH = 64
MAX_SKELETON = 8 << 20
MAX_BLOB = 256 << 20
# What a message may hold in all: a value weighs 1, a container 32 more. A byte of skeleton can become an empty list of
# 56 bytes in memory, so that a limit on bytes alone would not bound what decoding takes.
MAX_WEIGHT = 8 << 20
_CONTAINER_WEIGHT = 32
_MAX_INTEGER_BYTES = 4096
_MAX_DIMENSIONS = 32
_MAX_RANGE = 1 << 20
_TIMES_AS_NUMBERS = 1
# Keys that share their hash make a dictionary slow: with 100 000 of them, minutes.
_MAX_SAME_HASHES = 1000
_HEADER = struct.Struct("<IQ")
HEADER_SIZE = _HEADER.size

TENSOR_DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16, torch.uint32,
        torch.uint64, torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex32, torch.complex64,
        torch.complex128, torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz,
        torch.float8_e8m0fnu,
    )
}  # fmt: skip
_DTYPE_NAMES = {dtype: name for name, dtype in TENSOR_DTYPES.items()}
_ARRAY_DTYPE_NAME = re.compile(r"[<>|=]?[biufcSU][0-9]{1,6}|[<>|=]?[mM]8(\[[0-9]{0,9}[a-zA-Z]{1,2}\])?")
_ARRAY_KINDS = "biufcSUmM"
_TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (bool, int, float, complex, str, bytes, list, tuple, dict, set, np.float16, np.float32, np.float64,
                 np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64)
}  # fmt: skip
_TYPE_NAMES = {kind: name for name, kind in _TYPES.items()}

(_TUPLE, _SET, _FROZENSET, _COMPLEX, _INTEGER, _ARRAY, _OBJECTS, _SCALAR, _TENSOR, _TORCH_DTYPE, _ARRAY_DTYPE, _SIZE,
 _RANGE, _SLICE, _ELLIPSIS, _TYPE, _TORCH_GENERATOR, _NUMPY_GENERATOR, _RANDOM, _REFERENCE) = range(1, 21)  # fmt: skip


class WireError(ValueError):
    """A value that cannot travel, or a message that breaks the rules; the text says which and why."""


@dataclass
class Message:
    """An encoded value: ``skeleton`` is msgpack, ``blob`` the bytes of its arrays in order."""

    skeleton: bytes | memoryview
    blob: bytes | memoryview = b""

    @property
    def header(self) -> bytes:
        return _HEADER.pack(len(self.skeleton), len(self.blob))


def read_header(header: bytes | memoryview, max_blob: int = MAX_BLOB) -> tuple[int, int]:
    """The lengths of skeleton and blob in bytes. Raises ``WireError`` when one is over its limit."""
    skeleton, blob = _HEADER.unpack(header)
    if skeleton > MAX_SKELETON:
        raise WireError(f"a reply of {skeleton >> 20} MB besides arrays is over the limit of {MAX_SKELETON >> 20} MB")
    if blob > max_blob:
        raise WireError(f"arrays of {blob >> 20} MB in one reply are over the limit of {max_blob >> 20} MB")
    return skeleton, blob


@dataclass(frozen=True)
class Wire:
    """Encodes and decodes values. The two functions turn what is not data into plain data and back."""

    to_reference: Callable[[Any], Any]
    from_reference: Callable[[Any], Any]

    def encode(self, value: Any) -> Message:
        """Raises ``WireError`` when ``value`` nests too deeply or holds what cannot travel."""
        encoder = _Encoder(self.to_reference)
        skeleton = _pack(encoder.tree(value, 0))
        if len(skeleton) > MAX_SKELETON:
            raise WireError(f"{len(skeleton) >> 20} MB besides arrays are over the limit of {MAX_SKELETON >> 20} MB")
        blob = b"".join(encoder.blobs)
        if len(blob) > MAX_BLOB:
            raise WireError(f"arrays of {len(blob) >> 20} MB are over the limit of {MAX_BLOB >> 20} MB")
        return Message(skeleton, blob)

    def decode(self, message: Message) -> Any:
        """Raises ``WireError``, and nothing else, when the message is not one that ``encode`` could have made."""
        decoder = _Decoder(self.from_reference, memoryview(message.blob))
        try:
            value = decoder.unpack(message.skeleton, 0)
            _check_depth(value, 0)
        except WireError:
            raise
        except Exception as error:  # whatever msgpack, numpy and torch raise on bytes that make no sense
            raise WireError(f"not a valid message: {type(error).__name__}: {str(error)[:200]}") from None
        if decoder.position != len(message.blob):
            raise WireError("not a valid message: bytes left over")
        return value


@dataclass
class _Encoder:
    to_reference: Callable[[Any], Any]
    blobs: list[bytes] = field(default_factory=list)
    weight: int = 0

    def weigh(self, values: int) -> None:
        self.weight += _CONTAINER_WEIGHT + values
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
        return msgpack.ExtType(_REFERENCE, _pack(self.tree(self.to_reference(value), depth + 1)))

    def integer(self, value: int, depth: int) -> Any:
        value = int(value)
        if -(1 << 63) <= value < 1 << 64:
            return value
        size = value.bit_length() // 8 + 1
        if size > _MAX_INTEGER_BYTES:
            raise WireError(f"an integer of {size} bytes is over the limit of {_MAX_INTEGER_BYTES}")
        return msgpack.ExtType(_INTEGER, value.to_bytes(size, "little", signed=True))

    def number(self, value: float, depth: int) -> Any:
        return float(value)

    def text(self, value: str, depth: int) -> Any:
        return str(value).encode(errors="replace").decode()

    def bytes(self, value: Any, depth: int) -> Any:
        return bytes(value)

    def list(self, value: Any, depth: int) -> Any:
        self.weigh(len(value))
        return [self.tree(item, depth + 1) for item in value]

    def dict(self, value: dict, depth: int) -> Any:
        self.weigh(2 * len(value))
        return {self.tree(key, depth + 1): self.tree(item, depth + 1) for key, item in value.items()}

    def extension(self, code: int, parts: Any, depth: int) -> Any:
        return msgpack.ExtType(code, _pack(self.list(parts, depth)))

    def tuple(self, value: Any, depth: int) -> Any:
        return self.extension(_TUPLE, value, depth)

    def set(self, value: Any, depth: int) -> Any:
        return self.extension(_SET, value, depth)

    def frozenset(self, value: Any, depth: int) -> Any:
        return self.extension(_FROZENSET, value, depth)

    def complex(self, value: complex, depth: int) -> Any:
        return self.extension(_COMPLEX, [value.real, value.imag], depth)

    def range(self, value: range, depth: int) -> Any:
        return self.extension(_RANGE, [value.start, value.stop, value.step], depth)

    def slice(self, value: slice, depth: int) -> Any:
        return self.extension(_SLICE, [value.start, value.stop, value.step], depth)

    def ellipsis(self, value: Any, depth: int) -> Any:
        return msgpack.ExtType(_ELLIPSIS, b"")

    def size(self, value: Any, depth: int) -> Any:
        return self.extension(_SIZE, list(value), depth)

    def type(self, value: type, depth: int) -> Any:
        if name := _TYPE_NAMES.get(value):
            return self.extension(_TYPE, [name], depth)
        return msgpack.ExtType(_REFERENCE, _pack(self.tree(self.to_reference(value), depth + 1)))

    def torch_dtype(self, value: torch.dtype, depth: int) -> Any:
        if value not in _DTYPE_NAMES:
            raise WireError(f"{value} cannot travel")
        return self.extension(_TORCH_DTYPE, [_DTYPE_NAMES[value]], depth)

    def array_dtype(self, value: np.dtype, depth: int) -> Any:
        return self.extension(_ARRAY_DTYPE, [value.str], depth)

    def array(self, value: Any, depth: int, code: int = _ARRAY) -> Any:
        value = np.asarray(value)
        if value.dtype.kind == "O":
            return self.extension(_OBJECTS, [list(value.shape), value.ravel().tolist()], depth)
        if value.dtype.kind not in _ARRAY_KINDS:
            return msgpack.ExtType(_REFERENCE, _pack(self.tree(self.to_reference(value), depth + 1)))
        self.blobs.append(value.tobytes())
        return self.extension(code, [value.dtype.str, list(value.shape)], depth)

    def scalar(self, value: np.generic, depth: int) -> Any:
        return self.array(value, depth, _SCALAR)

    def tensor(self, value: torch.Tensor, depth: int) -> Any:
        if value.layout is not torch.strided or value.dtype not in _DTYPE_NAMES or value.is_meta:
            return msgpack.ExtType(_REFERENCE, _pack(self.tree(self.to_reference(value), depth + 1)))
        plain = value.detach().as_subclass(torch.Tensor).cpu().resolve_conj().resolve_neg()
        # One element counts as contiguous whatever its stride, and could not be viewed as bytes: hence a copy.
        row = plain.reshape(-1).clone(memory_format=torch.contiguous_format)
        self.blobs.append(row.view(torch.uint8).numpy().tobytes() if plain.numel() else b"")
        return self.extension(_TENSOR, [_DTYPE_NAMES[value.dtype], list(value.shape), value.requires_grad], depth)

    def torch_generator(self, value: torch.Generator, depth: int) -> Any:
        return self.extension(_TORCH_GENERATOR, [value.get_state()], depth)

    def numpy_generator(self, value: np.random.Generator, depth: int) -> Any:
        if type(value.bit_generator) is not np.random.PCG64:
            return msgpack.ExtType(_REFERENCE, _pack(self.tree(self.to_reference(value), depth + 1)))
        return self.extension(_NUMPY_GENERATOR, [dict(value.bit_generator.state)], depth)

    def random(self, value: random.Random, depth: int) -> Any:
        return self.extension(_RANDOM, [value.getstate()], depth)


_EXACT: dict[type, Callable] = {
    int: _Encoder.integer, str: _Encoder.text, bytes: _Encoder.bytes, bytearray: _Encoder.bytes, list: _Encoder.list,
    dict: _Encoder.dict, tuple: _Encoder.tuple, set: _Encoder.set, frozenset: _Encoder.frozenset,
    complex: _Encoder.complex, range: _Encoder.range, slice: _Encoder.slice, type(...): _Encoder.ellipsis,
    type: _Encoder.type, np.ndarray: _Encoder.array, torch.Tensor: _Encoder.tensor, torch.Size: _Encoder.size,
    torch.dtype: _Encoder.torch_dtype, torch.Generator: _Encoder.torch_generator,
    np.random.Generator: _Encoder.numpy_generator, random.Random: _Encoder.random,
}  # fmt: skip
_SUBCLASSES: tuple[tuple[type, Callable], ...] = (
    (np.generic, _Encoder.scalar), (np.ndarray, _Encoder.array), (torch.Tensor, _Encoder.tensor),
    (np.dtype, _Encoder.array_dtype), (int, _Encoder.integer), (float, _Encoder.number), (str, _Encoder.text),
    (dict, _Encoder.dict), (list, _Encoder.list), (tuple, _Encoder.tuple), (set, _Encoder.set),
)  # fmt: skip


@dataclass
class _Decoder:
    from_reference: Callable[[Any], Any]
    blob: memoryview
    position: int = 0
    weight: int = 0

    def weigh(self, container: Any) -> Any:
        self.weight += _CONTAINER_WEIGHT + len(container)
        if self.weight > MAX_WEIGHT:
            raise WireError("too many values in one message")
        return container

    def pairs(self, pairs: list[tuple]) -> dict:
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
        if code == _INTEGER:
            if len(payload) > _MAX_INTEGER_BYTES:
                raise WireError("an integer over the limit")
            return int.from_bytes(payload, "little", signed=True)
        if code == _ELLIPSIS:
            return ...
        parts = self.unpack(payload, depth)
        if code == _REFERENCE:
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

    def objects(self, shape: list[int], items: list) -> np.ndarray:
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
    if dtype.kind not in _ARRAY_KINDS or dtype.itemsize == 0:
        raise WireError(f"arrays of {name} cannot travel")
    return dtype


def _check_hashes(keys: Collection[Any]) -> None:
    if len(keys) - len({hash(key) for key in keys}) > _MAX_SAME_HASHES:
        raise WireError("keys chosen to have the same hash")


def _hashed(kind: type) -> Callable[[list], Any]:
    def decode(parts: list) -> Any:
        _check_hashes(parts)
        return kind(parts)

    return decode


def _complex(parts: list) -> complex:
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


def _range(parts: list) -> range:
    value = range(*_integers(parts))
    # Whoever makes a list of it would take memory that nobody sent.
    if len(value) > _MAX_RANGE:
        raise WireError(f"a range of more than {_MAX_RANGE} numbers")
    return value


def _torch_generator(parts: list) -> torch.Generator:
    generator = torch.Generator()
    generator.set_state(parts[0])
    return generator


def _numpy_generator(parts: list) -> np.random.Generator:
    bits = np.random.PCG64()
    bits.state = parts[0]
    return np.random.Generator(bits)


def _random(parts: list) -> random.Random:
    generator = random.Random()
    generator.setstate(parts[0])
    return generator


_WITH_PARTS = {_ARRAY, _SCALAR, _OBJECTS, _TENSOR}
_DECODERS: dict[int, Callable] = {
    _TUPLE: tuple, _SET: _hashed(set), _FROZENSET: _hashed(frozenset), _COMPLEX: _complex,
    _ARRAY: _Decoder.array, _SCALAR: _Decoder.scalar, _OBJECTS: _Decoder.objects, _TENSOR: _Decoder.tensor,
    _TORCH_DTYPE: lambda parts: TENSOR_DTYPES[parts[0]], _ARRAY_DTYPE: lambda parts: _array_dtype(parts[0]),
    _SIZE: lambda parts: torch.Size(_integers(parts)), _RANGE: _range, _SLICE: lambda parts: slice(*parts),
    _TYPE: lambda parts: _TYPES[parts[0]], _TORCH_GENERATOR: _torch_generator, _NUMPY_GENERATOR: _numpy_generator,
    _RANDOM: _random,
}  # fmt: skip


def _pack(tree: Any) -> bytes:
    return msgpack.packb(tree, strict_types=True)


def _check_depth(value: Any, depth: int) -> None:
    """msgpack's own containers may nest deeper than ours; what uses the value would run out of stack."""
    if depth > MAX_DEPTH:
        raise WireError(f"a value nested more than {MAX_DEPTH} deep")
    if type(value) in (list, tuple):
        for item in value:
            _check_depth(item, depth + 1)
    elif type(value) is dict:
        for item in value.values():
            _check_depth(item, depth + 1)
    elif type(value) is np.ndarray and value.dtype.hasobject:
        for item in value.flat:
            _check_depth(item, depth + 1)
