"""The sample class through both stock frameworks: every score as its manifest says, and no disagreement."""

import pytest
from rich.console import Console
from sampleclass import write_class

from autograder.authoring.build import build
from autograder.course.grade import FRAMEWORKS, collect_grades, disagreements

# Every other submission is graded in a third of this on two busy cores; the endless loop takes all of it.
TIMEOUT = 60.0


@pytest.fixture(scope="module")
def graded(project, tmp_path_factory):
    for _ in build(project):
        pass
    folder = tmp_path_factory.mktemp("class")
    expected = write_class(project, folder)
    grades = collect_grades(project, folder, FRAMEWORKS, (), TIMEOUT, None, Console())
    return expected, grades


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_question_gets_the_points_its_manifest_says(graded, framework):
    expected, grades = graded
    got = {(g.student, g.notebook): (g.status.value, g.points) for g in grades if g.framework == framework}
    wanted = {(e.student, e.notebook): (e.status, e.points) for e in expected}
    assert got == wanted


def test_the_frameworks_agree(graded):
    _, grades = graded
    assert disagreements(grades) == []
