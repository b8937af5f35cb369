"""HTML that needs nothing else: the instructor's report, and a page of feedback for each student."""

import csv
import io
import os
import statistics
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from autograder.assignment.assignment import Assignment
from autograder.course.overview import Overview, question_name
from autograder.course.store import write_atomically
from autograder.grading.results import Verdict

_BINS = 10
_BAR = 120
_MOST_MISTAKES = 100
_MOST_SLOW = 10


def write_report(assignment: Assignment, overview: Overview, folder: Path) -> list[Path]:
    """Write ``index.html`` and ``grades.csv`` into ``folder`` and return their paths. Raises ``CourseError``."""
    page, table = folder / "index.html", folder / "grades.csv"
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    links = {s: _link(assignment.feedback(s), folder) for s in overview.handed_in}
    content = _environment().get_template("report.html.j2").render(_report(overview, links), made=made)
    write_atomically(page, content)
    write_atomically(table, grades_csv(overview))
    return [page, table]


def write_feedback(assignment: Assignment, overview: Overview, students: tuple[str, ...] = ()) -> Iterator[Path]:
    """Write a page for each of ``students`` (none: all); yields each path once written. Raises ``CourseError``."""
    template = _environment().get_template("feedback.html.j2")
    for student, of in overview.handed_in.items():
        if students and student not in students:
            continue
        notebooks = list(of.values())
        content = template.render(
            assignment=overview.assignment,
            student=student,
            notebooks=notebooks,
            total=overview.totals[student],
            maximum=sum(one.maximum for one in notebooks),
            waiting=any(one.needs_manual_grade for one in notebooks),
        )
        path = assignment.feedback(student)
        write_atomically(path, content)
        yield path


def grades_csv(overview: Overview) -> str:
    """A row per student: total, penalty, what waits for a grader, the points on every notebook and question."""
    names = [(notebook, cell) for notebook, cells in overview.order.items() for cell in cells]
    text = io.StringIO()
    writer = csv.writer(text)
    columns = ["student", "total", "maximum", "penalty", "needs_manual_grade", *overview.order]
    writer.writerow([*columns, *(f"{notebook}:{question_name(cell)}" for notebook, cell in names)])
    for student, of in overview.handed_in.items():
        row: list[Any] = [student, overview.totals[student], sum(one.maximum for one in of.values())]
        row += [sum(one.penalty for one in of.values()), sum(one.needs_manual_grade for one in of.values())]
        row += [of[notebook].score if notebook in of else "" for notebook in overview.order]
        for notebook, cell in names:
            grade = of[notebook].grades.get(cell) if notebook in of else None
            row.append(grade.score if grade else "")
        writer.writerow(f"{value:g}" if isinstance(value, float) else value for value in row)
    return text.getvalue()


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("autograder.course"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"points": "{:.4g}".format, "share": _share, "question": question_name}
    return environment


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _report(overview: Overview, links: dict[str, str]) -> dict[str, Any]:
    """Everything that the report's template shows."""
    graded = [one for one in overview.each() if one.record]
    timed = [(one, one.record, one.record.usage) for one in graded if one.record and one.record.usage]
    mistakes = overview.mistakes()
    layers = Counter(layer for _, record, _ in timed for layer in record.isolation.items())
    return {
        "assignment": overview.assignment,
        "figures": _figures(overview),
        "bins": _bins(overview),
        "questions": overview.questions(),
        "mistakes": mistakes[:_MOST_MISTAKES],
        "more_mistakes": len(mistakes[_MOST_MISTAKES:]),
        "attention": [one for one in graded if one.trouble],
        "slowest": sorted(timed, key=lambda one: -one[2].wall)[:_MOST_SLOW],
        "isolation": sorted(layers.items()),
        "unprotected": sum(1 for _, record, _ in timed if not record.isolation),
        "notebooks": overview.graded_notebooks,
        "students": [_student(overview, student, link) for student, link in links.items()],
    }


def _figures(overview: Overview) -> list[tuple[str, str]]:
    totals = list(overview.totals.values())
    waiting = sum(one.needs_manual_grade for one in overview.each())
    return [
        ("Students", str(len(totals))),
        ("Notebooks graded", str(sum(1 for one in overview.each() if one.record))),
        ("Points to get", f"{overview.maximum:g}"),
        ("Mean", f"{statistics.fmean(totals):.1f}"),
        ("Median", f"{statistics.median(totals):.1f}"),
        ("Notebooks waiting for a grader", str(waiting)),
    ]


def _bins(overview: Overview) -> list[dict[str, Any]]:
    """The histogram of shares of the points; the last bin includes 100 %."""
    counts = Counter(max(0, min(_BINS - 1, int(share * _BINS))) for share in overview.shares.values())
    most = max(counts.values())
    step = 100 // _BINS
    return [
        {
            "low": step * i,
            "label": f"{step * i} to {step * (i + 1)} %",
            "count": counts[i],
            "height": round(_BAR * counts[i] / most, 1),
        }
        for i in range(_BINS)
    ]


def _student(overview: Overview, student: str, link: str) -> dict[str, Any]:
    of = overview.handed_in[student]
    lost = [
        f"{one.notebook}, {name}: {result.message}"
        for one in of.values()
        for name, result in one.questions.items()
        if result.verdict is not Verdict.PASSED
    ]
    scores = [of.get(name) for name in overview.graded_notebooks]
    return {
        "student": student,
        "total": overview.totals[student],
        "notebooks": scores,
        "lost": lost,
        "feedback": link,
    }


def _link(path: Path, folder: Path) -> str:
    """The relative address of a page from another folder; empty when there is no such page."""
    if not path.is_file():
        return ""
    return quote(Path(os.path.relpath(path, folder)).as_posix())
