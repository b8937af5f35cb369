"""Shows grades as tables in the terminal: a row per student, a column per question."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from autograder.assignment.notebook import Notebook
from autograder.course.records import Grade
from autograder.grading.results import Status


def print_grades(console: Console, notebook: Notebook, grades: Iterable[Grade]) -> None:
    """One table for one notebook. Scores on which the frameworks agree are shown once, others as ``a | b``."""
    rows: dict[str, list[Grade]] = {}
    for grade in sorted(grades, key=lambda grade: (grade.student, grade.framework.value)):
        if grade.notebook == notebook.name and grade.status is not Status.ABSENT:
            rows.setdefault(grade.student, []).append(grade)

    # Names of questions are too long for columns: they are numbered, and listed above the table.
    console.print(f"{notebook.name}: {notebook.points:g} points", style="bold")
    listed = [f"{number} {q.name} ({q.points:g})" for number, q in enumerate(notebook.questions, start=1)]
    console.print(", ".join(listed), highlight=False)
    table = Table()
    table.add_column("student", min_width=max(map(len, rows), default=0))  # a narrow terminal folds points, not names
    for number, _ in enumerate(notebook.questions, start=1):
        table.add_column(str(number), justify="right")
    table.add_column("total", justify="right")
    for student, of_student in rows.items():
        cells = [_merged([grade.points[question.name] for grade in of_student]) for question in notebook.questions]
        table.add_row(student, *cells, _merged([grade.total for grade in of_student]))
    console.print(table)


def problems(grades: Iterable[Grade]) -> list[str]:
    """One line for every notebook that could not be graded to its end, and for all that a student did not hand in."""
    absent: dict[str, set[str]] = {}
    lines = set()
    for grade in grades:
        if grade.status is Status.ABSENT:
            absent.setdefault(grade.student, set()).add(grade.notebook)
        elif grade.status is not Status.GRADED:
            lines.add(f"{grade.student}, {grade.notebook}: {grade.message}")
    lines |= {f"{student}: not handed in: {', '.join(sorted(names))}" for student, names in absent.items()}
    return sorted(lines)


def _merged(values: list[float]) -> str:
    """``3`` when all agree, ``3 | 0`` when not."""
    shown = [f"{value:g}" for value in values]
    return shown[0] if len(set(shown)) == 1 else " | ".join(shown)
