"""What the notebooks' texts state is what a computation gives, and stands where the page of claims says."""

import json

import pytest
from harness import HW4

from solutions.hw4.claims import Claim, all_claims, claim

CLAIMS = all_claims()


def _named(parameter: Claim) -> str:
    return f"{parameter.notebook}-{parameter.compute.__name__}"


@pytest.mark.slow
@pytest.mark.parametrize("stated", CLAIMS, ids=_named)
def test_it_holds(stated: Claim):
    assert stated.holds, f"“{stated.says}”: {stated.values}, by {stated.how}"


@pytest.mark.parametrize("stated", CLAIMS, ids=_named)
def test_its_words_stand_in_the_cell(stated: Claim):
    notebook = json.loads((HW4.source / f"{stated.notebook}.ipynb").read_text())
    cells = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}
    assert stated.stands_in(cells[stated.cell])


def test_a_wrong_claim_does_not_hold():
    @claim("a", "about 2", how="three seeds", stated=2, tolerance=0.1)
    def number() -> list[float]:
        return [2.0, 2.05, 2.2]

    @claim("a", "in two of three", how="three seeds", at_least=2)
    def order() -> list[float]:
        return [0.1, -0.2, 0.3]

    assert (number.agreeing, number.holds) == (2, False)
    assert (order.agreeing, order.holds) == (2, True)
    assert not number.stands_in("about\n3")
    assert number.stands_in("it is about\n 2.")
