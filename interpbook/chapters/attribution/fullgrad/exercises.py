"""Exercises of the chapter on full-gradients: what an answer must satisfy, and what each mistake looks like."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from interpbook.page.exercises import WrongAnswer, exercise

Scalar = Callable[[Tensor], Tensor]


@exercise(rating=1, minutes=5)
def counterexample(f: Scalar, g: Scalar, x: Tensor) -> str:
    """`f` and `g` map (B, D) to (B,), are linear around `x` (1, D), share their gradient there, differ in value."""
    if not isinstance(x, Tensor) or x.dim() != 2 or len(x) != 1 or not x.is_floating_point():
        raise WrongAnswer("the point x should be one example, a floating tensor of shape (1, D)")
    _check_callable(f, g)
    generator = torch.Generator().manual_seed(0)
    near = x + 1e-3 * torch.randn((20, x.shape[1]), generator=generator, dtype=x.dtype)
    slopes = []
    for name, function in (("first", f), ("second", g)):
        values = function(near)
        if not isinstance(values, Tensor) or values.shape != (20,):
            raise WrongAnswer(f"the {name} function should give one number per example, (B, D) -> (B,)")
        gradients = _gradient(function, near)
        if not torch.allclose(gradients, gradients[:1].expand_as(gradients), atol=1e-6):
            raise WrongAnswer(f"the {name} function is not linear around x: its gradient changes from point to point")
        slopes.append(_gradient(function, x))
    if not torch.allclose(slopes[0], slopes[1], atol=1e-6):
        raise WrongAnswer(
            "the two functions have different gradients at x, so a map of the gradient can tell them apart"
        )
    if torch.allclose(f(x), g(x), atol=1e-6):
        raise WrongAnswer("the two functions have the same value at x, so nothing is lost by giving them the same map")
    return "one gradient, two outputs; no map of the gradient can add up to both."


@exercise(rating=2, minutes=10)
def batch_norm_bias(answer: Callable[[nn.BatchNorm2d], Tensor]) -> str:
    """A function of a batch norm in evaluation mode that returns its implicit bias, one number per channel."""
    _check_callable(answer)
    for affine in (True, False):
        norm = _random_norm(affine)
        got = answer(norm)
        want = norm(torch.zeros(1, 5, 1, 1)).detach().flatten()
        if not isinstance(got, Tensor) or got.shape != (5,):
            raise WrongAnswer("there should be one number per channel: a tensor of shape (C,)")
        got = got.detach().to(want.dtype)
        if torch.allclose(got, want, rtol=1e-5, atol=1e-7):
            continue
        scale = want - (norm.bias if affine else 0)
        if affine and torch.allclose(got, norm.bias):
            raise WrongAnswer("this is the explicit bias only: the running mean shifts the output too")
        if affine and torch.allclose(got, norm.bias - scale, rtol=1e-5):
            raise WrongAnswer("the sign of the running mean's part is wrong: batch norm subtracts the mean")
        if affine and torch.allclose(got, scale, rtol=1e-5):
            raise WrongAnswer("the explicit bias is missing")
        without = "" if affine else " when affine=False"
        raise WrongAnswer(
            f"norm(0) should be the bias{without}, but is not: is it the root of variance plus eps you divide by?"
        )
    return "what batch norm gives to an input of zero, with and without its own parameters."


@exercise(rating=2, minutes=10)
def implicit_bias(answer: Callable[[Scalar, Tensor], Tensor]) -> str:
    """A function of an activation `eta` and its input `z` that returns `eta(z) - eta'(z) z`, elementwise."""
    _check_callable(answer)
    z = torch.linspace(-2, 2, 12, dtype=torch.float64).view(3, 4) + 0.05
    known = {
        "ReLU, which is linear on each side, should have none": (torch.relu, torch.zeros_like(z)),
        "z + 3 should have the bias 3 everywhere": (lambda u: u + 3, torch.full_like(z, 3)),
        "z ** 2 should have the bias -z ** 2, since its tangent at z is 2 z u - z ** 2": (torch.square, -z.square()),
    }
    for hint, (eta, want) in known.items():
        got = answer(eta, z.clone())
        if not isinstance(got, Tensor) or got.shape != z.shape:
            raise WrongAnswer("every element has a bias of its own: the answer has the shape of z")
        if not torch.allclose(got.detach().to(want.dtype), want, rtol=1e-5, atol=1e-6):
            raise WrongAnswer(hint)
    return "the tangent's intercept: the bias that the activation has just here."


@exercise(rating=3, minutes=20)
def two_layers(answer: Callable[..., tuple[Tensor, Tensor, Tensor]]) -> str:
    """A function of `W (H, D), b (H,), v (H,), c (), x (B, D)` for `f = v . relu(W x + b) + c`.

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
    active = (x @ weight.T + bias) > 0
    given, hidden, output = (term.detach().double() for term in terms)
    if hidden[~active].abs().max() > 1e-9:
        raise WrongAnswer("a unit that is off has no gradient, and so no bias term: multiply by where W x + b > 0")
    if torch.allclose(given, (active * v) @ weight):
        raise WrongAnswer("the input term is the gradient times the input, not the gradient alone")
    total = given.sum(1) + hidden.sum(1) + output
    f = torch.relu(x @ weight.T + bias) @ v + c
    if torch.allclose(total + c, f) or torch.allclose(total - c, f):
        raise WrongAnswer("the sum misses the output by exactly c: the last bias counts too, once")
    if not torch.allclose(total, f):
        raise WrongAnswer(f"the terms add up to {total[0]:.3f} and not to the output {f[0]:.3f} for the first example")
    if not torch.allclose(hidden, active * v * bias):
        raise WrongAnswer("the sum is right, but the hidden term is not the gradient at each unit times its own bias")
    if not torch.allclose(output, c.expand(5)):
        raise WrongAnswer("the sum is right, but the output's term is not its bias c, the same for every example")
    if not torch.allclose(given, x * ((active * v) @ weight)):
        raise WrongAnswer("the sum is right, but the input term is not gradient times input at each coordinate")
    return "three terms that add up to the output, for every example."


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
