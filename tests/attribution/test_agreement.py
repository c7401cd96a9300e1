"""Agreement of two explanations against brute force over all ways to break ties, closed forms and invariances."""

import math
from fractions import Fraction
from itertools import combinations, product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from interpbook.attribution import (
    agreement_by_chance,
    angle,
    consistent_direction,
    normalized_change,
    sign_agreement,
    signed_set_agreement,
    tied,
    top_k_agreement,
)


def of_sets(a: list[float], b: list[float], one: set[int], two: set[int]) -> dict:
    """The four measures as their definitions read, of two given top sets."""
    k = len(one)
    same = {i for i in range(len(a)) if math.copysign(a[i] != 0, a[i]) == math.copysign(b[i] != 0, b[i])}
    return {
        top_k_agreement: Fraction(len(one & two), k),
        sign_agreement: Fraction(len(one & two & same), k),
        consistent_direction: Fraction((one | two) <= same),
        signed_set_agreement: Fraction(one == two and one <= same),
    }


def top_sets(a: list[float], k: int) -> list[set[int]]:
    """All sets of k features of which none is smaller than one that is left out."""
    sets = [{*chosen} for chosen in combinations(range(len(a)), k)]
    return [s for s in sets if all(abs(a[i]) >= abs(a[j]) for i in s for j in {*range(len(a))} - s)]


def by_brute_force(a: list[float], b: list[float], k: int) -> dict:
    """Every way to break the ties in a, with every way in b, equally likely."""
    pairs = [of_sets(a, b, one, two) for one, two in product(top_sets(a, k), top_sets(b, k))]
    return {measure: float(sum(pair[measure] for pair in pairs) / len(pairs)) for measure in pairs[0]}


MEASURES = list(of_sets([1], [1], {0}, {0}))
NAMES = [measure.__name__ for measure in MEASURES]


def row(values: list[float]) -> Tensor:
    return torch.tensor([values], dtype=torch.float64)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@st.composite
def explanations(draw):
    """Two rows of small integers, so that most have ties and some have zeros, and a k."""
    d = draw(st.integers(1, 6))
    vector = st.lists(st.integers(-3, 3).map(float), min_size=d, max_size=d).filter(any)
    return draw(vector), draw(vector), draw(st.integers(1, d))


@given(explanations())
@settings(max_examples=120, deadline=None)
def test_each_measure_is_its_mean_over_all_ways_to_break_ties(example):
    a, b, k = example
    for measure, expected in by_brute_force(a, b, k).items():
        assert float(measure(row(a), row(b), k)) == pytest.approx(expected, rel=1e-13, abs=1e-15), measure.__name__
    assert bool(tied(row(a), k)) == (len(top_sets(a, k)) > 1)


@given(explanations(), st.randoms())
@settings(max_examples=25, deadline=None)
def test_order_roles_and_scale_do_not_matter(example, random):
    a, b, k = example
    order = random.sample(range(len(a)), len(a))
    for measure in MEASURES:
        found = measure(row(a), row(b), k)
        torch.testing.assert_close(measure(row(a)[:, order], row(b)[:, order], k), found)
        torch.testing.assert_close(measure(row(b), row(a), k), found)
        assert torch.equal(measure(3 * row(a), row(b) / 4, k), found)
        assert torch.equal(measure(-row(a), -row(b), k), found)


@pytest.mark.parametrize("measure", MEASURES, ids=NAMES)
def test_rows_of_any_shape_are_examples_of_their_own(measure):
    a, b = normal(7, 2, 3, 4).round(decimals=1), normal(7, 2, 3, 4, seed=1).round(decimals=1)
    single = torch.cat([measure(a[i : i + 1], b[i : i + 1], 5) for i in range(7)])
    assert torch.equal(measure(a, b, 5), single)
    assert measure(a.float(), b.float(), 5).dtype == torch.float32
    assert not measure(a.requires_grad_(), b, 5).requires_grad


def test_without_ties_all_are_counted():
    """Also that no rounding makes a 0 or 1 of a yes or a no into something near it."""
    a, b = normal(50, 9), normal(50, 9) + 0.5 * normal(50, 9, seed=1)
    for k in range(1, 10):
        assert not tied(a, k).any()
        expected = [by_brute_force(x, y, k) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
        for measure in MEASURES:
            assert torch.equal(measure(a, b, k), a.new_tensor([each[measure] for each in expected]))


def test_of_one_feature_the_sign_is_all():
    a, b = row([2.0]).expand(2, 1), torch.tensor([[5.0], [-5.0]]).double()
    assert top_k_agreement(a, b, 1).tolist() == [1, 1]
    for measure in (sign_agreement, consistent_direction, signed_set_agreement):
        assert measure(a, b, 1).tolist() == [1, 0]


def test_all_features_are_a_set_without_ties():
    a, b = row([1.0, 1.0, -1.0, 0.0]), row([1.0, 1.0, 1.0, 0.0])
    assert not tied(a, 4)
    assert top_k_agreement(a, b, 4) == 1
    assert sign_agreement(a, b, 4) == 0.75
    assert consistent_direction(a, b, 4) == signed_set_agreement(a, b, 4) == 0
    assert consistent_direction(a, a, 4) == signed_set_agreement(a, a, 4) == 1


def test_a_zero_has_a_sign_of_its_own():
    a = row([2.0, 0.0])
    for b, same in ((row([2.0, 0.0]), 1), (row([2.0, -0.0]), 1), (row([2.0, 1.0]), 0), (row([2.0, -1.0]), 0)):
        assert consistent_direction(a, b, 2) == signed_set_agreement(a, b, 2) == same
        assert sign_agreement(a, b, 2) == (1 + same) / 2


def test_many_ties_are_counted_without_overflow():
    """Of 3,001 equal features, 1,500 are drawn twice: they share 1,500 / 3,001, and never are the same."""
    a = torch.ones(1, 3001, dtype=torch.float64)
    torch.testing.assert_close(top_k_agreement(a, a, 1500), row([1500 / 3001])[0])
    assert consistent_direction(a, a, 1500) == 1
    b = a.clone()
    b[0, 0] = -1  # chosen by neither with chance (1501 / 3001)^2
    torch.testing.assert_close(consistent_direction(a, b, 1500), row([(1501 / 3001) ** 2])[0], rtol=1e-10, atol=0)
    torch.testing.assert_close(
        signed_set_agreement(a[:, :50], a[:, :50], 25).log(), -row([math.log(math.comb(50, 25))])[0]
    )


# Angle and change.


@pytest.mark.parametrize("degrees", [0, 1e-9, 1e-5, 1, 45, 90, 179, 180 - 1e-5, 180])
def test_the_angle_is_known_to_the_last_digits(degrees):
    theta = math.radians(degrees)
    a, b = row([1e-200, 0.0]), 1e200 * row([math.cos(theta), math.sin(theta)])
    assert float(angle(a, b)) == pytest.approx(theta, abs=5e-16)
    assert torch.equal(angle(a, b), angle(b, a))


def test_arccos_of_the_cosine_where_that_is_accurate():
    a, b = normal(50, 3, 4), normal(50, 3, 4, seed=1)
    cosine = torch.nn.functional.cosine_similarity(a.flatten(1), b.flatten(1))
    torch.testing.assert_close(angle(a, b), cosine.arccos(), rtol=1e-12, atol=0)
    rotation = torch.linalg.qr(normal(12, 12, seed=2)).Q
    torch.testing.assert_close(angle(a.flatten(1) @ rotation, 7 * b.flatten(1) @ rotation), angle(a, b))
    assert float(angle(a, a.clone()).max()) == 0
    torch.testing.assert_close(angle(a, -3 * a), torch.full((50,), math.pi, dtype=torch.float64))


def test_change_is_in_units_of_the_first():
    a, b = normal(50, 3, 4), normal(50, 3, 4, seed=1)
    flat = (a - b).flatten(1).norm(dim=1) / a.flatten(1).norm(dim=1)
    torch.testing.assert_close(normalized_change(a, b), flat)
    torch.testing.assert_close(normalized_change(1e-200 * a, 1e-200 * b), flat)
    torch.testing.assert_close(normalized_change(a, -a), torch.full((50,), 2.0, dtype=torch.float64))
    assert not normalized_change(a, a.clone()).any()


# Chance.


@pytest.mark.parametrize(("d", "k"), [(d, k) for d in range(1, 6) for k in range(1, d + 1)])
def test_chance_is_the_mean_over_all_sets_and_signs(d, k):
    """Signs of one explanation may be held fixed: only which signs are equal matters."""
    sets, total = [{*chosen} for chosen in combinations(range(d), k)], dict.fromkeys(MEASURES, Fraction(0))
    for two in sets:
        for signs in product((-1, 1), repeat=d):
            # By symmetry one set may be fixed, too.
            for measure, value in of_sets([1] * d, list(signs), sets[0], two).items():
                total[measure] += value / (len(sets) * 2**d)
    chance = agreement_by_chance(d, k)
    for measure in MEASURES:
        assert getattr(chance, measure.__name__) == float(total[measure])


def test_chance_is_what_random_explanations_agree_to():
    """100,000 pairs of Gaussian vectors, within 4.5 standard errors."""
    a, b, k = normal(100_000, 7), normal(100_000, 7, seed=1), 3
    chance = agreement_by_chance(7, k)
    found = {measure.__name__: measure(a, b, k) for measure in MEASURES} | {"angle": angle(a, b)}
    for name, values in found.items():
        assert abs(values.mean() - getattr(chance, name)) < 4.5 * values.std() / 100_000**0.5, name


def test_chance_of_large_problems_is_a_number():
    chance = agreement_by_chance(150_528, 1000)
    assert 0 < chance.top_k_agreement < 0.01
    assert chance.signed_set_agreement == 0


# Refusals.

A = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
ZERO = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])


@pytest.mark.parametrize("measure", MEASURES, ids=NAMES)
@pytest.mark.parametrize(
    ("k", "error", "says"),
    [
        (0, ValueError, "^k: expected an int of at least 1, got 0"),
        (4, ValueError, "^k: expected an int of at most 3, the number of features, got 4"),
        (1.0, TypeError, "^k: .*got 1.0"),
        (True, TypeError, "^k: .*got True"),
    ],
)
def test_a_wrong_k_is_refused(without_shape_checks, measure, k, error, says):
    with pytest.raises(error, match=says):
        measure(A, A, k)


@pytest.mark.parametrize("measure", [*(lambda a, b, m=m: m(a, b, 2) for m in MEASURES), angle, normalized_change])
@pytest.mark.parametrize(
    ("a", "b", "error", "says"),
    [
        (A, ZERO, ValueError, "^b: expected no explanation of zeros only, got 1 of 2, first row 1: leave them out and"),
        (0 * A, A, ValueError, "^a: .* zeros only, got 2 of 2, first row 0"),
        (A / 0, A, ValueError, "^a: expected finite values, got 6"),
        (A, A[:1], ValueError, r"^b: expected the shape and device of a, \(2, 3\) on cpu, got \(1, 3\) on cpu"),
        (A, A[:, None], ValueError, r"^b: expected the shape .*got \(2, 1, 3\)"),
        (A, A.long(), TypeError, "^b: expected a floating tensor .*int64"),
        (A[0], A[0], ValueError, r"^a: expected shape \(B, \*dims\).*got \(3,\)"),
        (A, A.tolist(), TypeError, "^b: .*got list"),
    ],
)
def test_what_is_no_pair_of_explanations_is_refused(without_shape_checks, measure, a, b, error, says):
    with pytest.raises(error, match=says):
        measure(a, b)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: tied(ZERO, 1), ValueError, "^a: expected no explanation of zeros only"),
        (lambda: tied(A, 4), ValueError, "^k: .*at most 3"),
        (lambda: agreement_by_chance(3, 4), ValueError, "^k: .*at most 3"),
        (lambda: agreement_by_chance(0, 1), ValueError, "^d: .*at least 1, got 0"),
        (lambda: agreement_by_chance(3.0, 1), TypeError, "^d: .*got 3.0"),
    ],
)
def test_other_wrong_arguments_are_refused(without_shape_checks, call, error, says):
    with pytest.raises(error, match=says):
        call()
