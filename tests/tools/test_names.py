"""Names that test code defines and needs, and indenting it."""

import ast

import pytest

from autograder.assignment.names import defined_names, free_names, indent, is_empty


@pytest.mark.parametrize(
    ("code", "free"),
    [
        ("assert f(x) == 2", ["f", "x"]),
        ("import numpy as np\nassert np.allclose(f(1), 2)", ["f"]),
        ("_y = f(1)\nassert [_y + z for z in range(3)]", ["f"]),
        ("def helper(n):\n    return g(n)\nassert helper(1)", ["g"]),
        ("assert (lambda a: a + b)(1)", ["b"]),
        ("for _k in range(3):\n    assert f(_k), len(str(_k))", ["f"]),
        ("class A:\n    size = n\n    def m(self):\n        return k", ["k", "n"]),
        ("", []),
    ],
)
def test_free_names(code, free):
    assert free_names(code) == free


def test_free_names_refuses_magics():
    with pytest.raises(SyntaxError):
        free_names("%timeit f()")


def test_defined_names():
    assert defined_names("import a.b\nfrom c import d as e\nx, y = 1, 2\ndef f(z): w = 1") == {"a", "e", "x", "y", "f"}
    assert defined_names("%matplotlib inline") == set()


def test_indent_leaves_the_inside_of_strings_alone():
    code = 'text = """one\ntwo"""\nassert text == "one\\ntwo"'
    function = f"def test():\n{indent(code, 4)}\ntest()"
    ast.parse(function)
    exec(function, {})


@pytest.mark.parametrize(("code", "empty"), [("# only words", True), ("", True), ("x = 1", False), ("%magic", False)])
def test_is_empty(code, empty):
    assert is_empty(code) is empty
