"""What the texts of the notebooks state as a number or an order, each with the computation that shows it.

A module here has a notebook's name and a function for each claim, from the top of the notebook to its end:

    @claim(
        "e268e359",
        "at 16 inputs the wrong way costs 64 times as much",
        how="`step_cost` of both ways for a 1024x16 matrix",
        stated=64,
    )
    def wrong_way() -> float:
        return reference.step_cost(1024, 16, "left") / reference.step_cost(1024, 16, "right")

``scripts/claims.py`` writes them all to `docs/claims.md`; ``tests/homework/test_claims.py`` recomputes them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path

Values = float | Sequence[float]


@dataclass(frozen=True)
class Claim:
    """One statement of a text. ``compute`` returns a number, one for each seed, or one for each number stated.

    notebook, cell: where it stands; the cell by its id
    says: the words of the text, spaces and line breaks aside
    how: how it is computed, in words, with the seeds
    stated: the number of the text (or several, one for each value); None for an order: then every value is a
        difference that must be above 0
    tolerance: by how much a value may differ from the number stated
    at_least: how many values must agree; None for all
    """

    notebook: str
    cell: str
    says: str
    how: str
    compute: Callable[[], Values]
    stated: float | tuple[float, ...] | None
    tolerance: float
    at_least: int | None

    @cached_property
    def values(self) -> tuple[float, ...]:
        """What is computed; once."""
        values = self.compute()
        return tuple(map(float, values)) if isinstance(values, Iterable) else (float(values),)

    @property
    def agreeing(self) -> int:
        """How many values agree with the text."""
        if self.stated is None:
            return sum(value > 0 for value in self.values)
        stated = self.stated if isinstance(self.stated, tuple) else (self.stated,) * len(self.values)
        return sum(abs(a - b) <= self.tolerance for a, b in zip(self.values, stated, strict=True))

    @property
    def holds(self) -> bool:
        """Whether the text is right."""
        return self.agreeing >= (len(self.values) if self.at_least is None else self.at_least)

    def stands_in(self, source: str) -> bool:
        """Whether the source of a cell has the words."""
        return " ".join(self.says.split()) in " ".join(source.split())


def claim(
    cell: str,
    says: str,
    *,
    how: str,
    stated: float | tuple[float, ...] | None = None,
    tolerance: float = 0.0,
    at_least: int | None = None,
) -> Callable[[Callable[[], Values]], Claim]:
    """Make a claim of the function that computes it; its module's name is the notebook's."""

    def decorate(compute: Callable[[], Values]) -> Claim:
        notebook = compute.__module__.rpartition(".")[2]
        return Claim(notebook, cell, says, how, compute, stated, tolerance, at_least)

    return decorate


def all_claims() -> list[Claim]:
    """The claims of all modules here, notebook by notebook, in the order in which they are written."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")
    modules = [import_module(f"{__name__}.{name}") for name in names]
    return [value for module in modules for value in vars(module).values() if isinstance(value, Claim)]
