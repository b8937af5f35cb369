"""The sample class through the engine and both stock frameworks: every score as its manifest says."""

import pytest
from rich.console import Console
from sampleclass import TIMEOUT, write_class

from autograder.authoring.build import build, read_linted
from autograder.course.compare import disagreements
from autograder.course.grade import ENGINE, STOCK, Options, collect_grades

# Its tests train networks for a minute.
TRAINS = "edge_detection"


@pytest.fixture(scope="module")
def sample_class(project, tmp_path_factory):
    for _ in build(project, solved=False):
        pass
    folder = tmp_path_factory.mktemp("class")
    return folder, write_class(project, folder)


def _check(project, sample_class, options: Options) -> list:
    folder, expected = sample_class
    grades = collect_grades(project, read_linted(project), folder, options, Console())
    got = {(g.student, g.notebook, g.framework): (g.status.value, g.points) for g in grades}
    wanted = {
        (e.student, e.notebook, framework): e.outcome(framework)
        for e in expected
        if not options.only or e.notebook in options.only
        for framework in options.frameworks
    }
    assert got == wanted
    return grades


@pytest.mark.parametrize("trains", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_engine_gives_the_points_that_manifests_say(project, sample_class, trains):
    names = tuple(expected.notebook for expected in sample_class[1] if (expected.notebook == TRAINS) == trains)
    _check(project, sample_class, Options((ENGINE,), names, TIMEOUT))


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["strict", "none"])
def test_frameworks_give_the_same_for_all_notebooks(project, sample_class, isolation):
    options = Options(STOCK, (), TIMEOUT, isolation=isolation)
    if isolation == "none":  # as they come
        assert disagreements(_check(project, sample_class, options)) == []
        return
    folder, expected = sample_class
    grades = collect_grades(project, read_linted(project), folder, options, Console())
    got = {(g.student, g.notebook, g.framework): g.points for g in grades}
    assert got == {(e.student, e.notebook, framework): e.points for e in expected for framework in STOCK}
