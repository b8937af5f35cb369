"""What goes over a channel: a header with two lengths, and that many bytes of *skeleton* and of *blob*.

What they hold is for the two ends to say; messages between processes of ours are a skeleton of JSON (``protocol``).
"""

import struct
from dataclasses import dataclass

MAX_SKELETON = 8 << 20
MAX_BLOB = 256 << 20
_HEADER = struct.Struct("<IQ")
HEADER_SIZE = _HEADER.size


class WireError(ValueError):
    """A value that cannot travel, or a message that breaks the rules; the text says which and why."""


@dataclass
class Message:
    """A skeleton, which holds the structure, and a blob, the bytes of large values in order."""

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
