"""Recomputes what the notebooks' texts state (``solutions/hw4/claims``) and writes `docs/claims.md`; some minutes."""

from itertools import groupby
from pathlib import Path

from solutions.hw4.claims import Claim, all_claims

PAGE = Path(__file__).parents[1] / "docs" / "claims.md"
_HEAD = """# Claims of the notebooks

Every number and every order that a notebook's text states and a computation can show. "Value" is what the computation
gives: one value, or one for each seed or each number stated (more than eight are shown by their range). The last column
counts those that agree with the text. A statement without a number is an order: its values are differences, and agree
when they are above 0.

`python scripts/claims.py` recomputes this page from `solutions/hw4/claims/`. A slow test does the same, and looks for
the quoted words in the cell named.
"""
_COLUMNS = "| claim | cell | how | stated | value | agree |\n|---|---|---|---|---|---|\n"


_MANY = 8  # more values than this are shown by their range


def _numbers(values: float | tuple[float, ...] | None) -> str:
    if values is None:
        return "an order"
    values = values if isinstance(values, tuple) else (values,)
    if len(values) > _MANY:
        return f"{_number(min(values))} to {_number(max(values))}"
    return ", ".join(map(_number, values))


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.6g}"


def _row(claim: Claim) -> str:
    stated = _numbers(claim.stated) + (f" ± {claim.tolerance:g}" if claim.tolerance else "")
    agree = f"{claim.agreeing} of {len(claim.values)}" + ("" if claim.holds else " **no**")
    columns = (" ".join(claim.says.split()), f"`{claim.cell}`", claim.how, stated, _numbers(claim.values), agree)
    return "| " + " | ".join(column.replace("|", "\\|") for column in columns) + " |\n"


def main() -> None:
    page = _HEAD
    for notebook, claims in groupby(all_claims(), key=lambda claim: claim.notebook):
        page += f"\n## {notebook}\n\n{_COLUMNS}" + "".join(map(_row, claims))
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
