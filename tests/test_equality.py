"""Results are equal where they hold the same values, whatever they were computed by."""

import copy
from dataclasses import replace

import pytest
import torch

from interpbook.attribution import METHODS, full_gradients, lfa
from interpbook.datasets import load_cats, load_table
from interpbook.density import GaussianMixture
from interpbook.models import SmallCNN


def gradients(seed=0, batch=2):
    return full_gradients(SmallCNN(seed=seed).eval(), torch.ones(batch, 1, 28, 28), target=1)


MADE = {
    "full-gradients": gradients,
    "mixture": lambda: GaussianMixture(torch.zeros(2, 3), 0.5),
    "table": lambda: load_table("diabetes"),
    "photo": lambda: load_cats()[0],
    "explanation": lambda: lfa(lambda x: x.sum(1), torch.ones(2, 3), **METHODS["occlusion"]),
}
each = pytest.mark.parametrize("make", MADE.values(), ids=MADE)


@each
def test_made_twice_they_are_equal(make):
    one, two = make(), make()
    assert one == two
    assert not one != two  # noqa: SIM202
    assert one == copy.deepcopy(one)


@each
def test_other_things_are_not_equal(make):
    for other in (None, 3, "record", torch.zeros(2), *(theirs() for theirs in MADE.values() if theirs is not make)):
        assert make() != other


@each
def test_what_can_change_has_no_hash(make):
    with pytest.raises(TypeError, match="unhashable"):
        hash(make())


def test_one_value_makes_the_difference():
    one = gradients()
    assert one != gradients(seed=1)
    assert one != replace(one, gap=one.gap.double())
    assert one != gradients(batch=1)
    assert one != replace(one, bias_terms={**one.bias_terms, "more": one.output})
    first = next(iter(one.bias_terms))
    changed = one.bias_terms[first].clone()
    changed.view(-1)[-1] += 1
    assert one != replace(one, bias_terms={**one.bias_terms, first: changed})
    assert one == replace(one, bias_terms=dict(reversed(one.bias_terms.items())))


def test_a_value_that_is_not_known_equals_itself():
    unknown = torch.tensor([1.0, torch.nan])
    one = replace(gradients(), gap=unknown)
    assert one == replace(one, gap=unknown.clone())
    assert one != replace(one, gap=torch.tensor([torch.nan, 1.0]))


def test_mixtures_are_equal_however_they_were_given():
    means = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
    eyes = torch.eye(2).expand(2, 2, 2)
    assert GaussianMixture(means, 1) == GaussianMixture(means, eyes, [0, 1], torch.tensor([3.0, 3.0]))
    assert GaussianMixture(means, 1) != GaussianMixture(means, 1, [0, 0])
