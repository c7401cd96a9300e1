"""Exercises that have a closed form: a counterexample, batch norm's implicit bias, a network of two layers."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, listed

Scalar = Callable[[Tensor], Tensor]


@exercise(rating=1, minutes=5)
def counterexample(f: Scalar, g: Scalar, x: Tensor) -> str:
    """`f` and `g` map (B, D) to (B,), are linear around `x` (1, D), share their gradient there, differ in value.

    They are not one function plus a constant: their difference changes somewhere else.
    """
    if not isinstance(x, Tensor) or x.dim() != 2 or len(x) != 1 or not x.is_floating_point():
        raise WrongAnswer("the point x should be one example, a floating tensor of shape (1, D)")
    if not x.isfinite().all():
        raise WrongAnswer(f"the point x should be finite, and is {listed(x[0])}")
    x = x.detach()
    _check_callable(f, g)
    generator = torch.Generator().manual_seed(0)
    near = x + 1e-3 * torch.randn((20, x.shape[1]), generator=generator, dtype=x.dtype)
    slopes = []
    for name, function in (("first", f), ("second", g)):
        values = function(near.clone())  # an answer may write into what it is given
        if not isinstance(values, Tensor) or values.shape != (20,):
            raise WrongAnswer(f"the {name} function should give one number per example, (B, D) -> (B,)")
        gradients = _gradient(function, near)
        if not torch.allclose(gradients, gradients[:1].expand_as(gradients), atol=1e-6):
            raise WrongAnswer(
                f"the {name} function bends at x, so there its gradient is not all that moves",
                f"the {name} function is not linear around x: its gradient changes from point to point",
                "a sum of relus is linear around every x at which no relu has the input 0",
            )
        slopes.append(_gradient(function, x))
        rise = ((values - function(x.clone())).detach(), (near - x) @ slopes[-1][0])
        if not torch.allclose(*rise, atol=1e-5):
            raise WrongAnswer(
                f"follow the {name} function a small step away from x",
                f"the values of the {name} function do not move as its gradient at x says: is it cut off from x?",
            )
    if not torch.allclose(slopes[0], slopes[1], atol=1e-6):
        raise WrongAnswer(
            "a map of the gradient can tell your two functions apart",
            "the two functions have different gradients at x: give both the same slope there",
            f"their gradients at x are {listed(slopes[0][0])} and {listed(slopes[1][0])}; shift a kink, not a slope",
        )
    if torch.allclose(f(x.clone()), g(x.clone()), atol=1e-6):
        raise WrongAnswer(
            "nothing is lost by giving these two the same map",
            "the two functions have the same value at x: they should share the slope there, not the height",
            "relu(u) and relu(u - t) have the same slope where u > t > 0, and values that are t apart",
        )
    if _apart_by_a_constant(f, g, x):
        raise WrongAnswer(
            "right as far as it goes, but too easy: compare your two functions far away from x too",
            "the second function is the first plus a constant: let them differ in shape, elsewhere",
            "give them kinks at different places, as relu(u) and relu(u - t) have, both on the same side of x",
        )
    return "one gradient, two outputs; no map of the gradient can add up to both."


def _apart_by_a_constant(f: Scalar, g: Scalar, x: Tensor) -> bool:
    """Whether f - g is the same at points from near x to very far, as far as the values' precision can tell."""
    generator = torch.Generator().manual_seed(0)
    reach = 10.0 ** torch.arange(-1, 5).repeat_interleave(200)[:, None]
    points = x + reach.to(x) * torch.randn((len(reach), x.shape[1]), generator=generator, dtype=x.dtype)
    first, second = f(points.clone()).detach(), g(points.clone()).detach()
    here = (f(x.clone()) - g(x.clone())).detach()
    return bool(((first - second - here).abs() <= 1e-5 * (first.abs() + second.abs() + here.abs())).all())


@exercise(rating=1, minutes=5)
def batch_norm_bias(answer: Callable[[nn.BatchNorm2d], Tensor]) -> str:
    """A function of a batch norm in evaluation mode that returns its implicit bias, one number per channel."""
    _check_callable(answer)
    for affine in (True, False):
        norm = _random_norm(affine)
        want = norm(torch.zeros(1, 5, 1, 1)).detach().flatten()
        mistakes = _batch_norm_mistakes(norm)  # before the answer is asked: it may change the layer, which is its own
        got = answer(norm)
        if not isinstance(got, Tensor) or got.shape != (5,):
            raise WrongAnswer("there should be one number per channel: a tensor of shape (C,)")
        got = got.detach()
        if close(got, want):
            continue
        for hints, wrong in mistakes.items():
            if close(got, wrong):
                raise WrongAnswer(*hints)
        without = "" if affine else " when affine=False"
        raise WrongAnswer(
            "a check on yourself: what does the layer give to an input of zero, with and without its own parameters?",
            f"norm(0) should be the bias{without}, but is not: go through the running mean, the deviation, the weight",
            _BATCH_NORM if affine else "without parameters of its own it gives (x - mean) / sqrt(var + eps)",
        )
    return "what batch norm gives to an input of zero, with and without its own parameters."


_BATCH_NORM = "batch norm gives weight (x - mean) / sqrt(var + eps) + bias; its slope and its value at 0 are all it is"


def _batch_norm_mistakes(norm: nn.BatchNorm2d) -> dict[tuple[str, ...], Tensor]:
    """What comes out when one part of the formula is left out or wrong."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    mean, var = norm.running_mean.clone(), norm.running_var.clone()
    weight, bias = (norm.weight.detach(), norm.bias.detach()) if norm.affine else (torch.ones(5), torch.zeros(5))
    shift = -mean * (var + norm.eps).rsqrt()
    parts = {
        "the running mean shifts the output too: this is the explicit bias only": bias,
        "the running mean's sign is wrong: batch norm subtracts the mean": bias - weight * shift,
        "the explicit bias is missing: it is added to the running mean's part": weight * shift,
        "the weight is missing: it multiplies the running mean's part": bias + shift,
        "the weight belongs to the running mean's part only, not to the bias": weight * (bias + shift),
        "the deviation is missing: the running mean is divided by the root of variance plus eps": bias - weight * mean,
        "the variance has lost its eps: divide by the root of variance plus eps": bias - weight * mean * var.rsqrt(),
        "eps is added to the root; it belongs to the variance, under the root": bias
        - weight * mean / (var.sqrt() + norm.eps),
        "you divide by the variance plus eps; the running mean is divided by its root": bias
        - weight * mean / (var + norm.eps),
    }
    nudge = "a check on yourself: what does the layer give to an input of zero, and what do you get?"
    return {(nudge, factor, _BATCH_NORM): wrong for factor, wrong in parts.items() if norm.affine or wrong.any()}


@exercise(rating=2, minutes=10)
def two_layers(answer: Callable[..., tuple[Tensor, Tensor, Tensor]]) -> str:
    """A function of `W (H, D), beta (H,), v (H,), c (), x (B, D)` for `f = v . relu(W x + beta) + c`.

    It returns the input term (B, D), the hidden layer's bias term (B, H) and the output's bias term (B,).
    """
    _check_callable(answer)
    generator = torch.Generator().manual_seed(0)
    sizes = ((6, 3), (6,), (6,), (), (5, 3))
    weight, bias, v, c, x = (torch.randn(size, generator=generator, dtype=torch.float64) for size in sizes)
    terms = answer(*(given.clone() for given in (weight, bias, v, c, x)))
    if not isinstance(terms, tuple | list) or len(terms) != 3:
        raise WrongAnswer("there should be three terms: the input's, the hidden layer's, the output's")
    if not all(isinstance(term, Tensor) for term in terms):
        raise WrongAnswer("each of the three terms should be a tensor")
    for name, term, shape in zip(("input", "hidden", "output"), terms, ((5, 3), (5, 6), (5,)), strict=True):
        if tuple(term.shape) == shape[1:]:
            raise WrongAnswer(f"your {name} term sums over the batch, or forgets it: it should have shape {shape}")
        if tuple(term.shape) != shape:
            raise WrongAnswer(
                f"your {name} term has shape {tuple(term.shape)}, expected {shape}: one number at each place"
            )
    _check_terms([term.detach().double() for term in terms], weight, bias, v, c, x)
    return "three terms that add up to the output, for every example."


def _check_terms(terms: list[Tensor], weight: Tensor, bias: Tensor, v: Tensor, c: Tensor, x: Tensor) -> None:
    """The three terms, each with the mistakes that it invites."""
    given, hidden, output = terms
    active = (x @ weight.T + bias) > 0
    slope = (active * v) @ weight
    f = torch.relu(x @ weight.T + bias) @ v + c
    total = given.sum(1) + hidden.sum(1) + output
    right = {"input": x * slope, "hidden": active * v * bias, "output": c.expand(5)}
    nudges = {
        "input": "two of the three terms are not the trouble: look at the input's",
        "hidden": "two of the three terms are not the trouble: look at the hidden layer's",
        "output": "two of the three terms are not the trouble: look at the output's",
    }
    mistakes = {
        "input": {
            "this is the gradient alone: it is not multiplied by the input": slope,
            "the input is multiplied by the weights of all units: those that are off pass nothing on": x * (v @ weight),
            "v is missing: what a unit passes on is multiplied by v": x * (active.double() @ weight),
        },
        "hidden": {
            "a unit that is off has no gradient, and so no bias term": (v * bias).expand(5, 6),
            "v is missing: the gradient at a unit is v where the unit is on": active * bias,
            "this is the gradient at each unit alone: it is not multiplied by the unit's bias": active * v,
            "this is the unit's output times v: its bias alone, times the gradient, is asked for": active
            * v
            * (x @ weight.T + bias),
        },
        "output": {
            "the last bias is missing: it counts too, once": torch.zeros(5),
            "this is the output itself: only its bias c is asked for": f,
        },
    }
    otherwise = {
        "input": "the input term is not gradient times input at each coordinate",
        "hidden": "the hidden term is not the gradient at each unit times its own bias",
        "output": "the output's term is its bias c, the same for every example",
    }
    formulas = {
        "input": "x * ((on * v) @ W), with on = (x @ W.T + beta > 0)",
        "hidden": "on * v * beta, with on = (x @ W.T + beta > 0)",
        "output": "c for each example, as in c.expand(len(x))",
    }
    sums = "" if close(total, f) else f" (the terms add up to {total[0]:.3f}, the first output is {f[0]:.3f})"
    for (name, want), term in zip(right.items(), terms, strict=True):
        if close(term, want):
            continue
        factor = next((hint for hint, wrong in mistakes[name].items() if close(term, wrong)), otherwise[name])
        raise WrongAnswer(nudges[name], factor + sums, formulas[name])


def _gradient(function: Scalar, x: Tensor) -> Tensor:
    x = x.detach().clone().requires_grad_()
    total = function(x).sum()
    return torch.autograd.grad(total, x)[0] if total.requires_grad else torch.zeros_like(x)


def _check_callable(*answers: object) -> None:
    if not all(callable(answer) for answer in answers):
        raise WrongAnswer("the answer should be a function; give its name, without calling it")


def _random_norm(affine: bool) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(5, affine=affine).eval()
    generator = torch.Generator().manual_seed(0)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.copy_(torch.randn(5, generator=generator))
    norm.running_var.copy_(torch.rand(5, generator=generator) * 1e-4 + 1e-5)
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.copy_(torch.randn(5, generator=generator))
    return norm
