"""The comparisons of the tests: what they accept, and the sentences with which they refuse."""

import numpy as np
import pytest
import torch

from kit import checks


@pytest.mark.parametrize(
    "value",
    [
        torch.tensor([1.0, 2.0]),
        torch.tensor([1.0, 2.0], requires_grad=True),
        torch.tensor([1.0, 2.0], dtype=torch.bfloat16),
        np.array([1, 2]),
        np.array([1.0, 2.0], dtype=np.float16),
        [1, 2.0],
        (np.float32(1), torch.tensor(2.0)),
        [torch.tensor(1.0), 2],
    ],
)
def test_every_kind_of_answer_is_accepted(value):
    checks.close(value, [1.0, 2.0], "x")
    checks.shape(value, (2,), "x")


@pytest.mark.parametrize("value", [3, 3.0, np.float64(3), torch.tensor(3), np.array(3.0)])
def test_numbers_are_zero_dimensional(value):
    checks.close(value, 3.0, "x")
    checks.shape(value, (), "x")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "x is None: does your function end with `return ...`?"),
        ("abc", "x should hold numbers only, got str 'abc'."),
        ([[1, 2], [3]], "x should hold numbers only"),
        ({"a": 1}, "x should hold numbers only, got dict"),
        ([1.0], "x: expected shape (2,), got (1,). Look again."),
        ([[1.0, 2.0]], "x: expected shape (2,), got (1, 2). Look again."),
        ([1.0, 2.5], "x: expected 2 at (1,), got 2.5 (1 of 2 values differ). Look again."),
        ([1.0, float("nan")], "x: expected 2 at (1,), got nan (1 of 2 values differ). Look again."),
        ([float("inf"), 2.0], "x: expected 1 at (0,), got inf"),
    ],
)
def test_wrong_values_are_explained(value, message):
    with pytest.raises(AssertionError) as caught:
        checks.close(value, [1.0, 2.0], "x", "Look again.")
    assert message in str(caught.value)


def test_the_tolerance_follows_the_largest_value():
    checks.close([1000.005, 1.0], [1000.0, 1.0], "x", atol=1e-5)
    with pytest.raises(AssertionError):
        checks.close([1000.02, 1.0], [1000.0, 1.0], "x", atol=1e-5)
    with pytest.raises(AssertionError):
        checks.close([0.0001], [0.0], "x", atol=1e-5)


def test_nan_equals_nan_only_where_expected():
    checks.close([float("nan"), 1.0], [float("nan"), 1.0], "x")
    with pytest.raises(AssertionError):
        checks.close([0.0, 1.0], [float("nan"), 1.0], "x")


def test_forms_are_fresh_writable_copies_of_the_same_numbers():
    original = torch.rand(2, 3, generator=torch.Generator().manual_seed(0))
    forms = list(checks.forms(original, [1.0, 2.0]))
    assert [form.name for form in forms] == [
        "float32 tensor", "float32 numpy array", "float64 tensor", "float64 numpy array",
    ]  # fmt: skip
    for form in forms:
        image, pair = form.values
        checks.close(image, original, form.name)
        image[...] = 0
        pair[...] = 0
    checks.close(next(iter(checks.forms(original))).values[0], original, "a later copy")


def test_raises_wants_the_error_and_nothing_else():
    checks.raises(ValueError, lambda: int("x"), "x")
    with pytest.raises(AssertionError, match=r"expected a ValueError, got no error"):
        checks.raises(ValueError, lambda: None, "x")
    with pytest.raises(AssertionError, match="expected a ValueError, got ZeroDivisionError: division by zero"):
        checks.raises(ValueError, lambda: 1 / 0, "x")


def test_unchanged_sees_a_change_in_place():
    before = torch.ones(2)
    checks.unchanged(before.clone(), before, "f")
    with pytest.raises(AssertionError, match=r"f changed its argument in place"):
        checks.unchanged(before + 1, before, "f")


def test_equal_takes_lists_for_tuples_and_numbers_of_any_kind():
    checks.equal([1, np.int64(2), ("a",)], (1, 2, ["a"]), "x")
    checks.equal(torch.tensor([1, 2]), (1, 2), "x")
    with pytest.raises(AssertionError, match=r"x: expected \(1, 2\), got list \[1, 3\]"):
        checks.equal([1, 3], (1, 2), "x")
