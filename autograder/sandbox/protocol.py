"""What is said between the zygote and whoever starts boxes."""

import signal
from dataclasses import dataclass

from autograder.sandbox.cage import Cage
from autograder.schema import Schema


@dataclass(frozen=True)
class Ready:
    """The zygote's first message: its process and how many threads it has."""

    pid: int
    threads: int


@dataclass(frozen=True)
class StartBox:
    """Start a box; its end of the channel follows as a descriptor."""

    cage: Cage


@dataclass(frozen=True)
class EndBox:
    """End every process of the box of this keeper."""

    keeper: int


@dataclass(frozen=True)
class BoxStarted:
    """The processes of a box, and which layers are in force for each thing that is protected."""

    keeper: int
    boxed: int
    in_force: dict[str, str]


@dataclass(frozen=True)
class BoxRefused:
    """Why a box was not started."""

    reason: str


@dataclass(frozen=True)
class BoxEnded:
    """How a box ended: its exit status (negative: the signal), CPU seconds, MiB of its largest process, and how many
    processes were left to be killed. ``out_of_memory``: the kernel ended one, for the memory of all together."""

    status: int
    cpu: float
    memory: float
    left: int
    out_of_memory: bool

    def out_of_time(self, cpu_seconds: int) -> bool:
        """Whether the limit on processor time ended it: by the signal for that, or, when it ignored that, by force."""
        return self.status == -signal.SIGXCPU or self.cpu >= cpu_seconds


READY: Schema[Ready] = Schema(Ready)
REQUEST: Schema[StartBox | EndBox] = Schema(StartBox | EndBox)
ANSWER: Schema[BoxStarted | BoxRefused | BoxEnded] = Schema(BoxStarted | BoxRefused | BoxEnded)
