"""The chapter's tables, its other labels, and its stored results."""

import pytest
import torch

from interpbook.attribution import input_gradient
from interpbook.chapters.attribution.stability import crowds, runs, tables
from interpbook.models import MLP


def test_what_the_protocols_say_is_what_is_stored():
    assert list(runs.RUNS.load()) == list(runs.protocol())
    assert list(crowds.AGREEMENTS.load()) == list(crowds.protocol())


@pytest.mark.parametrize("name", [name for name in tables.TABLES if name != "adult_few"])
def test_features_have_mean_zero_and_deviation_one_or_are_constant(name):
    rows = tables.rows_of(name)
    deviation = rows.x.std(0)
    assert rows.x.mean(0).abs().max() < 1e-4
    assert ((deviation - 1).abs() < 1e-4).logical_or(deviation == 0).all()
    assert len(rows.test_x) == len(rows.test_y) <= 200
    assert rows.x.shape[1] == rows.test_x.shape[1]


def test_few_rows_are_the_first_of_the_table_in_its_units():
    whole, few = tables.rows_of("adult"), tables.rows_of("adult_few")
    assert torch.equal(few.x, whole.x[:353])
    assert torch.equal(few.y, whole.y[:353])
    assert torch.equal(few.test_x, whole.test_x)


@pytest.mark.parametrize("name", ["digits", "breast_cancer"])
def test_a_quarter_of_the_labels_is_wrong_and_no_test_label(name):
    given, wrong = runs.labelled(name, "given"), runs.labelled(name, "wrong")
    share = (given.y != wrong.y).double().mean()
    assert abs(share - 0.25) < 4 * (0.25 * 0.75 / len(given.y)) ** 0.5
    assert wrong.y.min() >= 0
    assert wrong.y.max() < given.classes
    assert torch.equal(given.test_y, wrong.test_y)
    assert torch.equal(given.x, wrong.x)


@pytest.mark.parametrize("name", ["diabetes", "adult_few"])
def test_rough_labels_are_balanced_and_a_function_of_the_features(name):
    rough = runs.labelled(name, "rough")
    ones, rows = int(rough.y.sum()), len(rough.y)
    assert abs(2 * ones - rows) <= 1
    # Rows that are equal have equal labels: nothing else than the features decides.
    _, group = rough.x.unique(dim=0, return_inverse=True)
    low, high = (torch.zeros(int(group.max()) + 1).scatter_reduce(0, group, rough.y.float(), kind, include_self=False)
                 for kind in ("amin", "amax"))  # fmt: skip
    assert torch.equal(low, high)


def test_the_explanation_of_two_classes_is_the_gradient_of_their_difference():
    rows = tables.rows_of("diabetes")
    model = MLP((8,), "softplus", inputs=10, classes=2, seed=0).eval()
    sign = (2 * rows.test_y - 1).float()

    def difference(x):
        logits = model(x)
        return sign * (logits[:, 1] - logits[:, 0])

    expected = input_gradient(difference, rows.test_x)
    torch.testing.assert_close(runs.explain(model, rows), expected)
    torch.testing.assert_close(crowds.explanations([model], rows)[0], expected)


def test_the_gradient_of_the_sum_of_logits_is_that_of_one_row_that_sums_the_last_layer_s():
    rows = tables.rows_of("diabetes")
    model = MLP((8,), "softplus", inputs=10, classes=2, seed=0).eval()
    row = model.fc.weight.detach().sum(0)
    expected = input_gradient(lambda x: model[:-1](x) @ row, rows.test_x)
    torch.testing.assert_close(runs.explain_sum(model, rows.test_x), expected)


def test_a_seed_trains_one_network_and_noise_another():
    setting = runs.Setting("diabetes", seed=3)
    first = runs.network(setting).fc.weight
    again = runs._fitted(setting, runs.labelled("diabetes", "given")).fc.weight
    assert torch.equal(first, again)
    assert not torch.equal(first, runs.network(setting, "noise").fc.weight)
