"""Building: what students and graders get, reproducibly, and nothing twice."""

import hashlib
import shutil
import zipfile
from pathlib import Path

import minicourse
import nbformat
import pytest
from click.testing import CliRunner
from minicourse import make_course

from autograder.assignment.assignment import Assignment
from autograder.authoring.build import build, release_diff, stale
from autograder.authoring.otter_tests import otter_test
from autograder.authoring.solved import build_solved
from autograder.cli import main
from autograder.errors import NotebookError


def _hashes(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "stamps.json"]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _released_text(assignment) -> str:
    return "".join(path.read_text() for path in assignment.release.rglob("*") if path.suffix in (".ipynb", ".py"))


def test_the_release_holds_no_solution_no_hidden_test_and_no_rubric(built_mini):
    text = _released_text(built_mini)
    for secret in ("return 2 * x", "BEGIN", "solutions", "One point for", minicourse.MODEL_ANSWER):
        assert secret not in text
    assert "assert double(1) == 2" in text
    assert "not answered yet" in text


def test_otter_checks_a_question_where_nbgrader_does(built_mini):
    node = nbformat.read(built_mini.release / "Mini.ipynb", as_version=4)
    marked = {cell.metadata.nbgrader.grade_id: cell.metadata.otter for cell in node.cells if "otter" in cell.metadata}
    assert marked == {"test_double": {"tests": ["test_double"]}}


def test_the_zip_keeps_solutions_out_of_the_folder_given_to_student_code(built_mini):
    with zipfile.ZipFile(built_mini.zip_path("Mini")) as archive:
        names = archive.namelist()
    assert "solutions/hw1/mini.py" in names
    assert "files/minikit/__init__.py" in names
    assert not [name for name in names if name.startswith("files/") and "solutions" in name]
    assert {"run_autograder", "setup.sh", "environment.yml", "tests/test_double.py"} <= set(names)


def test_the_executed_solution_has_outputs_and_no_error(built_mini):
    node = nbformat.read(built_mini.dist / "Mini-solution.ipynb", as_version=4)
    code = [cell for cell in node.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    assert not [output for cell in code for output in cell.outputs if output.output_type == "error"]


def test_two_builds_give_the_same_bytes(built_mini, mini):
    list(build(mini))
    assert _hashes(mini.release) == _hashes(built_mini.release)
    assert _hashes(mini.dist) == _hashes(built_mini.dist)


def test_a_second_build_makes_nothing_and_each_change_only_what_it_touches(tmp_path):
    assignment = make_course(tmp_path / "course")
    everything = {product.name for product, _ in build(assignment)}
    assert everything == {"release", "hw1.zip", "Mini.zip", "Mini-solution.ipynb"}
    assert not any(was_built for _, was_built in build(assignment))

    (assignment.solutions / "mini.py").write_text("def double(x):\n    return 2 * x\n")
    assert {product.name for product, was_built in build(assignment) if was_built} == everything - {
        "release",
        "hw1.zip",
    }

    assignment.zip_path("Mini").unlink()
    (assignment.release / "Mini.ipynb").write_text("edited by hand")
    notebooks = assignment.notebooks()
    assert {product.name for product in stale(assignment, notebooks)} == {"release", "Mini.zip"}


def test_a_notebook_of_written_answers_only_has_no_zip(tmp_path):
    assignment = make_course(tmp_path / "course", [minicourse.cells()[0], *minicourse.cells()[-2:]])
    assert {product.name for product, _ in build(assignment)} == {"release", "hw1.zip", "Mini-solution.ipynb"}
    assert "YOUR ANSWER HERE" in _released_text(assignment)
    run = CliRunner().invoke(main, ["--root", str(assignment.root), "grade", "--framework", "otter", str(tmp_path)])
    assert run.exit_code == 1
    assert "tests grade no question of Mini" in run.output


def test_check_shows_what_is_stale_and_changes_nothing(tmp_path):
    assignment = make_course(tmp_path / "course")
    run = CliRunner().invoke(main, ["--root", str(assignment.root), "build"])
    assert run.exit_code == 0, run.output
    assert release_diff(assignment) == ""

    path = assignment.release / "Mini.ipynb"
    path.write_text(path.read_text().replace("# Doubling", "# Tripling"))
    before = _hashes(assignment.root)
    run = CliRunner().invoke(main, ["--root", str(assignment.root), "build", "--check"])
    assert run.exit_code == 1
    assert '-    "# Tripling"' in run.output
    assert '+    "# Doubling"' in run.output
    assert "is stale: run `autograder build`" in run.output
    assert _hashes(assignment.root) == before


def test_running_the_release_in_place_does_not_make_it_stale(built_mini, tmp_path):
    assignment = Assignment(tmp_path / "copy", "hw1")
    shutil.copytree(built_mini.root, assignment.root)
    (assignment.release / "results").mkdir()
    (assignment.release / "results" / "figure.png").write_bytes(b"")
    (assignment.release / "Mini_submission.zip").write_bytes(b"")
    assert stale(assignment, assignment.notebooks()) == []


def test_a_solution_line_outside_its_region_stops_the_build(tmp_path):
    cells = minicourse.cells()
    cells.insert(2, minicourse.cell("# return 2 * x + 0 * len(str(x))", "hint", locked=True))
    assignment = make_course(tmp_path / "course", cells)
    with pytest.raises(NotebookError, match=r"Mini, cell double: .*would show students the line"):
        list(build(assignment))


def test_a_reference_that_fails_its_own_tests_stops_the_build(tmp_path):
    cells = minicourse.cells()
    cells[2].source = cells[2].source.replace("2 * x", "3 * x")
    assignment = make_course(tmp_path / "course", cells)
    (notebook,) = assignment.notebooks()
    with pytest.raises(NotebookError, match=r"Mini, cell test_double: the reference fails: .*double\(1\) should be 2"):
        build_solved(assignment, notebook, tmp_path / "work")


def test_otter_test_files_run_as_otter_runs_them(built_mini):
    from otter.test_files.exception_test import ExceptionTestFile

    (question,) = built_mini.notebooks()[0].questions
    test = ExceptionTestFile.from_string(otter_test(question))

    def messages(double):
        test.run({"double": double} if double else {})
        return test.score, [result.message for result in test.test_case_results]

    score, _ = messages(lambda x: x + 1)
    assert score == 0
    score, (visible, hidden) = messages(None)
    assert score == 0
    assert "`double` is not defined" in visible
    assert "`double` is not defined" in hidden
    assert "reference" not in hidden
    assert test.possible == question.points


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["build", "--nonsense"], 2, "No such option"),
        (["nonsense"], 2, "No such command"),
        (["--root", "/nowhere", "build"], 2, "does not exist"),
        (["--root", "/", "check"], 1, "is not in a course"),
    ],
)
def test_wrong_usage_is_one_clear_message(arguments, code, message):
    run = CliRunner().invoke(main, arguments)
    assert run.exit_code == code
    assert message in run.output
    assert "Traceback" not in run.output
