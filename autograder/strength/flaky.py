"""Whether a right answer can fail by chance: the reference answers, graded with one hidden seed after the other."""

from collections.abc import Iterator
from concurrent.futures import as_completed

from autograder.authoring.model import Notebook
from autograder.course.engine import worker_pool
from autograder.grading.engine import grade_notebook
from autograder.grading.results import Limits, Verdict
from autograder.strength.seeds import hidden_seed

# Seconds: no limit of time is to decide.
_PATIENCE = 3600.0


def failures(notebook: Notebook, seeds: range, workers: int) -> Iterator[tuple[int, list[str]]]:
    """For each seed, as it is done: what failed, a line per question."""
    with worker_pool(workers) as pool:
        running = {pool.submit(failures_of, notebook, seed): seed for seed in seeds}
        for done in as_completed(running):
            yield running[done], done.result()


def failures_of(notebook: Notebook, seed: int) -> list[str]:
    """What fails when hidden tests draw with ``seed``; an empty list is a full score."""
    limits = Limits(_PATIENCE, _PATIENCE, _PATIENCE, diagnosis_seconds=0)
    with hidden_seed(seed):
        graded = grade_notebook(notebook, notebook.node, limits=limits)
    return [
        f"{notebook.name}, {result.question}, seed {seed}: {result.verdict.value}, {result.message}"
        for result in graded.results
        if result.verdict is not Verdict.PASSED
    ]
