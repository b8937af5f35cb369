"""Makes a class of any size out of the reference answers, the correct variants and the known mistakes of a notebook.

Every student answers each question in one of these ways, drawn with a fixed seed; no two hand in the same file. Some
leave questions out, and one in fifty hands in something that cannot be read.

    python bench/make_class.py 1000 build/class [--notebook HandDesignFilters]
"""

import argparse
import random
import sys
from pathlib import Path

import nbformat
from results import HELPERS, HW4

sys.path[:0] = HELPERS

from sampleclass import reference_answers  # noqa: E402

from autograder.assignment import catalogue  # noqa: E402
from autograder.assignment.assignment import Assignment  # noqa: E402
from autograder.assignment.notebook import nbgrader_metadata, read_notebook  # noqa: E402

# Shares of reference, variant, known mistake, and no answer.
_WAYS = ("reference", "variant", "mistake", "none")
_SHARES = (50, 20, 25, 5)
_UNREADABLE = 50


def main() -> None:
    """Write the class."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("students", type=int)
    parser.add_argument("target", type=Path)
    parser.add_argument("--notebook", default="HandDesignFilters")
    options = parser.parse_args()
    make_class(HW4, options.notebook, options.students, options.target)


def make_class(assignment: Assignment, name: str, students: int, target: Path) -> None:
    """Write ``students`` submissions of one notebook below ``target``, as ``<student>/<assignment>/<name>.ipynb``."""
    ways = _answers(assignment, name)
    released = (assignment.release / f"{name}.ipynb").read_text()
    for number in range(students):
        student = f"s{number:04}"
        draw = random.Random(number)
        node = nbformat.reads(released, as_version=4)
        for cell in node.cells:
            if answers := ways.get(nbgrader_metadata(cell).get("grade_id", "")):
                (way,) = draw.choices(_WAYS, _SHARES)
                cell.source = f"# {student}\n{draw.choice(answers[way])}" if answers[way] else cell.source
        path = target / student / assignment.name / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = nbformat.writes(node)
        path.write_text(text if number % _UNREADABLE != _UNREADABLE - 1 else text[: len(text) // 2])


def _answers(assignment: Assignment, name: str) -> dict[str, dict[str, list[str]]]:
    """By question: the sources that each way of answering can draw from."""
    notebook = read_notebook(assignment.source / f"{name}.ipynb")
    found = {
        question: {"reference": [source], "variant": [], "mistake": [], "none": []}
        for question, source in reference_answers(notebook).items()
    }
    for way, path in (("variant", assignment.variants_of(notebook)), ("mistake", assignment.mistakes_of(notebook))):
        for entry in catalogue.read(path):
            found[entry.question][way].append(entry.source)
    return found


if __name__ == "__main__":
    main()
