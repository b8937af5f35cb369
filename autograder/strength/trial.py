"""Grades many answers to one question through the engine, in one notebook: what comes before runs once for all."""

import time
from collections.abc import Sequence
from dataclasses import replace

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import HIDDEN_TESTS, Notebook, Question
from autograder.errors import AutograderError
from autograder.grading.assemble import Assembled
from autograder.grading.diagnosis import asked
from autograder.grading.engine import run_notebook
from autograder.grading.policy import NotebookLimits
from autograder.grading.results import QuestionResult, Verdict
from autograder.sandbox.limits import Policy

# A notebook of many answers takes its time; each of them has its own limits.
ENDLESS = 1_000_000
# A mutant that loops for ever is to be told from one that takes longer than the reference: up to ten times, where it
# trains with all seeds in place of the first that does. Twice that, since machines are noisy.
_LEAST_SECONDS, _TIMES = 10.0, 20


def grade_answers(
    assignment: Assignment,
    notebook: Notebook,
    question: Question,
    sources: Sequence[str],
    test_seconds: float,
    diagnosis_seconds: float = 0.0,
) -> list[QuestionResult]:
    """The result of each answer to ``question``, all other answers of the notebook being the reference's."""
    answers = [replace(question, name=f"{question.name}__{n}", solution=source) for n, source in enumerate(sources)]
    trial = trial_notebook(notebook, answers)
    limits = NotebookLimits(
        test_seconds=test_seconds, total_seconds=ENDLESS, cpu_seconds=ENDLESS, diagnosis_seconds=diagnosis_seconds
    )
    return list(run_notebook(assignment, trial, Assembled(trial.node), policy=Policy(limits)).results)


def seconds_for_mutants(assignment: Assignment, notebook: Notebook, question: Question) -> float:
    """Seconds after which a test of a mutant counts as endless. Raises ``AutograderError`` if the reference fails."""
    started = time.monotonic()
    (result,) = grade_answers(assignment, notebook, question, [question.solution], 2 * NotebookLimits.test_seconds)
    if result.verdict is not Verdict.PASSED:
        raise AutograderError(f"{notebook.name}, {question.name}: the reference answer fails: {result.message}")
    return _LEAST_SECONDS + _TIMES * (time.monotonic() - started)


def trial_notebook(notebook: Notebook, questions: Sequence[Question]) -> Notebook:
    """A notebook of the set-up cells, and then for each question its answer, where it has one, and its tests.

    Questions are named ``<question>__<what is special>``.
    """
    cells = [_cell(source, f"setup-{index}") for index, source in enumerate(notebook.setup_cells)]
    named = [replace(question, test_id=f"test_{question.name}") for question in questions]
    for question in named:
        if question.solution:
            # Where an answer's cell fails, the one before must not stand in for it.
            cells.append(_cell(f"globals().pop({asked(question)!r}, None);", f"clear-{question.name}"))
            cells.append(_cell(question.solution, question.name, locked=False, solution=True))
        test = f"{question.visible}\n### BEGIN {HIDDEN_TESTS}\n{question.hidden}\n### END {HIDDEN_TESTS}"
        cells.append(_cell(test, question.test_id, grade=True, points=question.points))
    return replace(notebook, node=new_notebook(cells=cells), questions=tuple(named))


def _cell(source: str, grade_id: str, **metadata: object) -> NotebookNode:
    nbgrader = {"schema_version": 3, "grade": False, "solution": False, "locked": True, "task": False, **metadata}
    cell: NotebookNode = new_code_cell(source, metadata={"nbgrader": {**nbgrader, "grade_id": grade_id}})
    return cell
