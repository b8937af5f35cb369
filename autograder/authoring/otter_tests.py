"""otter-grader test files, generated from the cells that nbgrader grades.

Format: https://otter-grader.readthedocs.io, "Exception-Based Format". One file per question with a visible and a
hidden case, all or nothing, so that both frameworks award the same points.
"""

from autograder.assignment.names import free_names, indent
from autograder.assignment.notebook import Question

_FILE = '''\
"""Tests of {name}, generated from the source notebook: edit that, not this."""

OK_FORMAT = False

from otter.test_files import test_case

name = "{test_id}"
points = {points}
all_or_nothing = True


@test_case(name="visible", hidden=False)
def visible({visible_names}):
{visible_guard}{visible}


@test_case(name="hidden", hidden=True)
def hidden({hidden_names}):
    # One line of the failing test is shown with its message: let it be the last one here, which gives nothing away.
    message = None
    try:
{hidden_guard}{solutions_path}{hidden}
    except Exception as error:
        is_check = isinstance(error, AssertionError)
        message = str(error) if is_check else f"{{type(error).__name__}}: {{error}}"
    assert message is None, message
'''

# otter unpacks the zip beside the submission's folder, in which the notebook runs. Only hidden tests look there.
_SOLUTIONS_PATH = """\
import sys
from pathlib import Path
sys.path.insert(0, str(Path("../source").resolve()))
"""


def otter_test(question: Question) -> str:
    """The source of a question's otter test file.

    The parameters of its two functions are the names the tests use: otter passes the notebook's values for them, and
    None for what the notebook does not define, which is answered with a sentence.
    """
    visible_names, hidden_names = free_names(question.visible), free_names(question.hidden)
    return _FILE.format(
        name=question.name,
        test_id=question.test_id,
        points=f"{question.points:g}",
        visible_names=", ".join(visible_names),
        visible_guard=indent(_guard(visible_names), 4) + "\n" if visible_names else "",
        visible=indent(question.visible, 4),
        hidden_names=", ".join(hidden_names),
        hidden_guard=indent(_guard(hidden_names), 8) + "\n" if hidden_names else "",
        solutions_path=indent(_SOLUTIONS_PATH, 8) + "\n",
        hidden=indent(question.hidden, 8),
    )


def _guard(names: list[str]) -> str:
    return "\n".join(
        f'assert {name} is not None, "`{name}` is not defined: does its cell run without an error?"' for name in names
    )
