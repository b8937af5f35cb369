"""Whether a right answer can fail by chance: the reference answers, graded with one hidden seed after the other.

Figures are left out, and what the notebook computes runs once for several seeds: only tests draw with them.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import replace

from autograder.assignment.assignment import SEED_VARIABLE, Assignment
from autograder.assignment.notebook import Notebook
from autograder.grading.assemble import Assembled
from autograder.grading.engine import run_notebook
from autograder.grading.policy import NotebookLimits
from autograder.grading.results import Verdict
from autograder.sandbox.limits import Policy
from autograder.strength.pool import worker_pool
from autograder.strength.seeds import hidden_seed
from autograder.strength.trial import ENDLESS, trial_notebook

_TOGETHER = 20


def failures(
    assignment: Assignment, notebook: Notebook, seeds: Sequence[int], workers: int
) -> Iterator[tuple[int, list[str]]]:
    """For some seeds at a time, as they are done: how many, and a line for every failure of a question."""
    parts = [seeds[start : start + _TOGETHER] for start in range(0, len(seeds), _TOGETHER)]
    with worker_pool(workers) as pool:
        running = {pool.submit(failures_of, assignment, notebook, part): part for part in parts}
        for done in as_completed(running):
            yield len(running[done]), done.result()


def failures_of(assignment: Assignment, notebook: Notebook, seeds: Sequence[int]) -> list[str]:
    """What fails when hidden tests draw with these seeds; an empty list is a full score with each."""
    seeded = [
        replace(question, name=f"{question.name}__{seed}", hidden=f"{_seeding(seed)}\n{question.hidden}", solution="")
        for seed in seeds
        for question in notebook.questions
    ]
    trial = trial_notebook(notebook, seeded)
    limits = NotebookLimits(test_seconds=ENDLESS, total_seconds=ENDLESS, cpu_seconds=ENDLESS, diagnosis_seconds=0)
    with hidden_seed(0):  # puts back what the tests change
        graded = run_notebook(assignment, trial, Assembled(trial.node), policy=Policy(limits))
    return [
        f"{notebook.name}, {result.question.replace('__', ', seed ')}: {result.verdict.value}, {result.message}"
        for result in graded.results
        if result.verdict is not Verdict.PASSED
    ]


def _seeding(seed: int) -> str:
    return f'import os\nos.environ["{SEED_VARIABLE}"] = "{seed}"'
