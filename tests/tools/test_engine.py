"""The engine behaves as a notebook kernel does: outputs, random numbers, and what tests see of a student's objects."""

import re
import time
from collections.abc import Iterator

import hostile
import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from running import POLICY, Running, running_in
from submitted import as_file

from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import Notebook
from autograder.grading.engine import grade_notebook
from autograder.grading.notebook_box import NotebookBox, zygote
from autograder.grading.outputs import CheckedOutputs
from autograder.grading.policy import NotebookLimits
from autograder.grading.results import Verdict
from autograder.sandbox.limits import Policy

CELLS = {
    "print": "print('a')\nprint('b', end='')\nprint()",
    "stderr": "import sys\nprint('out')\nprint('err', file=sys.stderr)\nprint('out again')",
    "result": "1 + 1",
    "result_none": "None",
    "result_hidden": "3;",
    "result_text": "'text'",
    "several_results": "1\n2\n3",
    "display": "from IPython.display import display, HTML, Markdown\ndisplay(1, 'x')\ndisplay(HTML('<b>x</b>'))\n4",
    "rich_result": "HTML('<i>y</i>')",
    "markdown": "Markdown('# z')",
    "order": "print('first')\ndisplay('second')\nprint('third')\n'fourth'",
    "figure": "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint('before')\nplt.show()\nprint('after')",
    "figure_without_show": "plt.plot([1, 2]);",
    "two_figures": "fig, ax = plt.subplots()\nfig2, ax2 = plt.subplots()",
    "figure_result": "fig",
    "picture": "from PIL import Image\nImage.new('RGB', (4, 4))",
    "error": "print('before')\n1 / 0\nprint('never')",
    "error_in_function": "def f():\n    raise ValueError('why')\nf()",
    "syntax_error": "def f(:\n    pass",
    "name_error": "undefined",
    "system_exit_caught": "try:\n    raise SystemExit\nexcept SystemExit:\n    print('caught')",
    "tensor": "import torch\ntorch.arange(3)",
    "array": "import numpy as np\nnp.eye(2)",
    "magic": "%who_ls int",
    "cell_magic": "%%capture captured\nprint('hidden')",
    "captured": "captured.stdout",
    "shell": "!echo hello",
    "shell_value": "lines = !printf 'a\\nb'\nlist(lines)",
    "shell_fails": "!exit 3\n_exit_code",
    "bash": "%%bash\necho from bash",
    "await": "import asyncio\nawait asyncio.sleep(0, 'awaited')",
    "async_error": "async def g():\n    return 1 / 0\nawait g()",
    "warning": "import warnings\nwarnings.warn('careful')",
    "tqdm": "from tqdm import tqdm\nfor _ in tqdm(range(3), file=sys.stdout, disable=None):\n    pass",
    "clear_output": "from IPython.display import clear_output\nprint('old')\nclear_output()\nprint('new')",
    "clear_later": "print('old')\nclear_output(wait=True)\nprint('new')",
    "update": "handle = display('one', display_id=True)\nhandle.update('two')",
    "history": "In[-1], Out[3]",
    "last": "_ + 1 if isinstance(_, int) else 'no number'",
    "unicode": "print('π → ñ 🙂')",
    "carriage_return": "print('50%', end='\\r')\nprint('99%')",
    "backspace": "print('ab\\b\\bc')",
    "help": "len?",
    "table": "class Table:\n    def _repr_html_(self):\n        return '<table><tr><td>1</td></tr></table>'\nTable()",
    "broken_repr": "class Broken:\n    def __repr__(self):\n        raise ValueError('no')\nBroken()",
    "latex": "from IPython.display import Latex\nLatex('$x^2$')",
    "input": "input('?')",
    "last_cell": "print(len(In) - 1)",
}


_CELL_FILE = re.compile(r"<ipython-input[^>]*>|(/\S*/)?[0-9]+\.py")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> dict[str, NotebookNode]:
    """The cells as nbclient records them."""
    node = new_notebook(cells=[new_code_cell(source) for source in CELLS.values()])
    folder = str(tmp_path_factory.mktemp("nbclient"))
    client = NotebookClient(node, kernel_name="python3", allow_errors=True, timeout=120)
    client.execute(cwd=folder)
    return dict(zip(CELLS, node.cells, strict=True))


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> dict[str, NotebookNode]:
    """The cells as the engine runs them."""
    outputs, cells = CheckedOutputs(100 << 20), {}
    with NotebookBox(zygote(), tmp_path_factory.mktemp("files"), POLICY) as box:
        for name, source in CELLS.items():
            answer, late = box.run_cell(source, time.monotonic() + 60)
            assert not late
            cells[name] = new_code_cell(source, execution_count=answer.count, outputs=outputs.take(answer.outputs))
    return cells


def _summary(output: NotebookNode) -> tuple:
    """What of an output a reader would see: traceback lines, addresses and pictures themselves may differ."""
    match output.output_type:
        case "stream":  # a kernel gives commands a terminal, which ends lines in its own way
            return ("stream", output.name, _CELL_FILE.sub("CELL", output.text).replace("\r\n", "\n"))
        case "error":
            return ("error", output.ename, _CELL_FILE.sub("CELL", output.evalue))
        case _:
            plain = output.data.get("text/plain", "")
            return (output.output_type, sorted(output.data), "" if " at 0x" in plain else plain)


def _summaries(cell: NotebookNode) -> list[tuple]:
    """CheckedOutputs of a cell; a kernel sends a stream in pieces."""
    joined: list[tuple] = []
    for kind, *rest in map(_summary, cell.outputs):
        if kind == "stream" and joined and joined[-1][:2] == ("stream", rest[0]):
            joined[-1] = ("stream", rest[0], joined[-1][2] + rest[1])
        else:
            joined.append((kind, *rest))
    return joined


# Where the engine differs on purpose: who asks for input is told what to do, and two streams keep their order.
DIFFERENT = {"input", "stderr"}


@pytest.mark.parametrize("name", [name for name in CELLS if name not in DIFFERENT])
def test_outputs_are_what_nbclient_records(recorded, run, name):
    assert _summaries(run[name]) == _summaries(recorded[name])
    assert run[name].execution_count == recorded[name].execution_count
    nbformat.validate(new_notebook(cells=[run[name]]))


def test_streams_keep_their_order(run):
    assert [output.text for output in run["stderr"].outputs] == ["out\n", "err\n", "out again\n"]


def test_input_says_what_to_do(run):
    (output,) = run["input"].outputs
    assert output.ename == "StdinNotImplementedError"
    assert "Assign the value" in output.evalue


@pytest.fixture(scope="module")
def running(attacked) -> Iterator[Running]:
    with running_in(attacked[0], POLICY) as notebook:
        yield notebook


STUDENT = """
import random
import numpy as np
import torch

class Odd(ValueError):
    pass

class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y
    def __add__(self, other):
        return Point(self.x + other.x, self.y + other.y)
    def __eq__(self, other):
        return (self.x, self.y) == (other.x, other.y)
    def __len__(self):
        return 2
    def __getitem__(self, index):
        return (self.x, self.y)[index]
    def __contains__(self, value):
        return True
    def norm(self):
        return (self.x ** 2 + self.y ** 2) ** 0.5
    def __float__(self):
        return self.norm()

class Net(torch.nn.Module):
    def __init__(self, n=3):
        super().__init__()
        self.layer = torch.nn.Linear(n, 2)
        self.n = n
    def forward(self, x):
        return torch.relu(self.layer(x))

def fails(kind):
    raise {"odd": Odd, "key": KeyError, "stop": StopIteration}[kind](f"because {kind}")
def in_place(x, more, table):
    x += 1
    more.append(4)
    table["new"] = [1]
def count(n):
    yield from range(n)
def by_loop(x):
    return sum(float(v) for v in x)
def by_library(x):
    return torch.nn.functional.conv1d(x, x)
def draw():
    return random.random(), float(np.random.rand()), float(torch.rand(()))
net = Net()
constant = 42
words = {"a": [1, (2, 3)], "b": None}
from fractions import Fraction
half = Fraction(1, 2)
"""

CHECKS = {
    "plain_data": "assert constant == 42 and words == {'a': [1, (2, 3)], 'b': None}",
    "exceptions": """
        try:
            fails("odd")
        except ValueError as error:
            assert "because odd" in str(error) and type(error).__name__ == "Odd"
        else:
            raise AssertionError("nothing was raised")
        try:
            fails("key")
        except KeyError as error:
            assert "because key" in str(error)
        try:
            fails("stop")
        except StopIteration:
            raise AssertionError("would end the test's own loops")
        except Exception as error:
            assert type(error).__name__ == "StopIteration"
    """,
    "arguments_changed_in_place": """
        import torch
        import numpy as np
        x, array, more, table = torch.zeros(2), np.zeros(2), [1], {"old": 1}
        same = more
        in_place(x, more, table)
        in_place(array, more, {})
        assert x.tolist() == [1, 1] and array.tolist() == [1, 1]
        assert more == [1, 4, 4] and same is more and table == {"old": 1, "new": [1]}
    """,
    "objects": """
        point = Point(3, 4)
        assert point.x == 3 and point.norm() == 5.0 and len(point) == 2 and point[1] == 4
        point.x = 0
        assert point.norm() == 4.0 and float(point) == 4.0
        assert not hasattr(point, "z") and hasattr(point, "y")
        total = point + Point(1, 1)
        assert (total.x, total.y) == (1, 5) and total == Point(1, 5) and not total == Point(0, 0)
        assert callable(Point) and not callable(point) and isinstance(Point.__name__, str)
    """,
    "objects_are_not_asked_to_judge": """
        point = Point(3, 4)
        assert 5 not in point and 4 in point
        assert not point == "anything" and point != None
        assert half == 0.5 and half < 1 and half + 0.5 == 1.0
    """,
    "modules": """
        import torch
        assert isinstance(net, torch.nn.Module) and not isinstance(net, torch.Tensor)
        assert isinstance(net.layer, torch.nn.Linear) and not isinstance(net.layer, torch.nn.Conv2d)
        assert net.n == 3 and net.layer.weight.shape == (2, 3)
        assert [name for name, _ in net.named_parameters()] == ["layer.weight", "layer.bias"]
        assert sum(p.numel() for p in net.parameters()) == 8
        out = net(torch.zeros(5, 3))
        assert torch.allclose(out, torch.relu(net.layer.bias).expand(5, 2))
        other = Net(4)
        other.load_state_dict({"layer.weight": torch.ones(2, 4), "layer.bias": torch.zeros(2)})
        assert other(torch.ones(1, 4)).tolist() == [[4, 4]]
        net.eval()
        assert net.training is False
    """,
    "iteration": """
        assert list(count(3)) == [0, 1, 2] and sum(count(4)) == 6
        iterator = iter(count(2))
        assert next(iterator) == 0
        assert [a + b for a, b in zip(count(2), count(2))] == [0, 2]
    """,
    "random_numbers": "assert draw() != draw.__call__()\nassert 0 <= draw()[0] < 1",
    "by_hand": """
        from kit import by_hand
        by_hand.assert_by_hand(by_loop, by_hand.CONVOLUTION, "loops")
        try:
            by_hand.assert_by_hand(by_library, by_hand.CONVOLUTION, "loops")
        except AssertionError as error:
            assert "conv1d" in str(error)
        else:
            raise AssertionError("the library was not found")
    """,
}


@pytest.mark.parametrize("name", CHECKS)
def test_what_tests_see(running, name):
    if not running.cells:
        assert running.run(STUDENT) is None
    lines = CHECKS[name].splitlines()
    indent = len(lines[1]) - len(lines[1].lstrip()) if len(lines) > 1 and not lines[0] else 0
    result = running.check("\n".join(line[indent:] for line in lines))
    assert result.verdict is Verdict.PASSED, (result.message, result.traceback)


def test_verdicts_and_messages(running):
    running.run(STUDENT)
    assert running.check("assert constant == 43, 'should be 43'").message == "should be 43"
    error = running.check("fails('odd')")
    assert (error.verdict, error.message) == (Verdict.ERROR, "your code raised Odd: because odd")
    assert "in fails" in error.traceback
    assert "server.py" not in error.traceback
    assert running.check("nobody()").verdict is Verdict.MISSING
    assert running.check("by_loop(constant)").verdict is Verdict.ERROR


def test_a_test_leaves_no_trace_in_the_notebook(running):
    running.run("kept = [1]\ndef keep(x):\n    kept.append(x)\n    print('seen')\n    return len(kept)")
    assert running.check("assert keep(5) == 2 and keep(6) == 3").verdict is Verdict.PASSED
    assert running.check("assert keep(5) == 2 and len(kept) == 1").verdict is Verdict.PASSED


def test_every_cell_and_every_test_starts_from_the_same_random_numbers(running):
    draw = "import random, numpy, torch\ndrawn = (random.random(), float(numpy.random.rand()), float(torch.rand(())))"
    drawn = []
    for _ in range(2):
        assert running.run(f"{draw}\nassert len(drawn) == 3") is None
        running.run("first = globals().get('second', drawn)\nsecond = drawn")
        drawn.append(running.check("assert first == second"))
    assert [result.verdict for result in drawn] == [Verdict.PASSED] * 2
    running.run("def draw():\n    return float(torch.rand(()))")
    once = "import torch\ntorch.manual_seed(182)\nassert draw() == float(torch.rand(()))"
    assert running.check(once).verdict is Verdict.PASSED
    assert running.check(once).verdict is Verdict.PASSED


@pytest.fixture(scope="module")
def attacked(tmp_path_factory) -> tuple[Assignment, Notebook]:
    return hostile.make_course(tmp_path_factory.mktemp("attacked") / "course", "none")


def test_a_crash_or_a_timeout_is_shown_where_it_happened(attacked):
    node = hostile.reference(attacked[1])
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in node.cells}
    cells["scale"].source = "import time\ntime.sleep(30)"
    cells["total"].source = "import os\nos._exit(3)"
    graded = grade_notebook(*attacked, as_file(node), None, Policy(NotebookLimits(cell_seconds=1)))
    assert [result.verdict.name for result in graded.results] == ["TIMEOUT", "CRASHED", "PASSED"]
    assert graded.usage.restarts == 1
    shown = {
        cell.metadata.get("nbgrader", {}).get("grade_id"): [o.evalue for o in cell.outputs if o.output_type == "error"]
        for cell in graded.node.cells
        if cell.cell_type == "code"
    }
    assert shown["scale"][-1] == "the cell was stopped after 1 s. Does a loop never stop?"
    assert shown["total"] == ["the cell ended the notebook's process."]
    assert shown["make_layer"] == shown["test_make_layer"] == []


def test_a_submission_gives_the_same_result_twice(attacked):
    data = as_file(hostile.reference(attacked[1]))
    first, second = (grade_notebook(*attacked, data, None, POLICY) for _ in range(2))
    assert first.results == second.results
    assert [cell.get("outputs") for cell in first.node.cells] == [cell.get("outputs") for cell in second.node.cells]
