"""Each question's tests accept every correct variant and reject every known mistake."""

import os
from pathlib import Path

import pytest
from harness import HW4, PlainKernel

from autograder.assignment import catalogue
from autograder.assignment.notebook import read_notebook

# A notebook of written answers only has nothing to try.
NOTEBOOKS = sorted(path.stem for path in HW4.source.glob("*.ipynb") if read_notebook(path).questions)
MINIMUM_VARIANTS = 6
TRAINING = ("q3_config", "q4_config")


def _entries(folder: Path) -> list[tuple[str, catalogue.Entry]]:
    return [
        (notebook, entry)
        for notebook in NOTEBOOKS
        for entry in catalogue.read(folder / f"{catalogue.module_name(notebook)}.py")
    ]


def _label(pair: tuple[str, catalogue.Entry]) -> str:
    return f"{pair[0]}-{pair[1].question}-{pair[1].name}"


def _parameters(pairs: list[tuple[str, catalogue.Entry]]) -> list:
    """A parameter for each answer; those that train a dozen networks are slow."""
    return [
        pytest.param(*pair, id=_label(pair), marks=[pytest.mark.slow] if pair[1].question in TRAINING else [])
        for pair in pairs
    ]


VARIANTS = _entries(HW4.variants)
MISTAKES = _entries(HW4.mistakes)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """A function that gives the running kernel of a notebook, with all reference answers in place."""
    current: list[PlainKernel] = []

    def get(notebook: str) -> PlainKernel:
        if not current or current[0].notebook.name != notebook:
            while current:
                current.pop().__exit__()
            current.append(PlainKernel(notebook, tmp_path_factory.mktemp(notebook)).__enter__())
            current[0].run_given()
            current[0].run_solutions()
        return current[0]

    yield get
    while current:
        current.pop().__exit__()


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_reference_answer_passes(kernel, notebook):
    running = kernel(notebook)
    for question in running.notebook.questions:
        outcome = running.grade(question.name, question.solution)
        assert outcome.passed, f"{question.name}: {outcome}"


@pytest.mark.parametrize(("notebook", "entry"), _parameters(VARIANTS))
def test_correct_variant_is_accepted(kernel, notebook, entry):
    outcome = kernel(notebook).grade(entry.question, entry.source)
    assert outcome.passed, outcome


@pytest.mark.parametrize(("notebook", "entry"), _parameters(MISTAKES))
def test_hidden_test_catches_the_mistake(kernel, notebook, entry):
    outcome = kernel(notebook).grade(entry.question, entry.source)
    assert isinstance(outcome.hidden, AssertionError), f"not caught by an assertion: {outcome.hidden!r}"
    assert entry.sentence, "a known mistake needs the sentence that tells the student"


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_question_has_variants_and_mistakes(notebook):
    names = [question.name for question in read_notebook(HW4.source / f"{notebook}.ipynb").questions]
    for question in names:
        variants = [entry for where, entry in VARIANTS if where == notebook and entry.question == question]
        mistakes = [entry for where, entry in MISTAKES if where == notebook and entry.question == question]
        assert len(variants) >= MINIMUM_VARIANTS, f"{question} has only {len(variants)} correct variants"
        assert mistakes, f"no mistake listed for {question}"


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_hidden_tests_do_not_depend_on_their_seed(kernel, notebook, seed, monkeypatch):
    monkeypatch.setitem(os.environ, "AUTOGRADER_HIDDEN_SEED", str(seed))
    running = kernel(notebook)
    for question in running.notebook.questions:
        assert running.grade(question.name, question.solution).passed, question.name
