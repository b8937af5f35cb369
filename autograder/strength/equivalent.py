"""Which mutants are no different: they give what the reference answer gives, on many inputs.

The inputs are what the tests ask when they draw with one seed after the other, and variations of those: other numbers,
other shapes, ties. So what all tests have in common cannot hide a difference.
"""

import ast
import random
import time
from collections.abc import Iterator
from typing import Any

from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import Notebook, Question
from autograder.grading.notebook_box import NotebookBox, zygote
from autograder.grading.policy import NotebookLimits
from autograder.grading.questions import CourseModules
from autograder.grading.remote import ForkLost
from autograder.grading.replay import Exchange, Outcome, agree, changed, record, repeat
from autograder.grading.staging import staged
from autograder.sandbox.limits import Policy
from autograder.strength.seeds import hidden_seed
from autograder.strength.trial import ENDLESS
from autograder.strength.vary import varied

_SEEDS, _VARIATIONS = 10, 3
# For the inputs of one question, as the reference takes it; a mutant may take this many times as much.
_SECONDS, _TIMES, _LEAST_SECONDS = 60.0, 10, 60.0
_SHOWN = 200


class _Input:
    """A series of requests, what the reference makes of it, and how long that takes."""

    def __init__(self, name: str, exchanges: list[Exchange], is_varied: bool, box: NotebookBox) -> None:
        self.name, self.exchanges, self.is_varied = name, exchanges, is_varied
        started = time.monotonic()
        self.outcomes = repeat(exchanges, box, started + 2 * _SECONDS)
        self.seconds = time.monotonic() - started


def differences(assignment: Assignment, notebook: Notebook, question: Question, sources: list[str]) -> list[str]:
    """For each answer the first input on which it differs from the reference, in words; empty where there is none."""
    policy = Policy(NotebookLimits(total_seconds=ENDLESS, cpu_seconds=ENDLESS))
    with (
        staged(assignment, {}, policy.limits.disk) as folder,
        CourseModules(assignment) as course,
        NotebookBox(zygote(), folder, policy, assignment.secret_paths) as box,
    ):
        for cell in notebook.setup_cells:
            box.run_cell(cell, time.monotonic() + _SECONDS)
        inputs = list(_inputs(notebook, question, box, course))
        return [_difference(question, source, inputs, box) for source in sources]


def _inputs(notebook: Notebook, question: Question, box: NotebookBox, course: CourseModules) -> Iterator[_Input]:
    started = time.monotonic()
    for seed in range(_SEEDS):
        with hidden_seed(seed):
            exchanges = record(question, box, list(notebook.setup_cells), course, time.monotonic() + 4 * _SECONDS)
        yield _Input(f"seed {seed}", exchanges, False, box)
        for number in range(_VARIATIONS):
            chance = random.Random(_VARIATIONS * seed + number)
            try:
                yield _Input(f"seed {seed}, variation {number}", _varied(exchanges, chance), True, box)
            except ForkLost:  # the reference does not come to an end either
                continue
        if time.monotonic() > started + _SECONDS:
            return


def _varied(exchanges: list[Exchange], chance: random.Random) -> list[Exchange]:
    return [changed(exchange, lambda request: varied(request, chance)) for exchange in exchanges]


def _difference(question: Question, source: str, inputs: list[_Input], box: NotebookBox) -> str:
    answer, _ = box.run_cell(f"globals().pop({question.name!r}, None);\n{source}", time.monotonic() + _SECONDS)
    if answer.error:
        return "its cell raises an error"
    refused = _raised(question.solution)
    for given in inputs:
        try:
            outcomes = repeat(given.exchanges, box, time.monotonic() + _TIMES * given.seconds + _LEAST_SECONDS)
        except ForkLost as ended:
            return f"{given.name}: it does not come to an end ({ended.loss.value})"
        for exchange, expected, got in zip(given.exchanges, given.outcomes, outcomes, strict=True):
            # What the reference chokes on is no input to the question, unless it refuses it.
            if given.is_varied and expected.error and expected.error not in refused:
                continue
            if not agree(got, expected):
                return f"{given.name}: {_described(exchange, expected, got)}"
    return ""


def _raised(solution: str) -> set[str]:
    """The exceptions with which an answer refuses its arguments."""
    raised = [node.exc for node in ast.walk(ast.parse(solution)) if isinstance(node, ast.Raise) and node.exc]
    return {ast.unparse(error.func if isinstance(error, ast.Call) else error) for error in raised}


def _described(exchange: Exchange, expected: Outcome, got: Outcome) -> str:
    asked: list[Any] = []
    changed(exchange, lambda request: asked.append(request) or request)  # type: ignore[func-returns-value]
    parts = [_short(part) for part in (asked[0], got.error or got.value, expected.error or expected.value)]
    return f"{parts[0]} gives {parts[1]}, and should give {parts[2]}"


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
