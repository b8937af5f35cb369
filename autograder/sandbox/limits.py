"""How a box is isolated, and what may be used in it."""

from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar


class Isolation(Enum):
    """``STRICT``: the code in the box is kept from this host. ``NONE``: it runs with the permissions of the grader."""

    STRICT = "strict"
    NONE = "none"


@dataclass(frozen=True)
class Limits:
    """What all processes of a box may use; sizes are MiB.

    ``memory``, ``file`` (the largest file), ``open_files`` and ``cpu_seconds`` hold for each process, ``disk`` and
    ``processes`` for all together, ``output`` for what is printed at a time.
    """

    cpu_seconds: int = 900
    memory: int = 2048
    disk: int = 256
    file: int = 128
    processes: int = 64
    open_files: int = 256
    output: int = 4


L = TypeVar("L", bound=Limits, covariant=True)


@dataclass(frozen=True)
class Policy(Generic[L]):
    """What whoever starts a box decides: how it is isolated, and its limits."""

    limits: L
    isolation: Isolation = Isolation.STRICT
