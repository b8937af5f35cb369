"""The engine gives the homework's answers what a plain kernel gives them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from harness import HW4
from nbformat.v4 import new_notebook
from running import POLICY, Running, running_in
from submitted import as_file

from autograder.assignment import catalogue
from autograder.assignment.notebook import Kind, Notebook, kind_of, read_notebook
from autograder.grading.assemble import LOOK
from autograder.grading.engine import grade_notebook
from autograder.grading.results import Verdict
from autograder.strength.trial import grade_answers

NOTEBOOKS = [notebook.name for notebook in HW4.notebooks() if notebook.questions]
# Their tests train: over a minute for a few answers.
SLOW_TESTS = {"edge_detection"}


def test_hidden_tests_compute_in_one_thread_which_ends_with_them():
    notebook = read_notebook(HW4.source / "HandDesignFilters.ipynb")
    question = replace(notebook.questions[0], hidden="import torch\nassert torch.get_num_threads() == 1")
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        (result,) = grade_answers(HW4, notebook, question, [question.solution], POLICY.limits.test_seconds)
        assert (result.verdict, torch.get_num_threads()) == (Verdict.PASSED, 2)
    finally:
        torch.set_num_threads(threads)


def test_a_deleted_written_answer_is_not_the_model_answer():
    source = read_notebook(HW4.source / "process.ipynb")
    written = [cell.source for cell in source.node.cells if kind_of(cell) is Kind.WRITTEN]
    assert all(written)
    graded = grade_notebook(HW4, source, as_file(new_notebook()), None, POLICY)
    assert [cell.source for cell in graded.node.cells if kind_of(cell) is Kind.WRITTEN] == [LOOK] * len(written)


def _candidates(module: Path, few: bool) -> list[catalogue.Entry]:
    entries = catalogue.read(module)
    return list({entry.question: entry for entry in entries}.values()) if few else entries


@pytest.mark.parametrize(
    ("notebook", "few"),
    [
        pytest.param(notebook, few, marks=[] if few and notebook not in SLOW_TESTS else [pytest.mark.slow])
        for notebook in NOTEBOOKS
        for few in (True, False)
    ],
)
def test_right_and_wrong_answers_get_what_they_get_in_a_plain_kernel(notebook, few):
    source = read_notebook(HW4.source / f"{notebook}.ipynb")
    questions = {question.name: question for question in source.questions}
    wrong: list[tuple] = []
    with running_in(HW4) as running:
        _run_reference(running, source)
        for module, verdict in (
            (HW4.variants_of(source), Verdict.PASSED),
            (HW4.mistakes_of(source), Verdict.FAILED),
        ):
            for entry in _candidates(module, few):
                assert running.run(entry.source) is None, entry.name
                result = running.grade(questions[entry.question])
                if result.verdict is not verdict:
                    wrong.append((entry.question, entry.name, result))
                running.run(questions[entry.question].solution)
    assert not wrong


def _run_reference(running: Running, source: Notebook) -> None:
    """Run the set-up (given code before the first answer) and all reference answers."""
    code = [cell for cell in source.cells if cell.cell_type == "code"]
    first = next(index for index, cell in enumerate(code) if cell.kind is Kind.SOLUTION)
    for cell in [*code[:first], *(cell for cell in code[first:] if cell.kind is Kind.SOLUTION)]:
        if cell.kind is not Kind.TEST:
            assert running.run(cell.source) is None, cell.grade_id
