"""What is kept in files or sent between processes, read and written by the type that it has.

The types are frozen dataclasses as they are: https://docs.pydantic.dev/latest/concepts/type_adapter/
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")


class DecodeError(ValueError):
    """Data that is not what its type says; the text says where and why."""


class Schema(Generic[T]):
    """Reads and writes values of one type, as JSON."""

    def __init__(self, kind: Any) -> None:
        """``kind`` is a type: a dataclass, a container of such, or a union (for which Python 3.11 has no type hint)."""
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)

    def to_json(self, value: T, indent: int | None = None) -> bytes:
        """``value`` as JSON."""
        return self._adapter.dump_json(value, indent=indent)

    def from_json(self, data: bytes | memoryview) -> T:
        """The value that ``to_json`` made this of. Raises ``DecodeError``."""
        return self._checked(lambda: self._adapter.validate_json(bytes(data), strict=True))

    def from_python(self, data: object) -> T:
        """A value from lists, dictionaries and the like, as TOML and msgpack give them. Raises ``DecodeError``."""
        return self._checked(lambda: self._adapter.validate_python(data))

    def _checked(self, decode: Callable[[], T]) -> T:
        try:
            return decode()
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise DecodeError(f"{where}: {first['msg']}" if where else first["msg"]) from None
