"""The static check of questions that ask for code by hand: it finds library routines and leaves own code alone."""

import pkgutil
import time

import pytest
from IPython.core.interactiveshell import InteractiveShell

from kit import by_hand

FORBIDDEN = by_hand.CONVOLUTION + by_hand.POOLING + by_hand.AUTOGRAD
SETUP = "import numpy as np\nimport torch"
OWN = """
def answer(X, w):
    m = X.shape[0] - w.shape[0] + 1
    return [[(X[i : i + len(w), j : j + len(w)] * w).sum() for j in range(m)] for i in range(m)]
"""

# Each case is one or several cells, run in this order; the function asked for is `answer`.
REJECTED = {
    "plain": "def answer(X, w):\n    return torch.conv2d(X[None, None], w[None, None])[0, 0]",
    "functional": "import torch.nn.functional as F\ndef answer(X, w):\n    return F.conv2d(X, w)",
    "functional_that_no_cell_imports": "def answer(X, w):\n    return F.conv2d(X, w)",
    "functional_from_nn": "from torch import nn\ndef answer(X, w):\n    return nn.functional.conv2d(X, w)",
    "import_as": "import torch as t\ndef answer(X, w):\n    return t.nn.functional.conv2d(X, w)",
    "module_imported_as": "import torch.nn.functional as ops\ndef answer(X, w):\n    return ops.conv_transpose2d(X, w)",
    "from_import": "from torch.nn.functional import conv2d\ndef answer(X, w):\n    return conv2d(X, w)",
    "from_import_as": "from torch.nn.functional import conv2d as mine\ndef answer(X, w):\n    return mine(X, w)",
    "alias_in_another_cell": ["mine = torch.conv2d", "def answer(X, w):\n    return mine(X, w)"],
    "alias_in_a_later_cell": ["def answer(X, w):\n    return mine(X, w)", "mine = torch.conv2d"],
    "alias_of_an_alias": "a = torch.nn\nb = a.functional\nc = b.conv2d\ndef answer(X, w):\n    return c(X, w)",
    "module_renamed_after_the_alias": [
        "import torch as t\nmine = t.conv2d\nt = 3",
        "def answer(X, w):\n    return mine(X, w)",
    ],
    "tuple_assignment": "mine, other = torch.conv2d, 3\ndef answer(X, w):\n    return mine(X, w)",
    "chained_assignment": "mine = other = torch.conv2d\ndef answer(X, w):\n    return other(X, w)",
    "annotated_assignment": "mine: object = torch.conv2d\ndef answer(X, w):\n    return mine(X, w)",
    "local_import": "def answer(X, w):\n    from scipy.signal import correlate2d as c\n    return c(X, w, 'valid')",
    "local_alias": "def answer(X, w):\n    conv = torch.conv2d\n    return conv(X, w)",
    "local_module_alias": "def answer(X, w):\n    import scipy\n    s = scipy.signal\n    return s.correlate2d(X, w)",
    "star_import": ["from torch.nn.functional import *", "def answer(X, w):\n    return conv2d(X, w)"],
    "star_import_of_scipy": ["from scipy.ndimage import *", "def answer(X, w):\n    return correlate(X, w)"],
    "star_import_after_the_own_helper": [
        "def conv2d(X, w):\n    return X\ndef answer(X, w):\n    return conv2d(X, w)",
        "from torch.nn.functional import *",
    ],
    "getattr": "def answer(X, w):\n    return getattr(torch, 'conv2d')(X, w)",
    "getattr_with_default": "mine = getattr(torch, 'conv2d', None)\ndef answer(X, w):\n    return mine(X, w)",
    "importlib": """
import importlib
def answer(X, w):
    return importlib.import_module('scipy.signal').convolve2d(X, w)
""",
    "dunder_import": "def answer(X, w):\n    return __import__('torch').conv2d(X, w)",
    "import_in_try": """
try:
    from torch import conv2d as c
except ImportError:
    c = None
def answer(X, w):
    return c(X, w)
""",
    "import_in_if": "if True:\n    import torch.nn.functional as G\ndef answer(X, w):\n    return G.conv2d(X, w)",
    "defined_in_with": "with torch.no_grad():\n    def answer(X, w):\n        return torch.conv2d(X, w)",
    "own_helper": "def helper(X, w):\n    return torch.conv2d(X, w)\ndef answer(X, w):\n    return helper(X, w)",
    "helper_in_a_later_cell": [
        "def answer(X, w):\n    return helper(X, w)",
        "def helper(X, w):\n    return torch.conv2d(X, w)",
    ],
    "helper_of_a_helper": """
def a(X):
    return torch.conv2d(X, X)
def b(X):
    return a(X)
def answer(X):
    return b(X)
""",
    "nested_function": "def answer(X, w):\n    def inner():\n        return torch.conv2d(X, w)\n    return inner()",
    "recursion": "def answer(X, w, go=True):\n    return answer(X, w, False) if go else torch.conv2d(X, w)",
    "lambda": "answer = lambda X, w: torch.conv2d(X, w)",
    "lambda_calling_a_later_helper": ["answer = lambda X, w: helper(X, w)", "helper = torch.conv2d"],
    "assigned": "def mine(X, w):\n    return torch.conv2d(X, w)\nanswer = mine",
    "assigned_routine": "answer = torch.conv2d",
    "partial": """
from functools import partial
def mine(X, w, s):
    return torch.conv2d(X, w)
answer = partial(mine, s=1)
""",
    "partial_of_the_routine": "from functools import partial\nanswer = partial(torch.conv2d, stride=1)",
    "wrapped_by_assignment": [
        "def answer(X, w):\n    return torch.conv2d(X, w)",
        "def timed(f):\n    return lambda *a: f(*a)\nanswer = timed(answer)",
    ],
    "kept_under_another_name": [
        "def answer(X, w):\n    return torch.conv2d(X, w)",
        "old = answer\ndef answer(X, w):\n    return old(X, w)",
    ],
    "decorator": "def use(routine):\n    return lambda f: routine\n@use(torch.conv2d)\ndef answer(X, w):\n    pass",
    "default_argument": "def answer(X, w, conv=torch.conv2d):\n    return conv(X, w)",
    "module_as_default": "def answer(X, w, lib=torch.nn.functional):\n    return lib.conv2d(X, w)",
    "in_a_list": "ops = [torch.conv2d]\ndef answer(X, w):\n    return ops[0](X, w)",
    "in_a_dictionary": "ops = {}\nops['c'] = torch.conv2d\ndef answer(X, w):\n    return ops['c'](X, w)",
    "in_a_comprehension": "def answer(X, w):\n    return [f(X, w) for f in (torch.conv2d,)][0]",
    "layer_object": """
layer = torch.nn.Conv2d(1, 1, 3)
def answer(X, w):
    layer.weight.data[0, 0] = w
    return layer(X)
""",
    "class_attribute": "class Ops:\n    conv = torch.conv2d\ndef answer(X, w):\n    return Ops.conv(X, w)",
    "method": """
class Net:
    def run(self, X, w):
        return torch.conv2d(X, w)
def answer(X, w):
    return Net().run(X, w)
""",
    "callable_object": "class Net:\n    def __call__(self, X, w):\n        return torch.conv2d(X, w)\nanswer = Net()",
    "subclass_of_a_layer": "class Net(torch.nn.Conv2d):\n    pass\ndef answer(X, w):\n    return Net(1, 1, 2)(X)",
    "walrus": "def answer(X, w):\n    return (conv := torch.conv2d)(X, w)",
    "comparison_inside": """
def answer(X, w):
    Y = X * w
    assert torch.allclose(Y, torch.conv2d(X, w))
    return Y
""",
    "redefined_in_a_later_cell": [OWN, "def answer(X, w):\n    return torch.conv2d(X, w)"],
    "cell_magic": "%%time\ndef answer(X, w):\n    return torch.conv2d(X, w)",
    "two_cell_magics": "%%capture\n%%time\ndef answer(X, w):\n    return torch.conv2d(X, w)",
    "line_magic": ["%time mine = torch.conv2d", "def answer(X, w):\n    return mine(X, w)"],
    "cell_with_a_line_magic": "%matplotlib inline\n!true\ndef answer(X, w):\n    return torch.conv2d(X, w)",
    "numpy": "def answer(X, w):\n    return np.convolve(X[0], w[0])",
    "scipy": "import scipy.ndimage\ndef answer(X, w):\n    return scipy.ndimage.correlate(X, w)",
    "scipy_submodule": "from scipy import signal\ndef answer(X, w):\n    return signal.fftconvolve(X, w)",
    "gradient_module": "def answer(X, dY):\n    return torch.nn.grad.conv2d_weight(X, (1, 1, 3, 3), dY)",
    "backward": "def answer(X, w):\n    loss = (X * w).sum()\n    loss.backward()\n    return w.grad",
    "backward_alias": "def answer(X, w):\n    go = (X * w).sum().backward\n    go()\n    return w.grad",
    "backward_by_getattr": "def answer(X, w):\n    getattr((X * w).sum(), 'backward')()\n    return w.grad",
    "backward_unbound": "def answer(X, w):\n    torch.Tensor.backward((X * w).sum())\n    return w.grad",
    "backward_beside_an_own_class": """
class Layer:
    def backward(self, dY):
        return dY
def answer(X, w):
    (X * w).sum().backward()
    return w.grad
""",
    "autograd_grad": "def answer(X, w):\n    return torch.autograd.grad((X * w).sum(), w)[0]",
    "autograd_grad_imported": "from torch.autograd import grad\ndef answer(X, w):\n    return grad((X * w).sum(), w)",
    "autograd_module": "from torch import autograd as ag\ndef answer(X, w):\n    return ag.functional.jacobian(f, w)",
    "autograd_function": "class Mine(torch.autograd.Function):\n    pass\ndef answer(X, w):\n    return Mine.apply(X)",
    "func_grad": "from torch.func import vjp\ndef answer(X, w):\n    return vjp(lambda w: X * w, w)[1]",
    "max_pool": "def answer(X):\n    return torch.nn.functional.max_pool2d(X, 2)",
    "avg_pool_layer": "def answer(X):\n    return torch.nn.AvgPool2d(2)(X)",
    "max_unpool": "import torch.nn.functional as F\ndef answer(X, i):\n    return F.max_unpool2d(X, i, 2)",
}

ACCEPTED = {
    "plain": OWN,
    "helper_called_conv2d": "def conv2d(X, w):\n    return X @ w\ndef answer(X, w):\n    return conv2d(X, w)",
    "nested_helper_called_conv2d": """
def answer(X, w):
    def conv2d(a, b):
        return a @ b
    return conv2d(X, w)
""",
    "lambda_called_conv2d": "conv2d = lambda X, w: X @ w\ndef answer(X, w):\n    return conv2d(X, w)",
    "helper_replaces_an_import": [
        "from torch.nn.functional import conv2d",
        "def conv2d(X, w):\n    return X @ w\ndef answer(X, w):\n    return conv2d(X, w)",
    ],
    "helper_replaces_a_star_import": [
        "from torch.nn.functional import *\nfrom torch import *",
        "def conv2d(X, w):\n    return X @ w\ndef answer(X, w):\n    return conv2d(X, w)",
    ],
    "star_import_of_a_forbidden_module": ["from scipy.signal import *", OWN],
    "variables_with_library_names": """
def answer(X, w):
    grad, backward, conv2d, F, nn, signal = X, w, 1, 2, 3, 4
    return grad * backward + conv2d + F + nn + signal
""",
    "variable_hides_an_imported_module": [
        "from scipy import signal, ndimage\nsignal.correlate2d(np.eye(3), np.eye(2))",
        "def answer(X, w):\n    signal = X.flip(0)\n    return signal.sum() + [ndimage.mean() for ndimage in X][0]",
    ],
    "parameter_hides_an_imported_module": [
        "from scipy import signal",
        """
def helper(signal):
    return signal.sum()
def answer(X, w):
    return helper(X) + (lambda signal: signal.mean())(w)
""",
    ],
    "library_name_reused_for_a_number": [
        "from scipy import signal",
        "signal = 3",
        "def answer(X, w):\n    return X * signal",
    ],
    "unused_imports": "import scipy.signal\nfrom torch.nn.functional import conv2d\nfrom torch.autograd import grad\n"
    + OWN,
    "docstring_and_comments": '''
def answer(X, w):
    """Like torch.nn.functional.conv2d(X, w), without loss.backward()."""
    # torch.conv2d(X, w) would do
    message = "torch.conv2d"
    return X * w
''',
    "no_grad": "def answer(X, w):\n    with torch.no_grad():\n        return X * w",
    "no_grad_decorator": "@torch.no_grad()\ndef answer(X, w):\n    return X * w",
    "autograd_no_grad": "def answer(X, w):\n    with torch.autograd.no_grad():\n        return X * w",
    "grad_mode": "def answer(X, w):\n    torch.set_grad_enabled(False)\n    X.requires_grad_(False)\n    return X.grad",
    "vmap": "def answer(X, w):\n    return torch.func.vmap(lambda row: row * w[0])(X) + torch.vmap(lambda r: r)(X)",
    "unfold": """
import torch.nn.functional as F
def answer(X, w):
    X = X.unfold(0, 2, 1)
    return F.fold(F.unfold(X, 2), 4, 2)
""",
    "pad_and_products": """
import torch.nn.functional as F
from numpy.lib.stride_tricks import sliding_window_view
def answer(X, w):
    return F.pad(X, (1, 1)) @ w + torch.einsum("ij,ij->i", X, w) + np.kron(X, w) + sliding_window_view(X, (2, 2))
""",
    "comparison_before": ["expected = torch.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2))", OWN],
    "comparison_in_the_same_cell": f"""
def library(X, w):
    return torch.conv2d(X[None, None], w[None, None])[0, 0]
{OWN}
X = torch.rand(5, 5, requires_grad=True)
assert torch.allclose(answer(X, X), torch.conv2d(X[None, None], X[None, None]))
torch.conv2d(X[None, None], X[None, None]).sum().backward()
""",
    "comparison_after": [OWN, "import torch.nn.functional as F\nF.conv2d(X, w).backward()\nw = torch.conv2d(X, X)"],
    "comparison_into_a_name_the_function_uses": [
        "X = torch.conv2d(a, b)\nw = X\nm = F.conv2d(a, b)\nresult = torch.conv2d(X, w)",
        "def answer(X, w):\n    m = 3\n    result = X * m\n    return [i for i in result]",
    ],
    "unused_nested_function": """
def answer(X, w):
    def check():
        return torch.conv2d(X, w)
    return X * w
""",
    "own_class_with_backward": """
class Layer:
    def __init__(self, w):
        self.w = w
    def backward(self, dY):
        return self.w * dY
def answer(w, dY):
    return Layer(w).backward(dY)
""",
    "own_object_with_backward": [
        "class Layer:\n    def forward(self, X):\n        return X\n    def backward(self, dY):\n        return dY",
        "layers = [Layer()]",
        "def run(layers, dY):\n    for layer in layers:\n        dY = layer.backward(dY)\n    return dY",
        "def answer(X, dY):\n    return run(layers, dY)",
    ],
    "namespace_with_backward": """
from types import SimpleNamespace
def back(dY):
    return dY
layer = SimpleNamespace(forward=abs, backward=back)
def answer(X, dY):
    return layer.backward(dY)
""",
    "function_attribute_backward": """
def answer(X, dY):
    def layer(X):
        return X
    layer.backward = lambda dY: dY
    return layer.backward(dY)
""",
    "redefined_in_a_later_cell": ["def answer(X, w):\n    return torch.conv2d(X, w)", OWN],
    "helper_redefined_later": [
        "def helper(X, w):\n    return torch.conv2d(X, w)\ndef answer(X, w):\n    return helper(X, w)",
        "def helper(X, w):\n    return X * w",
    ],
    "alias_redefined_later": [
        "mine = torch.conv2d\ndef answer(X, w):\n    return mine(X, w)",
        "mine = lambda X, w: X * w",
    ],
    "cell_with_a_syntax_error": [OWN, "def answer(X, w:\n    return torch.conv2d(X, w)"],
    "magics": [
        "%matplotlib inline\n%load_ext autoreload\n!echo torch.conv2d",
        "%%time\n" + OWN,
        "%%bash\necho hello",
        "?torch.conv2d",
    ],
    "timed_comparison": [OWN, "%%timeit\nanswer = torch.conv2d(X, X)", "%timeit torch.conv2d(X, X)"],
    "file_written": [OWN, "%%writefile other.py\ndef answer(X, w):\n    return torch.conv2d(X, w)"],
    "lambda": "answer = lambda X, w: X * w",
    "assigned": "def mine(X, w):\n    return X * w\nanswer = mine",
    "partial": "import functools\ndef mine(X, w, s):\n    return X * w\nanswer = functools.partial(mine, s=1)",
    "callable_object": "class Net:\n    def __call__(self, X, w):\n        return X * w\nanswer = Net()",
    "class_of_helpers": """
class Ops:
    @staticmethod
    def conv2d(X, w):
        return X * w
def answer(X, w):
    return Ops.conv2d(X, w)
""",
    "recursion": "def answer(X, w):\n    return X if len(X) < 2 else answer(X[1:], w)",
    "mutual_recursion": "def a(n):\n    return b(n)\ndef b(n):\n    return a(n)\ndef answer(X, w):\n    return a(1)",
    "names_given_round_and_round": "def answer(X, w):\n" + "    X = w\n    w = X\n    X[0] = w\n" * 60 + "    return X",
    "many_operations": "def answer(X, w):\n    return " + " + ".join(f"X[{i}] * w[{i}]" for i in range(100)),
    "invalid_escape": "def answer(X, w):\n    pattern = '\\d'\n    return X * w",
    "windows_lines": OWN.replace("\n", "\r\n"),
    "strange_python": """
answer_table: dict
async def wait():
    async with something as (a, *b):
        async for c in a:
            pass
def answer(X, w, /, *rest, key=None, **more):
    match key:
        case [first, *others]:
            return first
        case {"a": value}:
            return value
    try:
        del key
    except* ValueError as error:
        raise
    while (n := len(rest)) > 1:
        global counter
        counter = n
    return {k: v for k, v in more.items()} | {x for x in rest}
""",
}


def check(cells, name="answer"):
    """Run the static check on a notebook of these cells behind a set-up cell."""
    cells = [cells] if isinstance(cells, str) else cells
    by_hand.check_sources([SETUP, *cells], name, FORBIDDEN, "write the sums")


@pytest.mark.parametrize("case", REJECTED)
def test_library_routine_is_found(case):
    with pytest.raises(AssertionError, match="asks for code by hand: write the sums"):
        check(REJECTED[case])


@pytest.mark.parametrize("case", ACCEPTED)
def test_own_code_is_left_alone(case, recwarn):
    check(ACCEPTED[case])
    assert not recwarn


def test_message_names_function_routine_and_line():
    cell = "import torch.nn.functional as F\n\ndef answer(X, w):\n    Y = F.conv2d(X, w)  # quick\n    return Y"
    with pytest.raises(AssertionError) as caught:
        check(cell)
    assert "answer uses torch.nn.functional.conv2d (line 4 of its cell, `Y = F.conv2d(X, w)  # quick`)" in str(
        caught.value
    )


def test_long_line_is_cut_in_the_message():
    with pytest.raises(AssertionError) as caught:
        check(f"def answer(X, w):\n    return torch.conv2d(X, w){' + X' * 200}")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "cells", [[], "X = 3", "def answer(X:\n    pass", "class Net:\n    def answer(self):\n        pass"]
)
def test_missing_definition_is_a_failure(cells):
    with pytest.raises(AssertionError, match="finds no definition"):
        check(cells)


@pytest.mark.parametrize(
    "expression", ["-" * 5000 + "X", "X" + ".T" * 5000, "f(" * 150 + "X" + ")" * 150, "[" * 90 + "X" + "]" * 90]
)
def test_deep_nesting_ends_in_a_sentence_or_passes(expression):
    problem = None
    try:
        check(f"def answer(X, w):\n    return {expression}")
    except AssertionError as error:
        problem = str(error)
    assert problem is None or "too deeply" in problem or "no definition" in problem


@pytest.mark.parametrize(
    "body",
    [
        "    a = b\n    b = a\n    d['x'] = a\n    a.x = c\n    c = d\n" * 1000,
        "".join(f"    d[{i}] = a + X\n    a = d + b\n    b = a\n" for i in range(2000)),
        "".join(f"    a{i + 1} = a{i}\n" for i in range(200)) * 20,
    ],
)
def test_hostile_code_is_checked_in_seconds(body):
    """Measured: up to 1.5 s; 50 s without a bound on the meanings of a name."""
    start = time.perf_counter()
    check(f"def answer(X, w):\n{body}    return a")
    check([body.replace("    ", ""), OWN])
    assert time.perf_counter() - start < 10


def test_only_what_the_question_forbids_is_rejected():
    pooled = "def answer(X):\n    return torch.nn.functional.max_pool2d(X, 2)"
    by_hand.check_sources([SETUP, pooled], "answer", by_hand.CONVOLUTION + by_hand.AUTOGRAD, "")
    differentiated = "def answer(X):\n    X.sum().backward()\n    return X.grad"
    by_hand.check_sources([SETUP, differentiated], "answer", by_hand.CONVOLUTION, "")


@pytest.mark.parametrize("dotted", sorted(set(FORBIDDEN)))
def test_forbidden_name_exists(dotted):
    """A misspelt entry would forbid nothing. (Of the pooling routines only some are in ``torch`` as well.)"""
    try:
        found = pkgutil.resolve_name(dotted)
    except AttributeError:
        assert "pool" in dotted
        found = pkgutil.resolve_name(dotted.replace("torch.", "torch.nn.functional.", 1))
    assert found is not None


@pytest.fixture
def shell():
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.showtraceback = lambda *args, **kwargs: None
    shell.run_cell("import torch\nfrom kit import by_hand", store_history=True)
    yield shell
    InteractiveShell.clear_instance()


IN_A_NOTEBOOK = ["lambda", "assigned", "partial", "callable_object", "redefined_in_a_later_cell"]


@pytest.mark.parametrize("case", [*IN_A_NOTEBOOK, "cell_magic", "line_magic"])
def test_running_notebook_with_a_library_routine(shell, case):
    """``assert_by_hand`` finds the cells that ran, and the name of a function that does not know its own."""
    assert isinstance(run(shell, REJECTED[case]), AssertionError)


@pytest.mark.parametrize("case", [*IN_A_NOTEBOOK, "plain", "cell_with_a_syntax_error", "comparison_after"])
def test_running_notebook_with_own_code(shell, case):
    assert run(shell, ACCEPTED[case]) is None


def run(shell, cells):
    """Run the cells, then the check as a test cell does; the exception of the latter."""
    for cell in [cells] if isinstance(cells, str) else cells:
        shell.run_cell(cell, store_history=True)
    test = 'by_hand.assert_by_hand(answer, by_hand.CONVOLUTION + by_hand.AUTOGRAD, "write the sums")'
    return shell.run_cell(test, store_history=True).error_in_exec


def test_outside_a_notebook_the_file_is_read(tmp_path):
    InteractiveShell.clear_instance()
    for name, expected in (("good", False), ("bad", True)):
        path = tmp_path / f"{name}.py"
        path.write_text(SETUP + ("\ndef answer(X, w):\n    return torch.conv2d(X, w)\n" if expected else OWN))
        space: dict = {}
        exec(compile(path.read_text(), str(path), "exec"), space)
        if expected:
            with pytest.raises(AssertionError, match=r"torch\.conv2d"):
                by_hand.assert_by_hand(space["answer"], FORBIDDEN, "")
        else:
            by_hand.assert_by_hand(space["answer"], FORBIDDEN, "")
