"""Criteria: comparisons over measured names, and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpbook.page import criterion

numbers = st.floats(-1e6, 1e6)
A, B = np.array([1.0, 2.0, 4.0]), np.array([2.0, 3.0, 3.0])


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("mean(a) < mean(b)", True),
        ("all(a < b)", False),
        ("any(a > b) and len(a) == 3", True),
        ("mean(a < b) > 0.5", True),
        ("max(abs(a - b)) <= 1", True),
        ("all(diff(a) > 0)", True),
        ("all(diff(b) > 0)", False),
        ("not (min(a) >= 1)", False),
        ("-1 < mean(b - a) < 1", True),
        ("abs(std(a) ** 2 - 7 / 3) < 1e-12", True),
        ("abs(stderr(a) - std(a) / len(a) ** 0.5) < 1e-12", True),
        ("median(a) == 2 or sum(a) == 0", True),
    ],
)
def test_criteria_mean_what_they_say(text: str, outcome: bool) -> None:
    assert criterion.holds(text, {"a": A, "b": B}) is outcome


@given(numbers, numbers)
def test_two_numbers_compare_as_in_python(a: float, b: float) -> None:
    assert criterion.holds("a < b", {"a": a, "b": b}) == (a < b)
    assert criterion.holds("a <= b", {"a": a, "b": b}) != criterion.holds("a > b", {"a": a, "b": b})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("value <", "not a Python expression"),
        ("value", "compares nothing"),
        ("open('/etc/passwd') == 1", "open is not one of"),
        ("value.__class__ == 1", "Attribute is not allowed"),
        ("(lambda: 1)() == 1", "is not one of"),
        ("[x for x in value] == 1", "ListComp is not allowed"),
        ("value == 'a'", "'a' is not a number"),
        ("value == True", "True is not a number"),
        ("max(value, key=abs) < 1", "max is not one of"),
        ("value[0] < 1", "Subscript is not allowed"),
    ],
)
def test_everything_else_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match="criterion") as error:
        criterion.parse(text)
    assert complaint in str(error.value)


def test_names_must_be_measured_and_arrays_reduced() -> None:
    with pytest.raises(ValueError, match=r"reads b, but measured was a"):
        criterion.holds("mean(a) < b", {"a": A})
    with pytest.raises(ValueError, match=r"3 truth values: reduce with all"):
        criterion.holds("a < b", {"a": A, "b": B})
    with pytest.raises(ValueError, match="no single truth value"):
        criterion.holds("0 < a < 5", {"a": A})
