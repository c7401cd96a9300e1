"""`select` takes one number per example, and holds the predicted class fixed wherever a method looks."""

from typing import get_args

import jaxtyping
import numpy as np
import pytest
import torch
from torch import nn
from traces import leaves_no_trace

from interpbook.attribution.gradients import input_gradient, integrated_gradients, smoothgrad
from interpbook.attribution.occlusion import occlusion
from interpbook.functions import Of, copies_per_call, fix_target, select, take


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 5)).double().eval()


@pytest.fixture
def x():
    return torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_of_logit_log_prob_and_prob_are_what_they_say(model, x):
    z = model(x)
    target = torch.tensor([0, 1, 2, 3, 4, 0])
    rows = range(6)
    torch.testing.assert_close(select(model, target)(x), z[rows, target])
    torch.testing.assert_close(select(model, target, "prob")(x), (z.exp() / z.exp().sum(1, True))[rows, target])
    torch.testing.assert_close(select(model, target, "log_prob")(x), select(model, target, "prob")(x).log())
    torch.testing.assert_close(select(model, 3)(x), z[:, 3])
    torch.testing.assert_close(select(model)(x), z.max(1).values)
    torch.testing.assert_close(take(z, "predicted", "prob"), z.softmax(1).max(1).values)


@pytest.mark.parametrize("target", [3, "predicted", torch.tensor([0, 1, 2, 3, 4, 0])])
def test_log_odds_are_log_p_over_1_minus_p(model, x, target):
    p = select(model, target, "prob")(x)
    torch.testing.assert_close(select(model, target, "log_odds")(x), (p / (1 - p)).log(), rtol=1e-12, atol=1e-12)


def test_log_odds_of_two_classes_are_a_difference_of_logits():
    z = torch.tensor([[1e30, -1e30], [3.0, 3.0], [-745.0, 745.0]], dtype=torch.float64)
    assert torch.equal(take(z, 0, "log_odds"), z[:, 0] - z[:, 1])
    assert torch.equal(take(z, 1, "log_odds"), z[:, 1] - z[:, 0])


def test_log_odds_and_their_gradient_survive_where_the_probability_rounds_to_1():
    """d/dz of z_0 - log(e^z_1 + e^z_2) is (1, -1/2, -1/2) where z_1 = z_2, however large z_0 is."""
    z = torch.tensor([[2000.0, 1000.0, 1000.0]], dtype=torch.float64)
    assert float(take(z, 0, "log_odds")) == 1000 - torch.tensor(2.0).double().log()
    slope = input_gradient(select(nn.Identity().eval(), 0, "log_odds"), z)
    torch.testing.assert_close(slope, z.new_tensor([[1, -0.5, -0.5]]), rtol=1e-12, atol=0)
    assert not input_gradient(select(nn.Identity().eval(), 0, "log_prob"), z).any()


def test_of_two_classes_three_gradients_are_parallel_and_that_of_a_logit_is_not(x):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2)).double().eval()
    gradients = {of: input_gradient(select(model, 1, of), x) for of in get_args(Of)}
    p = select(model, 1, "prob")(x).detach()[:, None]
    torch.testing.assert_close(gradients["prob"], p * (1 - p) * gradients["log_odds"])
    torch.testing.assert_close(gradients["log_prob"], (1 - p) * gradients["log_odds"])
    cosine = nn.functional.cosine_similarity(gradients["logit"], gradients["log_odds"])
    assert (cosine < 0.99).all()


def test_log_odds_have_second_derivatives(x):
    """So that a penalty on their gradient can be trained."""
    z = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2), requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda z: take(z, torch.tensor([3, 0, 2]), "log_odds"), z)


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int16, torch.int32])
def test_every_integer_dtype_names_classes(model, x, dtype):
    target = torch.tensor([0, 1, 2, 3, 4, 0])
    narrow = select(model, target.to(dtype))
    torch.testing.assert_close(narrow(x), select(model, target)(x), rtol=0, atol=0)
    torch.testing.assert_close(input_gradient(narrow, x), input_gradient(select(model, target), x), rtol=0, atol=0)


@pytest.mark.parametrize("kind", [list, tuple, np.array])
def test_lists_and_arrays_name_classes(model, x, kind):
    target = [0, 1, 2, 3, 4, 0]
    expected = smoothgrad(select(model, torch.tensor(target)), x, sigma=0.1, samples=3)
    torch.testing.assert_close(smoothgrad(select(model, kind(target)), x, sigma=0.1, samples=3), expected)
    torch.testing.assert_close(take(model(x), kind(target)), model(x)[range(6), target])


def test_a_shift_of_all_logits_moves_logit_gradients_only(model, x):
    def shifted(x):
        return model(x) + 10 * x.sum(1, keepdim=True)

    for of, same in (("logit", False), ("log_prob", True), ("prob", True), ("log_odds", True)):
        ours, theirs = (input_gradient(select(net, 2, of), x) for net in (model, shifted))
        assert torch.allclose(ours, theirs) is same


@pytest.mark.parametrize(
    "method",
    [
        integrated_gradients,
        lambda f, x: integrated_gradients(f, x, baseline=5.0, steps=3, chunk=2),
        lambda f, x: smoothgrad(f, x, sigma=3.0, samples=5, chunk=4),
        lambda f, x: occlusion(f, x, window=2, baseline=5.0, chunk=3),
        input_gradient,
    ],
)
def test_predicted_means_the_classes_predicted_at_x(model, x, method):
    """Also where the path or the noise leaves the region in which those classes are predicted."""
    predicted = model(x).argmax(1)
    torch.testing.assert_close(method(select(model), x), method(select(model, predicted), x), rtol=0, atol=0)
    each = torch.cat([method(select(model, int(c)), x[i : i + 1]) for i, c in enumerate(predicted)])
    torch.testing.assert_close(method(select(model), x), each)


def test_copies_of_a_batch_keep_their_targets(model, x):
    target = torch.tensor([4, 3, 2, 1, 0, 4])
    f = select(model, target).at(x)
    torch.testing.assert_close(f(torch.cat([x, -x])), torch.cat([select(model, target)(s * x) for s in (1, -1)]))
    with pytest.raises(ValueError, match=r"^x: expected whole copies of a batch of 6, got 8 rows"):
        f(torch.zeros(8, 4, dtype=torch.float64))


def test_a_number_is_its_own_fixed_choice(model, x):
    f = select(model, 1)
    assert f.at(x) is f
    assert fix_target(torch.sin, x) is torch.sin


def test_any_function_to_logits_can_be_selected_from(x):
    torch.testing.assert_close(select(lambda x: x**2, 1)(x), x[:, 1] ** 2)


def test_no_trace_is_left_by_selecting(model, x):
    def broken(x):
        raise RuntimeError("broken")

    with leaves_no_trace(model, x), pytest.raises(RuntimeError, match="broken"):
        select(broken).at(x)
    overwriting = nn.Sequential(nn.ReLU(inplace=True), model).eval()
    with leaves_no_trace(model, x):
        select(overwriting).at(x)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda m, x: select(3), TypeError, "^model: .*got int"),
        (lambda m, x: select(m.train()), ValueError, "^model: .*training mode"),
        (lambda m, x: select(m, of="logits"), ValueError, "^of: .*\"log_odds\", got 'logits'"),
        (lambda m, x: select(lambda x: x[:, :1], 0, "log_odds")(x), ValueError, r"^of: .*at least 2 .*\(6, 1\)"),
        (lambda m, x: select(m, "most"), ValueError, "^target: .*got 'most'"),
        (lambda m, x: select(m, True), TypeError, "^target: .*got True"),
        (lambda m, x: select(m, -1), ValueError, "^target: .*got -1"),
        (lambda m, x: select(m, [0.5]), TypeError, "^target: .*list with 0.5"),
        (lambda m, x: select(m, [0, 9] * 3)(x), ValueError, "^target: .*from 0 to 4, got 9"),
        (lambda m, x: select(m, torch.tensor([0.5])), TypeError, "^target: .*torch.float32"),
        (lambda m, x: select(m, torch.zeros(2, 3, dtype=torch.int64)), ValueError, r"^target: .*\(2, 3\)"),
        (lambda m, x: select(m, 5)(x), ValueError, "^target: .*from 0 to 4, got 5"),
        (lambda m, x: select(m, torch.arange(6))(x), ValueError, "^target: .*from 0 to 4, got 5"),
        # Without `at`, another number of rows is a mistake, not copies.
        (lambda m, x: select(m, torch.arange(3))(x), ValueError, r"^target: .*\(6,\), got \(3,\)"),
        (lambda m, x: select(m, torch.arange(3)).at(x), ValueError, r"^target: .*\(6,\), got \(3,\)"),
        (lambda m, x: select(m)(x.float()), ValueError, "^x: expected dtype torch.float64"),
        (lambda m, x: select(lambda x: x.sum(1))(x), ValueError, r"^model output: .*\(6, K\), got \(6,\)"),
        (lambda m, x: select(lambda x: x / 0)(x), ValueError, "^model output: expected finite"),
        (lambda m, x: select(lambda x: [x])(x), TypeError, "^model output: .*got list"),
        (lambda m, x: copies_per_call(x, 0), ValueError, "^chunk: expected an int of at least 1, got 0"),
    ],
)
def test_bad_input_is_named(model, x, call, error, says, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(error, match=says):
        call(model, x)


def test_training_mode_set_later_is_noticed(model, x):
    f = select(model, 0)
    model[1].train()
    with pytest.raises(ValueError, match=r"sub-module '1' \(Tanh\)"):
        f(x)
