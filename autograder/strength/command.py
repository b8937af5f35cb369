"""What ``autograder strength`` does with its options: measures, prints, and tells whether all is as it must be."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.progress import Progress

from autograder.authoring.build import read_linted
from autograder.authoring.model import Notebook
from autograder.authoring.project import Project
from autograder.errors import CourseError
from autograder.strength import report
from autograder.strength.answers import Finding
from autograder.strength.flaky import failures
from autograder.strength.run import measure


def measure_strength(
    project: Project, only: Sequence[str], questions: Sequence[str], workers: int, afresh: bool
) -> bool:
    """Try all answers to the chosen questions and print the figures; of the whole homework, write the report.

    Returns whether everything is as it must be. Raises ``CourseError`` for a name that is none.
    """
    console = Console(soft_wrap=True)
    notebooks = _chosen(project, only)
    wanted = [(notebook, question) for notebook in notebooks for question in notebook.questions]
    if unknown := sorted(set(questions) - {question.name for _, question in wanted}):
        raise CourseError(f"there is no question {', '.join(unknown)}.")
    explanations = report.read_explanations(project.survivors, read_linted(project))
    wanted = [(notebook, question) for notebook, question in wanted if not questions or question.name in questions]
    places = {question.name: place for place, (_, question) in enumerate(wanted)}
    findings = sorted(measure(project, wanted, workers, afresh), key=lambda finding: _order(finding, places))
    report.print_figures(findings, console)
    found = report.problems(findings, explanations)
    for line in found:
        console.print(line, style="red", highlight=False, markup=False)
    if not only and not questions:
        report.write_report(project.strength_report, findings, explanations)
        console.print(f"written: {project.strength_report}")
    return not found


def measure_flakiness(project: Project, only: Sequence[str], times: int, workers: int) -> bool:
    """Grade the reference answers with the hidden seeds 1 to ``times`` and print what fails; whether nothing did."""
    console = Console(soft_wrap=True)
    ok = True
    for notebook in _chosen(project, only):
        lines: list[str] = []
        with Progress(console=Console(stderr=True)) as bar:
            task = bar.add_task(notebook.name, total=times)
            for done, failed in failures(notebook, range(1, times + 1), workers):
                bar.advance(task, done)
                lines += failed
        for line in sorted(lines):
            console.print(line, style="red", highlight=False, markup=False)
        console.print(f"{notebook.name}: {times} seeds, {len(lines)} failures", highlight=False)
        ok = ok and not lines
    return ok


def _chosen(project: Project, only: Iterable[str]) -> list[Notebook]:
    notebooks = [notebook for notebook in read_linted(project) if notebook.questions]
    if unknown := sorted(set(only) - {notebook.name for notebook in notebooks}):
        raise CourseError(f"there is no notebook with tests called {', '.join(unknown)}.")
    return [notebook for notebook in notebooks if not only or notebook.name in only]


def _order(finding: Finding, places: dict[str, int]) -> tuple:
    answer = finding.answer
    return answer.notebook, places[answer.question], answer.kind.name, answer.name
