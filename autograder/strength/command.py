"""What ``autograder strength`` does with its options: measures, prints, and tells whether all is as it must be."""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum

from rich.console import Console
from rich.progress import Progress

from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import Notebook, Question
from autograder.authoring.build import read_linted
from autograder.errors import CourseError
from autograder.strength import report
from autograder.strength.answers import Finding
from autograder.strength.flaky import failures
from autograder.strength.memory import Memory
from autograder.strength.run import known, measure


class Effort(Enum):
    """Which answers to try: those that are not known from earlier runs, all, or none."""

    NEW = "new"
    ALL = "all"
    NOTHING = "nothing"


def measure_strength(
    assignment: Assignment, only: Sequence[str], questions: Sequence[str], workers: int, effort: Effort
) -> bool:
    """Try all answers to the chosen questions and print the figures; of the whole assignment, write the report.

    Returns whether everything is as it must be. Raises ``CourseError`` for a name that is none.
    """
    console = Console(soft_wrap=True)
    wanted = _wanted(assignment, only, questions)
    explanations = report.read_explanations(assignment.survivors, read_linted(assignment))
    findings, left = known(assignment, wanted, afresh=effort is Effort.ALL)
    if effort is not Effort.NOTHING:
        findings += measure(assignment, left, workers)
        left = []
    places = {(notebook.name, question.name): place for place, (notebook, question) in enumerate(wanted)}
    findings.sort(key=lambda finding: _order(finding, places))
    report.print_figures(findings, console)
    counts: Counter[str] = Counter()
    for trials in left:
        counts[f"{trials.notebook.name}, {trials.question.name}"] += len(trials.answers)
    untried = [f"{place}: {count} answers are not tried." for place, count in counts.items()]
    found = report.problems(findings, explanations, assignment.settings.variants) + untried
    for line in found:
        console.print(line, style="red", highlight=False, markup=False)
    if not only and not questions:
        memory = Memory(assignment)
        seeds = {notebook.name: memory.recall_seeds(notebook) for notebook, _ in wanted}
        report.write_report(assignment.strength_report, findings, explanations, untried, seeds)
        console.print(f"written: {assignment.strength_report}")
    return not found


def measure_flakiness(assignment: Assignment, only: Sequence[str], times: int, workers: int) -> bool:
    """Grade the reference answers with the hidden seeds 1 to ``times`` and print what fails; whether nothing did.

    The figures are remembered for the report.
    """
    console, memory = Console(soft_wrap=True), Memory(assignment)
    ok = True
    for notebook in _chosen(assignment, only):
        lines: list[str] = []
        with Progress(console=Console(stderr=True)) as bar:
            task = bar.add_task(notebook.name, total=times)
            for done, failed in failures(assignment, notebook, range(1, times + 1), workers):
                bar.advance(task, done)
                lines += failed
        for line in sorted(lines):
            console.print(line, style="red", highlight=False, markup=False)
        console.print(f"{notebook.name}: {times} seeds, {len(lines)} failures", highlight=False)
        memory.keep_seeds(notebook, times, len(lines))
        ok = ok and not lines
    return ok


def _wanted(assignment: Assignment, only: Sequence[str], questions: Sequence[str]) -> list[tuple[Notebook, Question]]:
    wanted = [(notebook, question) for notebook in _chosen(assignment, only) for question in notebook.questions]
    if unknown := sorted(set(questions) - {question.name for _, question in wanted}):
        raise CourseError(f"there is no question {', '.join(unknown)}.")
    return [(notebook, question) for notebook, question in wanted if not questions or question.name in questions]


def _chosen(assignment: Assignment, only: Iterable[str]) -> list[Notebook]:
    notebooks = [notebook for notebook in read_linted(assignment) if notebook.questions]
    if unknown := sorted(set(only) - {notebook.name for notebook in notebooks}):
        raise CourseError(f"there is no notebook with tests called {', '.join(unknown)}.")
    return [notebook for notebook in notebooks if not only or notebook.name in only]


def _order(finding: Finding, places: dict[tuple[str, str], int]) -> tuple[int, str, str]:
    answer = finding.answer
    return places[answer.notebook, answer.question], answer.kind.name, answer.name
