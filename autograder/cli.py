"""The ``autograder`` command. Exit codes: 0 done, 1 something failed, 2 wrong usage."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autograder.errors import AutograderError

if TYPE_CHECKING:
    from autograder.assignment.assignment import Assignment


class _Group(click.Group):
    """A command group that reports our own errors as they are: sentences, without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except AutograderError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(1)


@dataclass(frozen=True)
class Where:
    """Where a command is to work, as its options say."""

    root: Path
    assignment_name: str

    def assignment(self) -> "Assignment":
        """Raises ``AutograderError`` when there is none, or one must be chosen."""
        from autograder.assignment.assignment import find_assignment

        return find_assignment(self.root.resolve(), self.assignment_name)


@click.group(cls=_Group)
@click.option("--root", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path(),
              help="A folder of the course repository.  [default: here]")  # fmt: skip
@click.option("--assignment", "name", default="", metavar="NAME",
              help="Which of the assignments in source/; needed where there are several.")  # fmt: skip
@click.pass_context
def main(ctx: click.Context, root: Path, name: str) -> None:
    """Build and grade an assignment from its source notebooks."""
    ctx.obj = Where(root, name)


@main.command()
@click.argument("name")
@click.pass_obj
def new(where: Where, name: str) -> None:
    """Lay out the assignment NAME: one notebook with one question, its reference answer, a known mistake, variants."""
    from autograder.assignment.assignment import find_course
    from autograder.authoring.new import lay_out

    assignment = lay_out(find_course(where.root.resolve()), name)
    for path in (assignment.source, assignment.solutions):
        click.echo(f"made  {path}")
    click.echo(f"Next: autograder --assignment {name} build, then open the notebook in {assignment.source}.")


@main.command()
@click.option("--check", is_flag=True, help="Change nothing; show how the committed release differs from the source.")
@click.option("--force", is_flag=True, help="Build everything, also what is up to date.")
@click.option("--no-solved", is_flag=True, help="Leave out the executed solution notebooks, which take minutes.")
@click.pass_obj
def build(where: Where, check: bool, force: bool, no_solved: bool) -> None:
    """Make the release, the otter zips and the executed solution notebooks from the source."""
    from autograder.authoring import build as building

    assignment = where.assignment()
    if check:
        if diff := building.release_diff(assignment):
            click.echo(diff)
            raise AutograderError(f"{assignment.release} is stale: run `autograder build` and commit what it changes.")
        click.echo(f"{assignment.release} is up to date.")
        return
    for product, built in building.build(assignment, force, not no_solved):
        click.echo(f"{'built' if built else 'fresh'}  {product.target.relative_to(assignment.root)}")


@main.command()
@click.pass_obj
def check(where: Where) -> None:
    """Look for mistakes in the source notebooks, without building anything."""
    from autograder.authoring.build import read_linted

    for notebook in read_linted(where.assignment()):
        click.echo(f"{notebook.name}: {len(notebook.questions)} questions, {notebook.points:g} points, no problems")


@main.command()
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.pass_obj
def collect(where: Where, source: Path) -> None:
    """Put the submissions in SOURCE into submitted/, a folder per student.

    SOURCE is a Gradescope export (folder or zip), a Canvas zip, nbgrader's submitted/ of somewhere else, or a folder
    or zip with a folder, zip or notebook per student. A newer submission is never replaced by an older one. What
    cannot be placed is listed, and the exit code is 1.
    """
    from autograder.authoring.build import read_linted
    from autograder.course.collect import Collector

    assignment = where.assignment()
    collected = Collector(assignment, read_linted(assignment)).collect(source)
    for problem in collected.problems:
        click.secho(problem, fg="red", err=True)
    click.echo(f"{collected}.")
    sys.exit(1 if collected.problems else 0)


@main.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--student", "students", multiple=True, help="Grade only this student; may be given several times.")
@click.option("--notebook", "only", multiple=True, help="Grade only this notebook; may be given several times.")
@click.option("--regrade", is_flag=True, help="Grade also what was graded before and has not changed.")
@click.option("--workers", type=click.IntRange(min=1), default=None, help="Notebooks at a time.  [default: one a core]")
@click.option("--scheduler", default="", metavar="ADDRESS",
              help="Grade on the Dask cluster of the scheduler at ADDRESS, as in tls://host:8786.")  # fmt: skip
@click.option("--insecure", is_flag=True,
              help="Accept a scheduler without TLS: anyone who can reach it can run code on its workers.")  # fmt: skip
@click.option("--db", default="", metavar="URL", help="Record in this gradebook, not in that of nbgrader_config.py.")
@click.option("--timeout", type=click.FloatRange(min=1), default=None,
              help="Seconds that one notebook may take.  [default: what the assignment's settings say]")  # fmt: skip
@click.option("--isolation", type=click.Choice(["strict", "none"]), default="strict", show_default=True,
              help="none: stock nbgrader and otter; students' code runs unprotected.")  # fmt: skip
@click.option(
    "--framework",
    type=click.Choice(["engine", "nbgrader", "otter", "both", "all"]),
    default="engine",
    show_default=True,
    help="What grades: the engine, or for comparison a framework's own command, both of these, all. Only what the "
    "engine gives is kept and recorded.",
)
@click.pass_obj
def grade(
    where: Where,
    folder: Path | None,
    students: tuple[str, ...],
    only: tuple[str, ...],
    regrade: bool,
    workers: int | None,
    scheduler: str,
    insecure: bool,
    db: str,
    timeout: float | None,
    isolation: str,
    framework: str,
) -> None:
    """Grade the submissions in FOLDER (default: submitted), a folder per student.

    What is new or changed is graded, in parallel, and recorded in nbgrader's gradebook. It can be interrupted at any
    time: the same command goes on where it was. With other frameworks, a question on which they disagree is an error.
    """
    from autograder.course.forkserver import warm_up

    if insecure and not scheduler:
        raise click.UsageError("--insecure needs --scheduler. The cluster on this machine always uses TLS.")
    assignment = where.assignment()
    if framework in ("engine", "all") and not scheduler:
        warm_up()  # before what takes a second to import
    from autograder.course.cluster import RemoteScheduler
    from autograder.course.grade import STOCK, Options, compare_frameworks, grade_class
    from autograder.course.records import Framework
    from autograder.grading.policy import policy_for
    from autograder.sandbox.limits import Isolation

    several = {"both": STOCK, "all": tuple(Framework)}
    frameworks = several[framework] if framework in several else (Framework(framework),)
    policy = policy_for(assignment.settings, Isolation(isolation), timeout)
    remote = RemoteScheduler(scheduler, insecure) if scheduler else None
    options = Options(policy, frameworks, only, students, workers or Options.workers, remote, regrade)
    folder = folder or assignment.submitted
    if frameworks == (Framework.ENGINE,):
        ok = grade_class(assignment, folder, options, db)
    else:
        ok = compare_frameworks(assignment, folder, options)
    sys.exit(0 if ok else 1)


@main.command()
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), default=None,
              help="Where to write.  [default: report/NAME]")  # fmt: skip
@click.option("--db", default="", metavar="URL", help="Read this gradebook, not that of nbgrader_config.py.")
@click.pass_obj
def report(where: Where, output: Path | None, db: str) -> None:
    """Write the class report for the instructor, report/NAME/index.html, and all scores, report/NAME/grades.csv."""
    from autograder.course.overview import read_overview
    from autograder.course.pages import write_report

    assignment = where.assignment()
    for path in write_report(assignment, read_overview(assignment, db), output or assignment.report):
        click.echo(f"wrote {path}")


@main.command()
@click.option("--student", "students", multiple=True, help="Only this student; may be given several times.")
@click.option("--db", default="", metavar="URL", help="Read this gradebook, not that of nbgrader_config.py.")
@click.pass_obj
def feedback(where: Where, students: tuple[str, ...], db: str) -> None:
    """Write a page of feedback for every student, feedback/STUDENT/NAME.html."""
    from autograder.course.overview import read_overview
    from autograder.course.pages import write_feedback

    assignment = where.assignment()
    overview = read_overview(assignment, db)
    if unknown := sorted(set(students) - set(overview.handed_in)):
        raise AutograderError(f"nothing is recorded of {', '.join(unknown)}.")
    with click.progressbar(write_feedback(assignment, overview, students), label="feedback",
                           length=len(students or overview.handed_in)) as paths:  # fmt: skip
        count = sum(1 for _ in paths)
    click.echo(f"wrote {count} pages below {assignment.root / 'feedback'}")


@main.command()
@click.option("--notebook", "notebooks", multiple=True, help="Only this notebook; may be given several times.")
@click.option("--question", "questions", multiple=True, help="Only this question; may be given several times.")
@click.option("--try", "how", type=click.Choice(["new", "all", "nothing"]), default="new", show_default=True,
              help="Try what has changed since the last time, everything, or only tell what is known.")  # fmt: skip
@click.option("--flaky", type=click.IntRange(min=1), metavar="N",
              help="Instead, grade the reference answers N times, with the hidden seeds 1 to N.")  # fmt: skip
@click.option("--workers", type=click.IntRange(min=1), default=None, help="Processes at a time.  [default: one a core]")
@click.pass_obj
def strength(
    where: Where, notebooks: tuple[str, ...], questions: tuple[str, ...], how: str, flaky: int, workers: int
) -> None:
    """Try right and wrong answers on the tests; for the whole assignment, write docs/strength/NAME.md."""
    from autograder.strength.command import Effort, measure_flakiness, measure_strength

    at_a_time = workers or os.cpu_count() or 1
    if flaky:
        ok = measure_flakiness(where.assignment(), notebooks, flaky, at_a_time)
    else:
        ok = measure_strength(where.assignment(), notebooks, questions, at_a_time, Effort(how))
    sys.exit(0 if ok else 1)


@main.command()
def doctor() -> None:
    """Say which isolation of students' code this host gives, what is missing, and how to get it."""
    from autograder.sandbox.doctor import diagnose

    ok = True
    for finding in diagnose():
        mark = click.style("ok     ", fg="green") if finding.ok else click.style("missing", fg="red")
        click.echo(f"{mark}  {finding.name}: {finding.text}")
        if not finding.ok and finding.advice:
            click.echo(f"         {finding.advice}.")
        ok = ok and (finding.ok or not finding.required)
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    sys.exit(main())
