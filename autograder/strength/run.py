"""Tries answers in parallel, and remembers what came of them until something changes that it depends on."""

from collections.abc import Iterable, Iterator
from concurrent.futures import as_completed
from dataclasses import dataclass

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import Notebook, Question
from autograder.grading.policy import NotebookLimits
from autograder.grading.results import Verdict
from autograder.strength.answers import Answer, AnswerKind, Finding, TrialOutcome, answers
from autograder.strength.equivalent import differences
from autograder.strength.memory import Memory
from autograder.strength.pool import worker_pool
from autograder.strength.trial import ENDLESS, grade_answers, seconds_for_mutants

# Answers in one notebook: enough to share the time before them, few enough to share the work between processes.
_TOGETHER = {AnswerKind.VARIANT: 20, AnswerKind.MISTAKE: 20, AnswerKind.MUTANT: 60}


@dataclass(frozen=True)
class Trials:
    """Answers of one kind to one question."""

    assignment: Assignment
    notebook: Notebook
    question: Question
    kind: AnswerKind
    answers: tuple[Answer, ...]


def known(
    assignment: Assignment, wanted: Iterable[tuple[Notebook, Question]], afresh: bool = False
) -> tuple[list[Finding], list[Trials]]:
    """What earlier runs found out about the answers to the ``wanted`` questions, and what is left to do.

    That is everything with ``afresh``.
    """
    memory = Memory(assignment)
    findings: list[Finding] = []
    left: list[Trials] = []
    for notebook, question in wanted:
        fresh: list[Answer] = []
        for answer in answers(assignment, notebook, question):
            if not afresh and (outcome := memory.recall(notebook, question, answer)):
                findings.append(Finding(answer, outcome))
            else:
                fresh.append(answer)
        left += _trials(assignment, notebook, question, fresh)
    return findings, left


def measure(assignment: Assignment, wanted: list[Trials], workers: int) -> Iterator[Finding]:
    """The findings on all the answers, with a progress bar, as they come in; they are remembered."""
    memory = Memory(assignment)
    bar = Progress(
        *Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn(), console=Console(stderr=True)
    )
    with worker_pool(workers) as pool, bar:
        task = bar.add_task("trying answers", total=sum(len(trials.answers) for trials in wanted))
        running = {pool.submit(work, trials): trials for trials in wanted}
        try:
            for done in as_completed(running):
                trials, outcomes = running[done], done.result()
                memory.keep(trials.notebook, trials.question, zip(trials.answers, outcomes, strict=True))
                bar.advance(task, len(outcomes))
                for answer, outcome in zip(trials.answers, outcomes, strict=True):
                    yield Finding(answer, outcome)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def work(trials: Trials) -> list[TrialOutcome]:
    """Grade some answers; of mutants that pass, find out whether they are any different."""
    place = (trials.assignment, trials.notebook, trials.question)
    sources = [answer.source for answer in trials.answers]
    is_mutants = trials.kind is AnswerKind.MUTANT
    seconds = seconds_for_mutants(*place) if is_mutants else NotebookLimits.test_seconds
    diagnosis = ENDLESS if trials.kind is AnswerKind.MISTAKE else 0.0
    results = grade_answers(*place, sources, seconds, diagnosis)
    alive = [number for number, result in enumerate(results) if result.verdict is Verdict.PASSED]
    different = [""] * len(results)
    if is_mutants and alive:
        for number, text in zip(alive, differences(*place, [sources[n] for n in alive]), strict=True):
            different[number] = text
    return [
        TrialOutcome(result.verdict, result.message, result.diagnosis, difference)
        for result, difference in zip(results, different, strict=True)
    ]


def _trials(assignment: Assignment, notebook: Notebook, question: Question, fresh: list[Answer]) -> Iterator[Trials]:
    for kind, size in _TOGETHER.items():
        alike = [answer for answer in fresh if answer.kind is kind]
        for start in range(0, len(alike), size):
            yield Trials(assignment, notebook, question, kind, tuple(alike[start : start + size]))
