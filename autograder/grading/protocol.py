"""What the grader says to a student process besides the questions of tests, and what that answers."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Strict

from autograder.schema import Schema


class Request(StrEnum):
    """The first word of a request; a cell's source, or a descriptor, follows."""

    CELL = "cell"
    FORK = "fork"
    END_FORK = "end fork"


@dataclass(frozen=True)
class CellAnswer:
    """What running a cell gave: outputs (in notebook format, unchecked), its number, the kind and text of its error."""

    outputs: Annotated[list[Any], Strict()] = field(default_factory=list)
    count: Annotated[int, Strict()] | None = None
    error: Annotated[tuple[str, str], Strict()] | None = None


@dataclass(frozen=True)
class ForkEnded:
    """How a fork ended, as ``os.waitpid`` says."""

    status: Annotated[int, Strict()]


# Of what comes from a student process, which may be anything: exact types, since what only can be made a list, such as
# an array with an empty axis, may become a very long one.
CELL_ANSWER: Schema[CellAnswer] = Schema(CellAnswer)
FORK_ENDED: Schema[ForkEnded] = Schema(ForkEnded)
