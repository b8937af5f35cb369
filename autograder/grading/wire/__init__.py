"""Values on their way between grader and student process: data only, exact types, limits before memory is taken.

A message is a *skeleton* and a *blob*: msgpack (https://msgpack.org) for structure and small values, and behind it the
bytes of all arrays and tensors one after the other. What msgpack does not know (tuples, arrays, tensors, ...) are
extension types. Nothing here ever loads code: no pickle, no ``eval``, no class looked up by a name that came in.

What is not data (functions, classes, modules, objects) stays where it is and travels as a *reference*; what a reference
means is for the two ends to say (``to_reference``, ``from_reference``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autograder.grading.wire.decoding import Decoder, check_depth
from autograder.grading.wire.encoding import Encoder, pack
from autograder.grading.wire.types import MAX_DEPTH, MAX_WEIGHT, NUMBER, TENSOR_DTYPES
from autograder.sandbox.messages import MAX_BLOB, MAX_SKELETON, Message, WireError

__all__ = ["MAX_DEPTH", "MAX_WEIGHT", "NUMBER", "TENSOR_DTYPES", "Message", "Wire", "WireError"]


@dataclass(frozen=True)
class Wire:
    """Encodes and decodes values. The two functions turn what is not data into plain data and back."""

    to_reference: Callable[[Any], Any]
    from_reference: Callable[[Any], Any]

    def encode(self, value: Any) -> Message:
        """Raises ``WireError`` when ``value`` nests too deeply or holds what cannot travel."""
        encoder = Encoder(self.to_reference)
        skeleton = pack(encoder.tree(value, 0))
        if len(skeleton) > MAX_SKELETON:
            raise WireError(f"{len(skeleton) >> 20} MB besides arrays are over the limit of {MAX_SKELETON >> 20} MB")
        blob = b"".join(encoder.blobs)
        if len(blob) > MAX_BLOB:
            raise WireError(f"arrays of {len(blob) >> 20} MB are over the limit of {MAX_BLOB >> 20} MB")
        return Message(skeleton, blob)

    def decode(self, message: Message) -> Any:
        """Raises ``WireError``, and nothing else, when the message is not one that ``encode`` could have made."""
        decoder = Decoder(self.from_reference, memoryview(message.blob))
        try:
            value = decoder.unpack(message.skeleton, 0)
            check_depth(value, 0)
        except WireError:
            raise
        except Exception as error:  # whatever msgpack, numpy and torch raise on bytes that make no sense
            raise WireError(f"not a valid message: {type(error).__name__}: {str(error)[:200]}") from None
        if decoder.position != len(message.blob):
            raise WireError("not a valid message: bytes left over")
        return value
