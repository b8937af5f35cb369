"""Mutants, which of them are equivalent, what is remembered, and the report."""

import random
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from minicourse import NAME, cell, make_course

from autograder.assignment.assignment import Assignment
from autograder.assignment.imports import modules, needed
from autograder.assignment.notebook import Question
from autograder.cli import main
from autograder.grading.results import Verdict
from autograder.strength import report, run
from autograder.strength.answers import Answer, AnswerKind, Finding, TrialOutcome
from autograder.strength.mutants import OPERATORS, mutants
from autograder.strength.vary import varied

VARIANTS = '"""Right."""\n' + "".join(
    f'\n\ndef double__way_{number}(x):\n    """Way {number}."""\n    return {code}\n'
    for number, code in enumerate(("x + x", "2 * x", "x * 2", "sum([x, x])", "-(-x - x)", "x / 0.5"))
)
MISTAKES = '''"""Wrong."""


def double__square(x):
    """Squaring is not doubling."""
    return x * x


def double__half(x):
    """Half is the other way round."""
    return x / 2
'''
# The tests let the limit of the last line be one higher or lower.
SOLUTION = """def double(x):
    ### BEGIN SOLUTION
    if x > 10_000_000:
        raise ValueError("too large")
    return 2 * x + 0
    ### END SOLUTION"""
WEAK = """assert double(1) == 2
### BEGIN HIDDEN TESTS
import solutions.mini as reference
for _x in (0, -3, 0.5, 10_000_000):
    assert double(_x) == reference.double(_x), f"double({_x}) is wrong"
### END HIDDEN TESTS"""


def _mutants(code: str) -> dict[str, list[str]]:
    """What the lines of ``code`` become, by operator."""
    body = "".join(f"    {line}\n" for line in code.splitlines())
    source = f"def f(x):\n    '''What f does.'''\n    ### BEGIN SOLUTION\n{body}    ### END SOLUTION\n"
    found: dict[str, list[str]] = {}
    for mutant in mutants(Question("f", "test_f", 1.0, "", "", source)):
        changed = [line[1:].strip() for line in mutant.diff.splitlines() if line.startswith("+")]
        found.setdefault(mutant.operator, []).append(" ".join(changed))
    return found


@pytest.mark.parametrize(
    ("code", "operator", "expected"),
    [
        ("return x - 1", "arithmetic", ["return x + 1"]),
        ("return x - y", "operand", ["return x", "return y"]),
        ("return x < y", "comparison", ["return x <= y", "return x > y"]),
        ("return x and y", "logical", ["return x or y"]),
        ("return -x", "unary", ["return x"]),
        ("return x if x else y", "condition", ["return x if not x else y"]),
        ("return 3", "number", ["return 4", "return 2"]),
        ("return 0.5", "number", ["return 1.0", "return 0.25"]),
        ("return 0", "number", ["return 1", "return -1"]),
        ("return True", "truth", ["return False"]),
        ("return 'a'", "text", ["return 'ax'"]),
        ("x += 1\nreturn x", "statement", ["pass", "pass"]),
        ("for y in x:\n    break", "jump", ["continue"]),
        ("return g(x, z=1)", "argument", ["return g(x)", "return g(z=1)"]),
        ("return g(x, y)", "argument", ["return g(y)", "return g(x)", "return g(y, x)"]),
        ("return x.f()", "call", ["return x"]),
        ("return x.T", "call", ["return x"]),
        ("return x.sum()", "sibling", ["return x.mean()"]),
        ("return x[1:y]", "bound", ["return x[:y]", "return x[1:]"]),
        ("return range(x)", "bound", ["return range(x + 1)", "return range(x - 1)"]),
        ("return x, y", "order", ["return (y, x)"]),
    ],
)  # fmt: skip
def test_operators(code, operator, expected):
    assert _mutants(code)[operator] == expected


def test_every_operator_is_documented_and_tried():
    tried = set(re.findall(r'", "([a-z]+)", \[', Path(__file__).read_text()))
    assert {operator.__name__ for operator in OPERATORS} <= tried
    assert all(operator.__doc__ for operator in OPERATORS)


def test_what_students_do_not_write_is_not_changed():
    found = _mutants("raise ValueError(f'no {x + 1}')")
    assert found == {"statement": ["pass"]}


def test_names_are_unique_and_stay_when_another_line_changes():
    def names(code: str) -> set[str]:
        return {mutant.name for mutant in mutants(Question("f", "test_f", 1.0, "", "", code))}

    both = names("def f(x):\n    y = x + 1\n    return y * 2\n")
    assert names("def f(x):\n    y = x + 1\n    return y\n") & both


def test_variations_are_of_the_same_kind():
    labels, image = torch.tensor([3, 1, 2]), np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)
    seen = []
    for seed in range(100):
        request = ["call", "f", [labels, (image, 2, "mode")], {"sigma": 1.5, "flag": None}]
        operation, function, (some, (other, count, mode)), keywords = varied(request, random.Random(seed))
        assert (operation, function, mode, keywords.keys()) == ("call", "f", "mode", {"sigma", "flag"})
        assert sorted(some.tolist()) == [1, 2, 3]  # an index stays one
        assert (some.dtype, other.dtype, other.ndim) == (labels.dtype, image.dtype, 2)
        assert count >= 1
        assert keywords["sigma"] > 0
        seen.append((other.shape, count, round(keywords["sigma"], 3)))
    assert len({shape for shape, _, _ in seen}) > 1
    assert len(set(seen)) > 50
    assert varied(["look up", "f"], random.Random(0)) == ["look up", "f"]


@pytest.fixture
def course(tmp_path) -> Assignment:
    cells = [
        cell("import math", "setup", locked=True),
        cell(SOLUTION, "double", solution=True),
        cell(WEAK, "test_double", 3, grade=True, locked=True),
    ]
    assignment = make_course(tmp_path / "course", cells)
    for folder, text in ((assignment.mistakes, MISTAKES), (assignment.variants, VARIANTS)):
        folder.mkdir(parents=True)
        (folder / "mini.py").write_text(text)
    assignment.strength_report.parent.mkdir()
    return assignment


def _strength(assignment: Assignment, *options: str):
    return CliRunner().invoke(main, ["--root", str(assignment.root), "strength", "--workers", "1", *options])


@pytest.mark.slow
def test_the_whole_way(course, monkeypatch):
    first = _strength(course)
    text = course.strength_report.read_text()
    assert "| Mini, double | 6 / 6 | 2 / 2 | 2 / 2 |" in text
    # The refusal of large numbers is not tested, and the report shows it; adding 0 or taking it away is the same.
    survivors = re.findall(r"^### Mini, double, (\S+)$", text, re.MULTILINE)
    assert first.exit_code == 1
    assert f"{survivors[0]}: survives, and nothing explains it" in first.output
    assert "+        pass" in text
    assert "return 2 * x - 0" not in text

    course.survivors.write_text("".join(f'{name} = "Not asked for."\n' for name in survivors))
    monkeypatch.setattr(run, "grade_answers", None)  # nothing is graded again
    second = _strength(course)
    assert "nothing explains it" not in second.output
    assert "Not asked for." in course.strength_report.read_text()
    assert "only" in second.output  # too many survive, explained or not
    assert second.exit_code == 1

    course.mistakes.joinpath("mini.py").write_text(MISTAKES + "# other mistakes may be other rivals\n")
    stale = _strength(course, "--try", "nothing")
    assert "Mini, double: 2 answers are not tried." in stale.output
    assert "- Mini, double: 2 answers are not tried." in course.strength_report.read_text()

    course.survivors.write_text('double-number-00000000 = "It was there once."')
    third = _strength(course)
    assert "double-number-00000000" in third.output
    assert third.exit_code == 1


@pytest.mark.slow
def test_flaky_tests_are_found(course):
    assert _strength(course, "--flaky", "2").output.strip().endswith("Mini: 2 seeds, 0 failures")
    _strength(course, "--try", "nothing")
    assert "| Mini | 2 | 0 |" in course.strength_report.read_text()
    path = course.source / f"{NAME}.ipynb"
    node = nbformat.read(path, as_version=4)
    node.cells[2].source = (
        node.cells[2]
        .source.replace("import solutions.hw1.mini", "import os, solutions.hw1.mini")
        .replace("\n### END", "\nassert os.environ['AUTOGRADER_HIDDEN_SEED'] != '2', 'bad luck'\n### END")
    )
    nbformat.write(node, path)
    _strength(course, "--try", "nothing")
    assert "| Mini | not tried since the last change |  |" in course.strength_report.read_text()
    found = _strength(course, "--flaky", "3")
    assert "Mini, double, seed 2: failed, bad luck" in found.output
    assert "Mini: 3 seeds, 1 failures" in found.output
    assert found.exit_code == 1


def _finding(kind: AnswerKind, passed: bool, **changes: str) -> Finding:
    about = "What a teaching assistant\nwould say."
    answer = Answer(kind, "N", "q", changes.pop("name", "a"), "", about)
    return Finding(answer, TrialOutcome(Verdict.PASSED if passed else Verdict.FAILED, **changes))


@pytest.mark.parametrize(
    ("finding", "complaint"),
    [
        (_finding(AnswerKind.VARIANT, False), "N, q, a: a correct answer is rejected"),
        (_finding(AnswerKind.MISTAKE, True), "N, q, a: a known mistake is accepted"),
        (
            _finding(AnswerKind.MISTAKE, False, diagnosis="Something else."),
            "N, q, a: has the diagnosis of another mistake",
        ),
        (_finding(AnswerKind.MUTANT, True, difference="x"), "N, q, a: survives, and nothing explains it"),
        (
            _finding(AnswerKind.MUTANT, False, name="explained"),
            "N, q, explained: is explained as a survivor, but is none",
        ),
        (_finding(AnswerKind.VARIANT, True), "N, q: there are only 1 correct variants"),
        (_finding(AnswerKind.MISTAKE, False), "only 0 of 1 mistakes have their own diagnosis"),
    ],
)
def test_what_is_not_as_it_must_be_is_said(finding, complaint):
    assert any(complaint in line for line in report.problems([finding], {"explained": "why"}, 6))


def test_what_is_as_it_must_be_is_not_complained_of():
    findings = [_finding(AnswerKind.VARIANT, True)] * 6
    findings += [_finding(AnswerKind.MISTAKE, False, diagnosis="What a teaching assistant would say.")] * 19
    findings += [_finding(AnswerKind.MISTAKE, False, diagnosis="It may be one of these. This. Or: That.")]
    findings += [_finding(AnswerKind.MUTANT, False)] * 49
    findings += [_finding(AnswerKind.MUTANT, True, difference="x", name="explained"), _finding(AnswerKind.MUTANT, True)]
    assert report.problems(findings, {"explained": "why"}, 6) == []
    assert report.figures(findings).cells == ["6 / 6", "20 / 20", "19 / 20", "49 / 50", "1"]


def test_an_outcome_depends_on_the_modules_that_are_imported_directly_or_not(tmp_path):
    texts = {
        "__init__.py": "",
        "checks.py": "from tool.explain import shown",
        "explain.py": "import numpy",
        "plots.py": "from . import explain",
        "inner/__init__.py": "from .. import plots",
    }
    for name, text in texts.items():
        path = tmp_path / "tool" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    known = modules(tmp_path, tmp_path.rglob("*.py"))

    def names(*sources):
        return {path.relative_to(tmp_path / "tool").as_posix() for path in needed(known, sources)}

    assert names("import numpy", "x = 1") == set()
    assert names("def f():\n    from tool import checks") == {"__init__.py", "checks.py", "explain.py"}
    assert names("import tool.plots as p") == {"__init__.py", "plots.py", "explain.py"}
    assert names("from tool.inner import x") == {"__init__.py", "inner/__init__.py", "plots.py", "explain.py"}
    assert names("%matplotlib inline") == set(texts)
