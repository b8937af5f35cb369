"""Why an answer failed: the known mistake behind it, and nothing where none is certain."""

import nbformat
import numpy as np
import pytest
from minicourse import ASSIGNMENT, NAME, cell, make_course

from autograder.adapters.otter import _stub
from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import Notebook, nbgrader_metadata, read_notebook
from autograder.grading import diagnosis
from autograder.grading.assemble import Assembled
from autograder.grading.engine import run_notebook
from autograder.grading.policy import NotebookLimits
from autograder.grading.replay import Outcome, _plain, agree
from autograder.grading.results import GradedNotebook, QuestionResult, Verdict
from autograder.sandbox.box import BoxLost, Loss
from autograder.sandbox.limits import Policy

LIMITS = NotebookLimits(cell_seconds=20, test_seconds=5, total_seconds=120)

CELLS = {
    "setup": "import numpy as np\nimport torch",
    "double": "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION",
    "Scale": """class Scale(torch.nn.Module):
    ### BEGIN SOLUTION
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return self.factor * x
    ### END SOLUTION""",
    "answer": "### BEGIN SOLUTION\nanswer = 42\n### END SOLUTION",
    "config": "### BEGIN SOLUTION\nconfig = {'epochs': 10, 'sizes': [3, 5]}\n### END SOLUTION",
    "reverse": """def reverse(values):
    ### BEGIN SOLUTION
    return values[::-1]
    ### END SOLUTION""",
}
TESTS = {
    "double": (
        "assert double(1) == 2",
        "for _x in (-3, 0.5, 1_000_000):\n    assert double(_x) == 2 * _x, f'double({_x})'",
    ),
    "Scale": (
        "import torch\nassert isinstance(Scale(1.0), torch.nn.Module)",
        "import torch\nfor _f in (1.0, 2.0, -3.0):\n    _y = Scale(_f)(torch.ones(3))\n"
        "    assert torch.allclose(_y, _f * torch.ones(3)), 'Scale'",
    ),
    "answer": ("assert answer is not None", "assert answer == 42, 'answer'"),
    "config": ("assert isinstance(config, dict)", "assert config == {'epochs': 10, 'sizes': [3, 5]}, 'config'"),
    "reverse": (
        "assert list(reverse([1, 2])) == [2, 1]",
        "_x = [3, 4, 5]\nassert list(reverse(_x)) == [5, 4, 3]\nassert _x == [3, 4, 5], 'changed'",
    ),
}
_NO_OTTER = "test_case = lambda **_: lambda function: function"
MISTAKES = '''"""Mistakes."""

import torch

VALUES = ("answer", "config")


def double__squares(x):
    """Squaring is not doubling:
    2 x is x + x."""
    return x * x


def double__once(x):
    """This is x itself."""
    return x


def double__identity(x):
    """Nothing is done to x."""
    return +x


def double__magnitude(x):
    """The sign is lost."""
    return abs(2 * x)


class Scale__ignores_factor(torch.nn.Module):
    """The factor is not used."""

    def __init__(self, factor):
        super().__init__()

    def forward(self, x):
        return 1 * x


def answer__off_by_one():
    """Count again: you are one off."""
    return 43


def config__too_short():
    """Five epochs are too few."""
    return {"epochs": 5, "sizes": [3, 5]}


def reverse__in_place(values):
    """The argument is turned round itself."""
    values.reverse()
    return values
'''


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Notebook:
    cells = []
    for name, text in CELLS.items():
        cells.append(cell(text, name, locked=name == "setup", solution=name != "setup"))
        if name in TESTS:
            test = "{}\n### BEGIN HIDDEN TESTS\n{}\n### END HIDDEN TESTS".format(*TESTS[name])
            cells.append(cell(test, f"test_{name}", 1, grade=True, locked=True))
    assignment = make_course(tmp_path_factory.mktemp("diagnosis") / "course", cells)
    assignment.mistakes.mkdir()
    (assignment.mistakes / "mini.py").write_text(MISTAKES)
    return read_notebook(assignment.source / f"{NAME}.ipynb")


def _grade(source: Notebook, limits: NotebookLimits = LIMITS, **answers: str) -> GradedNotebook:
    node = nbformat.from_dict(source.node)
    node.cells = [nbformat.from_dict(one) for one in source.node.cells]
    for one in node.cells:
        one.source = answers.get(nbgrader_metadata(one).get("grade_id", ""), one.source)
    assignment = Assignment(source.path.parents[2], ASSIGNMENT)
    return run_notebook(assignment, source, Assembled(node), policy=Policy(limits))


def _results(source: Notebook, **answers: str) -> dict[str, QuestionResult]:
    """The results of the questions that failed."""
    results = _grade(source, **answers).results
    return {result.question: result for result in results if result.verdict is not Verdict.PASSED}


def _result(source: Notebook, name: str, answer: str) -> QuestionResult:
    (failed,) = _results(source, **{name: answer}).values()
    assert failed.question == name
    return failed


def test_mistakes_are_recognised_in_other_code(source):
    results = _results(
        source,
        double="double = lambda x: np.float32(2 * max(x, -x))",
        Scale="class Scale(torch.nn.Identity):\n    pass",
        answer="answer = np.array(43.0)",
        config="config = dict(sizes=(3, 5), epochs=5.0)",
        reverse="def reverse(values):\n    values[:] = values[::-1]\n    return values",
    )
    assert {name: result.diagnosis for name, result in results.items()} == {
        "double": "The sign is lost.",
        "Scale": "The factor is not used.",
        "answer": "Count again: you are one off.",
        "config": "Five epochs are too few.",
        "reverse": "The argument is turned round itself.",
    }


def test_the_sentence_stands_behind_the_message(source):
    result = _result(source, "double", "def double(x):\n    return np.power(x, 2)")
    assert result.verdict is Verdict.FAILED
    assert result.diagnosis == "Squaring is not doubling: 2 x is x + x."
    assert result.feedback == f"{result.message} {result.diagnosis}"


def test_two_mistakes_that_explain_it_are_two_possibilities(source):
    result = _result(source, "double", "def double(x):\n    return x")
    assert result.diagnosis == "It may be one of these. This is x itself. Or: Nothing is done to x."


@pytest.mark.parametrize(
    "answers",
    [
        {
            "double": "def double(x):\n    return x * x if x > 0 else 0",  # a mistake in part of the cases
            "answer": "answer = 'fortythree'",
            "Scale": "class Scale(torch.nn.Identity):\n    def forward(self, x):\n        return [x]",
            "reverse": "def reverse(values):\n    return values",
        },
        {
            "double": "def double(x):\n    return x * x + 1e-3",
            "answer": "answer = [43, 43]",
            "Scale": "Scale = 3",
            "config": "config = {'epochs': 5}",
            "reverse": "def reverse(values):\n    raise NotImplementedError",
        },
    ],
)
def test_what_no_mistake_explains_has_no_diagnosis(source, answers):
    results = _results(source, **answers)
    assert results.keys() == answers.keys()
    assert {result.diagnosis for result in results.values()} == {""}
    assert all(result.feedback == result.message for result in results.values())


def test_nothing_is_done_for_answers_that_pass(source, monkeypatch):
    monkeypatch.setattr(diagnosis, "record", lambda *_: pytest.fail("recorded"))
    monkeypatch.setattr(diagnosis, "repeat", lambda *_: pytest.fail("repeated"))
    diagnosis._cases.clear()
    graded = _grade(source, answer="answer = 42.0")
    assert {result.feedback for result in graded.results} == {""}
    assert all(result.verdict is Verdict.PASSED for result in graded.results)


CALLED_AGAIN = """
import pathlib, time
def double(x):
    if x == 0.5 and pathlib.Path("called").exists():
        {what}
    pathlib.Path("called").write_text("")
    return x * x
"""


@pytest.mark.parametrize(
    "what", ["time.sleep(1000)", "import os; os._exit(1)", "raise SystemExit", "return np.zeros(30_000_000)"]
)
def test_code_that_goes_wrong_when_it_is_asked_again_only_loses_its_diagnosis(source, what):
    graded = _grade(source, NotebookLimits(cell_seconds=20, test_seconds=2), double=CALLED_AGAIN.format(what=what))
    assert [result.verdict for result in graded.results] == [Verdict.FAILED] + [Verdict.PASSED] * 4
    assert graded.results[0].diagnosis == ""


def test_a_students_process_that_is_lost_when_asked_again_is_replaced(source, monkeypatch):
    def lost(*_ignored):
        raise BoxLost(Loss.LATE)

    monkeypatch.setattr(diagnosis, "_cases", {})  # the course's own box is open then
    monkeypatch.setattr(diagnosis.Diagnostics, "_observed", lost)
    graded = _grade(source, LIMITS, double="def double(x):\n    return x * x")
    assert [result.verdict for result in graded.results] == [Verdict.FAILED] + [Verdict.PASSED] * 4
    assert graded.usage.restarts == 1


def test_a_submission_has_only_so_much_time_for_diagnoses(source):
    limits = NotebookLimits(cell_seconds=20, test_seconds=5, diagnosis_seconds=0)
    assert _grade(source, limits, double="def double(x):\n    return x * x").results[0].diagnosis == ""


def test_a_submission_without_time_left_spoils_no_diagnosis_of_the_next(source, monkeypatch):
    monkeypatch.setattr(diagnosis, "_cases", {})
    squared = "def double(x):\n    return x * x"
    with monkeypatch.context() as hurried:
        start = diagnosis.Diagnostics.__init__

        def start_late(self, *arguments):
            start(self, *arguments)
            self._seconds = 1e-3

        hurried.setattr(diagnosis.Diagnostics, "__init__", start_late)
        assert _result(source, "double", squared).diagnosis == ""
    assert _result(source, "double", squared).diagnosis == "Squaring is not doubling: 2 x is x + x."


def test_a_mistake_that_never_ends_is_passed_over(source, monkeypatch):
    path = source.path.parents[2] / "solutions" / ASSIGNMENT / "mistakes" / "mini.py"
    endless = '\n\ndef double__endless(x):\n    """It never ends."""\n    while True:\n        pass\n'
    before = path.read_text()
    monkeypatch.setattr(diagnosis, "_MISTAKE_SECONDS", 1.0)
    try:
        path.write_text(before + endless)
        result = _result(source, "double", "def double(x):\n    return x * x")
    finally:
        path.write_text(before)
    assert result.diagnosis == "Squaring is not doubling: 2 x is x + x."


def test_a_course_without_mistakes_has_no_diagnoses(built_mini):
    source = read_notebook(built_mini.source / f"{NAME}.ipynb")
    (result,) = _grade(source, double="def double(x):\n    return x").results
    assert (result.verdict, result.diagnosis) == (Verdict.FAILED, "")


def test_students_read_the_diagnosis_in_every_framework(source):
    graded = _grade(source, answer="answer = 43")
    (failed,) = [result for result in graded.results if result.verdict is not Verdict.PASSED]
    cells = {nbgrader_metadata(one).get("grade_id"): one for one in graded.node.cells}
    assert failed.feedback.endswith("Count again: you are one off.")
    assert cells["test_answer"].outputs[0].evalue == failed.feedback  # what nbgrader's feedback shows
    assert repr(failed.feedback) in _stub(failed)


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        (1, 1.0, True), (1, 1.000001, True), (1, 1.0001, False), (1e6, 1e6 + 1, True), ("a", "a", True),
        ("a", "b", False), (None, 0, False), ([1, 2], (1, 2), True), ([1, [2]], [1, [3]], False),
        ([1, 2], [1, 2, 3], False), ({"a": 1}, {"a": 1.0}, True), ({"a": 1}, {"b": 1}, False),
        (float("nan"), float("nan"), True), (float("inf"), float("inf"), True), (float("inf"), 1.0, False),
        (10**400, 10**400, True), ([1.0, 10**400], [1, 2], False), ({1, 2}, {2, 1}, True), ({1}, {2}, False),
        (np.array([None, "a"]), np.array([None, "a"]), True), (np.array(["a"]), np.array(["b"]), False),
        (slice(1), slice(1), True), (True, 1, True),
        (1 + 2j, 1 + 2j, True), (1 + 2j, 1.0, False), ([], [], True), ([], "", False),
    ],
)  # fmt: skip
def test_values_agree_as_tests_see_them(first, second, is_same):
    outcomes = [Outcome(_plain(value)) for value in (first, second)]
    assert agree(*outcomes) is is_same
    assert agree(*reversed(outcomes)) is is_same


def test_otter_does_not_say_that_hidden_tests_passed_which_were_not_run():
    failed = QuestionResult("double", Verdict.FAILED, 0.0, 3.0, "double(1) should be 2", part="visible")
    namespace: dict = {}
    exec(compile(_stub(failed).replace("from otter.test_files import test_case", _NO_OTTER), "stub", "exec"), namespace)
    for part in ("visible", "hidden"):
        with pytest.raises(AssertionError):
            namespace[part]()
