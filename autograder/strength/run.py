"""Tries answers in parallel, and remembers what came of them until something changes that it depends on."""

from collections.abc import Iterable, Iterator
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from autograder.authoring.model import Notebook, Question
from autograder.authoring.project import Project
from autograder.grading.results import Limits, Verdict
from autograder.strength.answers import Answer, Finding, Kind, answers
from autograder.strength.equivalent import differences
from autograder.strength.memory import Memory, Outcome
from autograder.strength.pool import worker_pool
from autograder.strength.trial import ENDLESS, grade_answers, patience

# Answers in one notebook: enough to share the time before them, few enough to share the work between processes.
_TOGETHER = {Kind.VARIANT: 20, Kind.MISTAKE: 20, Kind.MUTANT: 60}


@dataclass(frozen=True)
class Job:
    """Answers of one kind to one question."""

    notebook: Notebook
    question: Question
    kind: Kind
    answers: tuple[Answer, ...]


def known(
    project: Project, wanted: Iterable[tuple[Notebook, Question]], afresh: bool = False
) -> tuple[list[Finding], list[Job]]:
    """What earlier runs found out about the answers to the ``wanted`` questions, and what is left to do.

    That is everything with ``afresh``.
    """
    memory = Memory(project)
    findings: list[Finding] = []
    jobs: list[Job] = []
    for notebook, question in wanted:
        fresh: list[Answer] = []
        for answer in answers(project, notebook, question):
            if not afresh and (outcome := memory.recall(notebook, question, answer)):
                findings.append(Finding(answer, **asdict(outcome)))
            else:
                fresh.append(answer)
        jobs += _jobs(notebook, question, fresh)
    return findings, jobs


def measure(project: Project, jobs: list[Job], workers: int) -> Iterator[Finding]:
    """The findings on all answers of the jobs, with a progress bar, as they come in; they are remembered."""
    memory = Memory(project)
    bar = Progress(
        *Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn(), console=Console(stderr=True)
    )
    with worker_pool(workers) as pool, bar:
        task = bar.add_task("trying answers", total=sum(len(job.answers) for job in jobs))
        running = {pool.submit(work, job): job for job in jobs}
        try:
            for done in as_completed(running):
                job, outcomes = running[done], done.result()
                memory.keep(job.notebook, job.question, zip(job.answers, outcomes, strict=True))
                bar.advance(task, len(outcomes))
                for answer, outcome in zip(job.answers, outcomes, strict=True):
                    yield Finding(answer, **asdict(outcome))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def work(job: Job) -> list[Outcome]:
    """Grade the answers of a job; of mutants that pass, find out whether they are any different."""
    sources = [answer.source for answer in job.answers]
    seconds = patience(job.notebook, job.question) if job.kind is Kind.MUTANT else Limits.test_seconds
    diagnosis = ENDLESS if job.kind is Kind.MISTAKE else 0.0
    results = grade_answers(job.notebook, job.question, sources, seconds, diagnosis)
    passed = [result.verdict is Verdict.PASSED for result in results]
    different = [""] * len(results)
    if job.kind is Kind.MUTANT and any(passed):
        alive = [number for number, survived in enumerate(passed) if survived]
        for number, text in zip(
            alive, differences(job.notebook, job.question, [sources[n] for n in alive]), strict=True
        ):
            different[number] = text
    return [
        Outcome(survived, result.verdict.value, result.message, result.diagnosis, difference)
        for survived, result, difference in zip(passed, results, different, strict=True)
    ]


def _jobs(notebook: Notebook, question: Question, fresh: list[Answer]) -> Iterator[Job]:
    for kind, size in _TOGETHER.items():
        alike = [answer for answer in fresh if answer.kind is kind]
        for start in range(0, len(alike), size):
            yield Job(notebook, question, kind, tuple(alike[start : start + size]))
