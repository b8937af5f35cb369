"""The words of the wire: which types travel, under which codes, and how much of them."""

from enum import IntEnum

import numpy as np
import torch

# A reference is known by its number.
NUMBER = "number"
MAX_DEPTH = 64
# What a message may hold in all: a value weighs 1, a container 32 more. A byte of skeleton can become an empty list of
# 56 bytes in memory, so that a limit on bytes alone would not bound what decoding takes.
MAX_WEIGHT = 8 << 20
CONTAINER_WEIGHT = 32
MAX_INTEGER_BYTES = 4096


class Code(IntEnum):
    """msgpack's extension types, for what msgpack does not know."""

    TUPLE = 1
    SET = 2
    FROZENSET = 3
    COMPLEX = 4
    INTEGER = 5
    ARRAY = 6
    OBJECTS = 7
    SCALAR = 8
    TENSOR = 9
    TORCH_DTYPE = 10
    ARRAY_DTYPE = 11
    SIZE = 12
    RANGE = 13
    SLICE = 14
    ELLIPSIS = 15
    TYPE = 16
    TORCH_GENERATOR = 17
    NUMPY_GENERATOR = 18
    RANDOM = 19
    REFERENCE = 20


TENSOR_DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16, torch.uint32,
        torch.uint64, torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex32, torch.complex64,
        torch.complex128, torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz,
        torch.float8_e8m0fnu,
    )
}  # fmt: skip
TENSOR_DTYPE_NAMES = {dtype: name for name, dtype in TENSOR_DTYPES.items()}
ARRAY_KINDS = "biufcSUmM"
TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (bool, int, float, complex, str, bytes, list, tuple, dict, set, np.float16, np.float32, np.float64,
                 np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64)
}  # fmt: skip
TYPE_NAMES = {kind: name for name, kind in TYPES.items()}
