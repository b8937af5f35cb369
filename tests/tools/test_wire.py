"""The wire carries every value that tests need, exactly, and nothing that arrives on it can harm the grader."""

import random
import resource
import socket
import struct
import sys
import threading
import time
import tracemalloc
from collections import Counter, OrderedDict, namedtuple
from typing import Any

import msgpack
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.grading import wire
from autograder.grading.wire import MAX_DEPTH, Message, Wire, WireError
from autograder.grading.wire.types import CONTAINER_WEIGHT, Code
from autograder.sandbox.channel import Channel, Closed, Late
from autograder.sandbox.messages import MAX_BLOB, MAX_SKELETON

WIRE = Wire(to_reference=lambda value: [type(value).__name__], from_reference=lambda parts: ("reference", parts))
MEBIBYTE = 1 << 20
SLOW_START = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
ARRAY_DTYPES = [
    "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64",
    "complex64", "complex128",
]  # fmt: skip


def there_and_back(value: Any) -> Any:
    return WIRE.decode(WIRE.encode(value))


def same(one: Any, other: Any) -> bool:
    """Equality of type and value, NaN equal to NaN, arrays and tensors byte by byte."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        return (one.dtype, one.shape, one.requires_grad) == (
            other.dtype,
            other.shape,
            other.requires_grad,
        ) and WIRE.encode(one) == WIRE.encode(other)
    if isinstance(one, np.ndarray) and one.dtype.hasobject:
        return one.shape == other.shape and all(map(same, one.flat, other.flat))
    if isinstance(one, (np.ndarray, np.generic)):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, float):
        return struct.pack("d", one) == struct.pack("d", other) or (one != one and other != other)
    if isinstance(one, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    return one == other


def tensor_of(dtype: torch.dtype, shape: list[int], data: bytes) -> torch.Tensor:
    """A tensor with these bytes, repeated as often as needed: every bit pattern, so every NaN and infinity too."""
    size = int(np.prod(shape)) * dtype.itemsize
    filled = bytearray((data * (size // len(data) + 1))[:size]) if size else bytearray()
    if dtype is torch.bool:
        filled = bytearray(byte & 1 for byte in filled)
    return torch.frombuffer(filled, dtype=dtype).reshape(shape) if size else torch.empty(shape, dtype=dtype)


SHAPES = st.lists(st.integers(0, 4), max_size=4)
PATTERNS = st.binary(min_size=1, max_size=64)
TENSORS = st.builds(tensor_of, st.sampled_from(list(wire.TENSOR_DTYPES.values())), SHAPES, PATTERNS)
ARRAYS = st.builds(
    lambda name, shape, data: tensor_of(getattr(torch, name), shape, data).numpy(),
    st.sampled_from(ARRAY_DTYPES),
    SHAPES,
    PATTERNS,
)
NUMBERS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-(1 << 9000), 1 << 9000), st.floats(), st.complex_numbers()
)
TEXTS = st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.binary())
KEYS = st.one_of(st.text("abc"), st.integers(), st.tuples(st.integers(), st.text("xy")), st.booleans())
DATA = st.recursive(
    st.one_of(NUMBERS, TEXTS, TENSORS, ARRAYS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(KEYS, inner, max_size=4),
        st.sets(KEYS, max_size=4),
        st.frozensets(KEYS, max_size=4),
    ),
    max_leaves=12,
)


@SLOW_START
@given(DATA)
def test_data_comes_back_the_same(value):
    assert same(there_and_back(value), value)


@pytest.mark.parametrize("name", wire.TENSOR_DTYPES)
@pytest.mark.parametrize("shape", [[], [0], [3], [2, 0, 3], [2, 3, 1]])
def test_every_tensor_dtype(name, shape):
    tensor = tensor_of(wire.TENSOR_DTYPES[name], shape, bytes(range(1, 80)))
    assert same(there_and_back(tensor), tensor)


def test_every_torch_dtype_travels_or_is_known_not_to():
    known = {value for value in vars(torch).values() if isinstance(value, torch.dtype)}
    exotic = {dtype for dtype in known if dtype.is_floating_point is False and "q" in str(dtype)}
    for dtype in known - exotic:
        try:
            assert there_and_back(dtype) is dtype
        except WireError:
            assert dtype not in wire.TENSOR_DTYPES.values()
    assert {torch.float32, torch.int64, torch.bool, torch.bfloat16, torch.complex64} <= set(wire.TENSOR_DTYPES.values())


VIEWS = {
    "transposed": torch.arange(12.0).reshape(3, 4).T,
    "strided": torch.arange(12.0)[::3],
    "expanded": torch.tensor([1.0]).expand(5, 2),
    "conjugated": torch.tensor([1 + 2j]).conj(),
    "negated": torch.tensor([1 + 2j]).conj().imag,
    "parameter": torch.nn.Parameter(torch.ones(2)),
    "needs_grad": torch.ones(2, requires_grad=True),
    "computed": torch.ones(2, requires_grad=True) * 3,
    "non_finite": torch.tensor([float("nan"), float("inf"), -float("inf"), -0.0]),
}


@pytest.mark.parametrize("name", VIEWS)
def test_tensors_that_are_views(name):
    there = there_and_back(VIEWS[name])
    assert type(there) is torch.Tensor
    assert there.requires_grad == VIEWS[name].requires_grad
    assert WIRE.encode(there.detach()).blob == WIRE.encode(VIEWS[name].detach().clone()).blob
    there.detach().zero_()  # what arrives can be written to


OTHERS: dict[str, Any] = {
    "fortran_order": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "reversed": np.arange(6)[::-1],
    "big_endian": np.arange(3, dtype=">i4"),
    "texts": np.array(["a", "ñandú", ""]),
    "byte_strings": np.array([b"a", b"bc"]),
    "dates": np.array(["2024-02-29", "NaT"], dtype="datetime64[D]"),
    "durations": np.array([3], dtype="timedelta64[ms]"),
    "objects": np.array([1, "x", None, [2.5]], dtype=object),
    "object_square": np.array([[1, "x"], [None, 2.5]], dtype=object),
    "long_double": np.array([1.0], dtype=np.longdouble),
    "scalar": np.float32(1.5),
    "scalar_truth": np.bool_(True),
    "scalar_text": np.str_("x"),
    "array_0d": np.array(3.5),
    "array_dtype": np.dtype("float32"),
    "torch_dtype": torch.bfloat16,
    "size": torch.Size([2, 0, 3]),
    "range": range(10, 0, -3),
    "slice": slice(None, 4, 2),
    "ellipsis": ...,
    "type": float,
    "array_type": np.int16,
    "types": [bool, int, str, list, tuple, dict, set],
    "huge_integer": -(3**5000),
    "float_key": {1.5: 2, None: 3, (1, (2,)): 4},
    "bytearray": b"abc",
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_values(name):
    assert same(there_and_back(OTHERS[name]), OTHERS[name])


def test_subclasses_travel_as_what_they_extend():
    point = namedtuple("Point", "x y")(1, 2)
    values = [point, OrderedDict(a=1), Counter("aab"), type("Mine", (int,), {})(3), type("Mine", (float,), {})(2.5)]
    assert same(there_and_back(values), [(1, 2), {"a": 1}, {"a": 2, "b": 1}, 3, 2.5])


def test_lone_surrogates_are_replaced():
    assert there_and_back("a\ud800b") == "a?b"


@given(st.integers(0, 1 << 30))
def test_generators_go_on_where_they_were(seed):
    generator, numpys, pythons = torch.Generator().manual_seed(seed), np.random.default_rng(seed), random.Random(seed)
    torch.rand(3, generator=generator), numpys.random(3), pythons.random()
    theirs = there_and_back([generator, numpys, pythons])
    assert torch.equal(torch.rand(5, generator=theirs[0]), torch.rand(5, generator=generator))
    assert (theirs[1].random(5) == numpys.random(5)).all()
    assert [theirs[2].random() for _ in range(5)] == [pythons.random() for _ in range(5)]


@pytest.mark.parametrize(
    "value",
    [len, torch, torch.nn.Linear(1, 1), iter([]), torch.ones(2).to_sparse(), torch.empty(2, device="meta"), object()],
    ids=["function", "module", "layer", "iterator", "sparse", "meta", "object"],
)
def test_what_is_not_data_stays_where_it_is(value):
    assert there_and_back([value]) == [("reference", [type(value).__name__])]


def nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


def contains_itself() -> list:
    value: list = []
    value.append(value)
    return value


def billion_laughs() -> list:
    value: list = ["ha"]
    for _ in range(10):
        value = [value] * 10
    return value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (nested(MAX_DEPTH + 1), "deep"),
        (contains_itself(), "contain itself"),
        (billion_laughs(), "too many values"),
        ([None] * (10 * MEBIBYTE), "too many values"),
        ("x" * (MAX_SKELETON + 1), "limit"),
        (1 << 40_000, "integer"),
        (torch.zeros(1).expand(MAX_BLOB // 4 + 1), "limit"),
    ],
    ids=["deep", "cycle", "laughs", "long", "text", "integer", "blob"],
)
def test_what_is_over_a_limit_cannot_be_encoded(value, words):
    with pytest.raises(WireError, match=words):
        WIRE.encode(value)


def pack(code: int, *parts: Any) -> msgpack.ExtType:
    return msgpack.ExtType(code, msgpack.packb(list(parts)))


def deep(code: int, depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = pack(code, value)
    return value


def same_hashes(count: int) -> list[msgpack.ExtType]:
    """Integers that all have hash 0."""
    modulus = (1 << 61) - 1
    return [msgpack.ExtType(Code.INTEGER, (modulus * n).to_bytes(16, "little", signed=True)) for n in range(1, count)]


def same_hash_map(count: int) -> bytes:
    keys = same_hashes(count)
    return msgpack.Packer().pack_map_header(len(keys)) + b"".join(msgpack.packb(key) + b"\xc0" for key in keys)


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "half_a_message": b"\x93\x01",
    "not_utf8": b"\xa2\xed\xa0",
    "array_header_only": b"\xdd\xff\xff\xff\xff",
    "map_header_only": b"\xdf\xff\xff\xff\xff",
    "text_header_only": b"\xdb\xff\xff\xff\xff",
    "extension_header_only": b"\xc9\xff\xff\xff\xff\x06",
    "unknown_extension": msgpack.packb(msgpack.ExtType(99, b"\x90")),
    "timestamp": b"\xc7\x07\xff" + b"\0" * 7,
    "parts_missing": msgpack.packb(pack(Code.ARRAY)),
    "parts_left_over": msgpack.packb(pack(Code.ARRAY, "<f4", [0], 1)),
    "shape_negative": msgpack.packb(pack(Code.ARRAY, "<f4", [-1])),
    "shape_too_large": msgpack.packb(pack(Code.ARRAY, "<f4", [1 << 40])),
    "shape_overflows": msgpack.packb(pack(Code.TENSOR, "float32", [1 << 62, 1 << 62], False)),
    "shape_empty_but_huge": msgpack.packb(pack(Code.TENSOR, "float32", [0, 1 << 40], False)),
    "shape_of_truths": msgpack.packb(pack(Code.ARRAY, "<f4", [True])),
    "shape_of_texts": msgpack.packb(pack(Code.ARRAY, "<f4", ["3"])),
    "shape_no_list": msgpack.packb(pack(Code.ARRAY, "<f4", 3)),
    "too_many_dimensions": msgpack.packb(pack(Code.ARRAY, "<f4", [1] * 60)),
    "dtype_of_objects": msgpack.packb(pack(Code.ARRAY, "O", [0])),
    "dtype_structured": msgpack.packb(pack(Code.ARRAY, "i4,O", [0])),
    "dtype_void": msgpack.packb(pack(Code.ARRAY, "V8", [0])),
    "dtype_list": msgpack.packb(pack(Code.ARRAY, [["a", "O"]], [0])),
    "dtype_long_text": msgpack.packb(pack(Code.ARRAY, "i4," * 100_000, [0])),
    "dtype_huge_texts": msgpack.packb(pack(Code.ARRAY, "<U500000000", [0])),
    "dtype_unknown": msgpack.packb(pack(Code.TENSOR, "quint8", [0], False)),
    "dtype_attribute": msgpack.packb(pack(Code.TORCH_DTYPE, "load")),
    "type_not_listed": msgpack.packb(pack(Code.TYPE, "object")),
    "type_unhashable": msgpack.packb(pack(Code.TYPE, [])),
    "objects_wrong_shape": msgpack.packb(pack(Code.OBJECTS, [1 << 40], [1])),
    "scalar_with_shape": msgpack.packb(pack(Code.SCALAR, "<f4", [0])),
    "range_huge": msgpack.packb(pack(Code.RANGE, 0, 1 << 60, 1)),
    "range_of_texts": msgpack.packb(pack(Code.RANGE, "0", "9", "1")),
    "complex_of_texts": msgpack.packb(pack(Code.COMPLEX, "1", "2")),
    "size_of_texts": msgpack.packb(pack(Code.SIZE, "1")),
    "integer_huge": msgpack.packb(msgpack.ExtType(Code.INTEGER, b"\x01" * 100_000)),
    "generator_of_zeros": msgpack.packb(pack(Code.TORCH_GENERATOR, 0)),
    "generator_of_nonsense": msgpack.packb(pack(Code.NUMPY_GENERATOR, {"state": {"state": -1, "inc": -2}})),
    "random_of_nonsense": msgpack.packb(pack(Code.RANDOM, [3, [1] * 700, None])),
    "unhashable_key": b"\x81\x90\x00",
    "unhashable_element": msgpack.packb(pack(Code.SET, [1])),
    "deep_lists": b"\x91" * 400 + b"\x90",
    "deeper_lists": b"\x91" * 100_000 + b"\x90",
    "deep_maps": b"\x81\x00" * 400 + b"\x90",
    "deep_tuples": msgpack.packb(deep(Code.TUPLE, 80)),
    "deep_objects": msgpack.packb(pack(Code.OBJECTS, [], [nested(90)])),
    "many_empty_lists": b"\xdd" + struct.pack(">I", 4 << 20) + b"\x90" * (4 << 20),
    "many_empty_maps": b"\xdd" + struct.pack(">I", 4 << 20) + b"\x80" * (4 << 20),
    "many_empty_sets": b"\xdd" + struct.pack(">I", 1 << 20) + b"\xd4\x02\x90" * (1 << 20),
    "many_empty_tensors": b"\xdd" + struct.pack(">I", 1 << 19)
    + msgpack.packb(pack(Code.TENSOR, "bool", [0], False)) * (1 << 19),
    "keys_with_one_hash": same_hash_map(60_000),
    "elements_with_one_hash": msgpack.packb(pack(Code.SET, *same_hashes(60_000))),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_are_refused_cheaply(name):
    message = Message(HOSTILE[name])
    started = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            WIRE.decode(message)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 120 * MEBIBYTE
    assert time.process_time() - started < 20


def test_no_message_within_the_limits_takes_much_memory():
    """Of all containers the emptiest ones take most; here as many as pass."""
    count = wire.MAX_WEIGHT // (CONTAINER_WEIGHT + 2)
    for empty in (b"\x90", b"\x80", b"\xd4\x02\x90"):
        tracemalloc.start()
        try:
            WIRE.decode(Message(b"\xdd" + struct.pack(">I", count // 2) + empty * (count // 2)))
            assert tracemalloc.get_traced_memory()[1] < 120 * MEBIBYTE
        finally:
            tracemalloc.stop()


def test_a_truth_is_true_or_false():
    """A byte of 2 would make a truth that is equal neither to True nor to False."""
    for code, name in ((Code.ARRAY, "|b1"), (Code.TENSOR, "bool")):
        parts = (name, [3]) if code == Code.ARRAY else (name, [3], False)
        value = WIRE.decode(Message(msgpack.packb(pack(code, *parts)), b"\x02\x00\xff"))
        assert value.tolist() == [True, False, True]
        assert bytes(value.view(torch.uint8) if code == Code.TENSOR else value.view(np.uint8)) == b"\x01\x00\x01"


@SLOW_START
@given(st.binary(max_size=200), st.binary(max_size=64))
def test_arbitrary_bytes_raise_nothing_else(skeleton, blob):
    decode_anything(skeleton, blob)


@SLOW_START
@given(DATA, st.data())
def test_mutated_messages_raise_nothing_else(value, data):
    message = WIRE.encode(value)
    skeleton = bytearray(message.skeleton)
    for _ in range(data.draw(st.integers(1, 4))):
        where = data.draw(st.integers(0, len(skeleton) - 1))
        skeleton[where] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(message.blob)))
    decode_anything(bytes(skeleton), message.blob)
    decode_anything(message.skeleton, message.blob[:cut])


@SLOW_START
@given(st.integers(-2, 25), st.recursive(NUMBERS | TEXTS, lambda inner: st.lists(inner, max_size=4), max_leaves=8))
def test_extensions_with_odd_parts_raise_nothing_else(code, parts):
    payload = WIRE.encode(parts if type(parts) is list else [parts]).skeleton
    decode_anything(msgpack.packb(msgpack.ExtType(code & 127, payload)), b"\x01" * 64)


def decode_anything(skeleton: bytes, blob: bytes) -> None:
    try:
        value = WIRE.decode(Message(skeleton, blob))
    except WireError:
        return
    WIRE.encode(value)  # what came through is a value like any other


@pytest.fixture
def ends():
    """A channel, and the other end as a plain socket."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    yield Channel(ours), theirs
    ours.close()
    theirs.close()


def soon(seconds: float = 0.2) -> float:
    return time.monotonic() + seconds


def test_messages_arrive_whole_and_in_order(ends):
    channel, theirs = ends
    values = [torch.arange(100_000), "x" * 300_000, [1, {"a": None}]]
    other = Channel(theirs)
    sender = threading.Thread(target=lambda: [channel.send(WIRE.encode(value)) for value in values])
    sender.start()
    assert all(same(WIRE.decode(other.receive(soon(10))), value) for value in values)
    sender.join()


@pytest.mark.parametrize("sent", [b"", b"\x05", b"\x05\0\0\0" + b"\0" * 8 + b"abc"], ids=["nothing", "header", "body"])
def test_the_other_end_closes_midway(ends, sent):
    channel, theirs = ends
    theirs.sendall(sent)
    theirs.close()
    with pytest.raises(Closed):
        channel.receive(soon(10))


@pytest.mark.parametrize("sent", [b"", b"\x05", b"\x05\0\0\0" + b"\0" * 8 + b"abc"], ids=["nothing", "header", "body"])
def test_the_other_end_says_no_more(ends, sent):
    channel, theirs = ends
    theirs.sendall(sent)
    with pytest.raises(Late):
        channel.receive(soon())


def test_a_byte_now_and_then_is_late_too(ends):
    channel, theirs = ends
    stop = threading.Event()

    def drip() -> None:
        while not stop.wait(0.02):
            theirs.sendall(b"\0")

    dripping = threading.Thread(target=drip)
    theirs.sendall(struct.pack("<IQ", 1 << 20, 0))
    dripping.start()
    with pytest.raises(Late):
        channel.receive(soon(0.3))
    stop.set()
    dripping.join()


@pytest.mark.parametrize(("skeleton", "blob"), [(MAX_SKELETON + 1, 0), (0xFFFFFFFF, 0), (1, 11), (1, (1 << 64) - 1)])
def test_lengths_over_the_limit_are_refused_before_anything_is_read(ends, skeleton, blob):
    channel, theirs = ends
    theirs.sendall(struct.pack("<IQ", skeleton, blob))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(WireError, match="limit"):
        channel.receive(soon(10), max_blob=10)
    unit = 1 << 10 if sys.platform == "linux" else 1
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit < 16 * MEBIBYTE


def test_nobody_reads_what_is_sent(ends):
    channel, _theirs = ends
    with pytest.raises(Late):
        channel.send(WIRE.encode(torch.zeros(10 * MEBIBYTE)), soon())
    assert channel.socket.fileno() >= 0


def test_sending_to_a_closed_end(ends):
    channel, theirs = ends
    theirs.close()
    with pytest.raises(Closed):
        channel.send(WIRE.encode(torch.zeros(MEBIBYTE)), soon(10))
