"""Langevin's samples have the moments of the density, its bias included; activation maximisation finds the mode."""

import math

import jaxtyping
import pytest
import torch
from torch import nn
from traces import leaves_no_trace

from interpbook.attribution import select
from interpbook.density import GaussianMixture, activation_maximization, decreasing_steps, langevin
from interpbook.models import MLP

MEAN = torch.tensor([1.0, -2.0], dtype=torch.float64)
VARIANCE = torch.tensor([0.5, 2.0], dtype=torch.float64)


def gaussian(x):
    return -((x - MEAN) ** 2 / VARIANCE).sum(1) / 2


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def moments_agree(x, mean, variance):
    """z-tests of the sample mean and variance of n independent normal numbers, within 3.5 standard errors."""
    n = len(x)
    assert ((x.mean(0) - mean) / (variance / n).sqrt()).abs().max() < 3.5
    assert ((x.var(0) - variance) / (variance * math.sqrt(2 / n))).abs().max() < 3.5


@pytest.mark.parametrize("eps", [0.05, 0.3])
def test_samples_of_a_gaussian_have_its_moments_and_the_known_bias(eps):
    """In the limit mean m and variance s^2 / (1 - eps / (2 s^2))."""
    start = torch.zeros(20_000, 2, dtype=torch.float64)
    x = langevin(gaussian, start, steps=int(12 * 2 / eps), step_size=eps, generator=seeded(1))
    moments_agree(x, MEAN, VARIANCE / (1 - eps / (2 * VARIANCE)))
    assert abs(torch.corrcoef(x.T)[0, 1]) < 3.5 / math.sqrt(len(x))


def test_moments_after_three_steps():
    """x_t is normal: mean m + (1 - eps/s^2)^t (x_0 - m), variance 2 eps sum of (1 - eps/s^2)^(2k), k < t."""
    eps, start = 0.2, torch.full((20_000, 2), 3.0, dtype=torch.float64)
    x = langevin(gaussian, start, steps=3, step_size=eps, generator=seeded(2))
    shrink = 1 - eps / VARIANCE
    variance = 2 * eps * sum(shrink ** (2 * k) for k in range(3))
    moments_agree(x, MEAN + shrink**3 * (3.0 - MEAN), variance)


def test_decreasing_steps_have_less_bias():
    start = MEAN.expand(20_000, 2)
    bias = {}
    for name, rule in {"fixed": 0.5, "decreasing": decreasing_steps(0.5, power=1.0, delay=5)}.items():
        x = langevin(gaussian, start, steps=150, step_size=rule, generator=seeded(3))
        bias[name] = (x.var(0) / VARIANCE - 1).abs().max()
    assert bias["fixed"] > 0.8  # 1 / (1 - 0.5) - 1 = 1 for the smaller variance
    assert bias["decreasing"] < 0.06


def test_the_rule_of_steps():
    rule = decreasing_steps(0.2, power=0.6, delay=4.0)
    assert [rule(t) for t in (0, 4, 12)] == pytest.approx([0.2, 0.2 * 2**-0.6, 0.2 * 4**-0.6])
    sizes = []
    langevin(gaussian, MEAN[None], steps=3, step_size=lambda t: sizes.append(t) or 0.1)
    assert sizes == [0, 1, 2]


def test_modes_of_a_mixture_get_their_share():
    mixture = GaussianMixture(torch.tensor([[-1.0], [1.0]]).double(), 0.3, weights=torch.tensor([0.8, 0.2]))
    start, _ = mixture.sample(4000, seeded(4))
    x = langevin(mixture.log_density, start, steps=100, step_size=0.02, generator=seeded(5))
    share = (mixture.sample(200_000, seeded(6))[0] > 0).double().mean()
    assert abs((x > 0).double().mean() - share) < 4 * math.sqrt(0.25 / 4000)


def test_a_chain_can_be_continued_and_repeated():
    start = torch.zeros(5, 2, dtype=torch.float64)
    whole = langevin(gaussian, start, steps=6, step_size=0.1, generator=seeded(7))
    generator = seeded(7)
    half = langevin(gaussian, start, steps=2, step_size=0.1, generator=generator)
    assert torch.equal(langevin(gaussian, half, steps=4, step_size=0.1, generator=generator), whole)
    assert torch.equal(langevin(gaussian, start, 6, 0.1), langevin(gaussian, start, 6, 0.1))
    assert len(whole.unique(dim=0)) == 5


def test_the_box_holds_at_every_step():
    seen = []

    def flat(x):
        seen.append(x.detach())
        return 50 * x.sum(1)

    x = langevin(flat, torch.full((4, 3), 0.5), steps=20, step_size=0.05, box=(0.0, 1.0))
    for values in [*seen[1:], x]:
        assert 0 <= values.min() <= values.max() <= 1
    assert x.mean() > 0.8
    assert torch.equal(activation_maximization(flat, x, 20, 0.05, box=(0.0, 1.0)), torch.ones(4, 3))


def test_activation_maximization_climbs_to_the_mode_without_noise():
    start = torch.tensor([[5.0, 5.0], [-4.0, 0.0]], dtype=torch.float64)
    x = activation_maximization(gaussian, start, steps=300, step_size=0.2)
    torch.testing.assert_close(x, MEAN.expand(2, 2), rtol=1e-6, atol=1e-6)
    one = activation_maximization(gaussian, start, steps=1, step_size=0.2)
    torch.testing.assert_close(one, start + 0.2 * (MEAN - start) / VARIANCE)


def test_decay_pulls_towards_the_centre():
    """The maximiser of -(x - m)^2 / (2 s^2) - d (x - c)^2 / 2 is (m / s^2 + d c) / (1 / s^2 + d)."""
    x = activation_maximization(gaussian, torch.zeros(1, 2).double(), 400, 0.1, decay=0.5, center=4.0)
    torch.testing.assert_close(x[0], (MEAN / VARIANCE + 0.5 * 4.0) / (1 / VARIANCE + 0.5), rtol=1e-6, atol=1e-6)
    default = activation_maximization(lambda x: 0 * x.sum(1), torch.zeros(1, 2), 200, 0.1, decay=1.0)
    torch.testing.assert_close(default, torch.full((1, 2), 0.5))


def test_predicted_classes_are_held_fixed():
    """Class 0 rises with slope 1, and is overtaken on the way by class 1 with slope 3, which is not followed."""
    model = lambda x: torch.cat([x, 3 * x - 2], 1)  # noqa: E731
    assert activation_maximization(select(model), torch.tensor([[0.4]]), 10, 1.0) == pytest.approx(10.4)
    assert 30 < langevin(select(model), torch.tensor([[0.4]]), 1000, 0.1) < 170  # 100 with a standard deviation of 14


@pytest.mark.parametrize("method", [langevin, activation_maximization])
def test_no_trace_is_left(method):
    model = MLP((5,), inputs=2, classes=2).double().eval()
    x = torch.zeros(3, 2, dtype=torch.float64, requires_grad=True)
    with leaves_no_trace(model, x), torch.no_grad():
        y = method(select(model, 1), x, 3, 0.1)
    assert (y.dtype, y.shape, y.requires_grad) == (x.dtype, x.shape, False)


@pytest.mark.parametrize("method", [langevin, activation_maximization])
def test_a_chain_that_leaves_the_numbers_is_stopped(method):
    """Where f overflows first, and where x does; at the start it is the input that is wrong."""
    start = torch.ones(1, 2)
    with pytest.raises(
        FloatingPointError, match=r"step 1 of 9 led .* \(output of f: .*\). A smaller step_size may help"
    ):
        method(lambda x: x.square().sum(1) * 1e10, start, 9, 1e20)
    with pytest.raises(FloatingPointError, match=r"step 3 of 9 led out of the finite numbers\. A smaller step_size"):
        method(lambda x: 1e20 * x.sum(1), start, 9, lambda t: 1e30 if t == 2 else 1e-20)
    with pytest.raises(ValueError, match="output of f: expected finite values"):
        method(lambda x: x.square().sum(1) * math.inf, start, 9, 1.0)


START = torch.zeros(2, 2)
WRONG = [
    ({"x": torch.zeros(2)}, "x: expected shape"),
    ({"f": nn.Linear(2, 2).eval()}, r"output of f: expected shape \(B,\)"),
    ({"f": 1}, "f: expected a function"),
    ({"f": lambda x: x.detach().sum(1)}, "f: expected an output that is differentiable in x"),
    ({"steps": 0}, "steps: expected an int of at least 1, got 0"),
    ({"step_size": -0.1}, "step_size: expected a finite number of at least 0, got -0.1"),
    ({"step_size": lambda t: math.nan}, "step_size: expected a finite number of at least 0, got nan"),
    ({"box": (1.0, 0.0)}, r"box: expected low < high, got \(1.0, 0.0\)"),
    ({"box": 3}, r"box: expected None or two numbers \(low, high\), got 3"),
]


@pytest.mark.parametrize("method", [langevin, activation_maximization])
@pytest.mark.parametrize(("change", "said"), WRONG)
def test_wrong_arguments(method, change, said):
    arguments = {"f": lambda x: x.sum(1), "x": START, "steps": 1, "step_size": 0.1} | change
    with pytest.raises((TypeError, ValueError)) as caught:
        method(arguments.pop("f"), **arguments)
    if not isinstance(caught.value, jaxtyping.TypeCheckError):
        caught.match(said)


def test_wrong_options_of_one_method():
    with pytest.raises(TypeError, match="generator"):
        langevin(gaussian, START, 1, 0.1, generator=3)
    with pytest.raises(ValueError, match="decay: expected a finite number of at least 0"):
        activation_maximization(gaussian, START, 1, 0.1, decay=-1)
    with pytest.raises(ValueError, match="center: expected a finite number"):
        activation_maximization(gaussian, START, 1, 0.1, center=math.inf)
    for power in (0.5, 1.1):
        with pytest.raises(ValueError, match=r"power: expected a number above 0\.5 and at most 1"):
            decreasing_steps(0.1, power=power)
    with pytest.raises(ValueError, match="delay: expected a number above 0"):
        decreasing_steps(0.1, delay=0)
    with pytest.raises(ValueError, match="first: expected a finite number of at least 0"):
        decreasing_steps(-0.1)
