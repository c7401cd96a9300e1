"""What training can ask of the density hidden in a classifier: to have the data's score, its opposite, or a small one.

Each loss takes f = log p(x | y) up to a constant, the logit of each example's class, and returns one scalar that
`backward` can be called on. `as_regularizer` makes from it what `interpbook.training.fit` adds to its own loss.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interpbook.checks import check_count, check_function, check_generator, check_input, check_labels, check_number
from interpbook.density.hessian_trace import check_sigma, second_difference
from interpbook.functions import (
    Function,
    Of,
    check_smooth,
    differentiable,
    fix_target,
    gradient,
    second_derivatives,
    standard_normal,
    take,
    values_of,
)
from interpbook.training import Regularizer

__all__ = ["anti_score_matching_loss", "as_regularizer", "gradient_norm_penalty", "score_matching_loss"]

Scalar = Float[Tensor, ""]


def score_matching_loss(
    f: Function,
    x: Float[Tensor, "B *dims"],
    *,
    samples: int = 1,
    sigma: float | int = 0.01,
    antithetic: bool = True,
    exact: bool = False,
    stabilizer: float | int = 0.0,
    generator: torch.Generator | None = None,
) -> Scalar:
    """The mean over the batch of [hyvarinen2005estimation] [srinivas2021rethinking]

        h(x) + |grad f(x)|^2 / 2 + mu h(x)^2,    h(x) = tr(Hessian of f at x).

    With mu = 0 its expectation over the data is, up to a constant, half the mean squared distance between
    grad f and the score of the data: it is least where f is the log density.

    Each example has noises of its own. NaN and infinite values pass through, so that `fit` can stop at them.

    Args:
        f: (B, *dims) -> (B,), smooth: usually the logit of the class of each example.
        x: the batch.
        samples, sigma, antithetic: of the estimate of h, as in `hutchinson_trace`; h^2 is then the square of
            the estimate. In the published code samples = 1, sigma = 0.01, one-sided.
        exact: sum the second derivatives instead of estimating h; one backward pass for each value of x.
        stabilizer: mu, published as 1e-3. Without it a flexible network sends h to minus infinity at the
            training data. Beware of it one-sided: as E[h^2] contains 4 |grad f|^2 / sigma^2, it is a penalty
            on the gradient, with the published numbers 80 times the explicit one.
        generator: where the noise comes from; without one, a generator with seed 0.

    Returns:
        A scalar with a graph to the weights of f, unless gradients are disabled.

    Raises:
        TypeError, ValueError: a wrong argument; an f(x) that is not (B,) or not differentiable in x; an x or
            f(x) of 16 bits; an f with a ReLU or another kink, whose Hessian is zero almost everywhere.

    >>> x = torch.randn(1000, 2, generator=torch.Generator().manual_seed(0))
    >>> normal = lambda a: lambda x: -a * x.square().sum(1) / 2  # log density of variance 1 / a
    >>> [round(score_matching_loss(normal(a), x, exact=True).item(), 1) for a in (0.5, 1, 1.5)]
    [-0.7, -1.0, -0.7]
    """
    mu, generator = check_number(stabilizer, "stabilizer", minimum=0), check_generator(generator)
    with _recorded() as keep:
        f, leaf, values = _start(f, x)
        check_smooth(f, values, leaf)
        first = gradient(values, leaf)
        if exact:
            h = second_derivatives(first, leaf, graph=True)
        else:
            h = _estimate(f, leaf.detach(), values, samples, sigma, antithetic, generator)
        loss = (h + first.square().flatten(1).sum(1) / 2 + mu * h.square()).mean()
    return keep(loss)


def anti_score_matching_loss(
    f: Function,
    x: Float[Tensor, "B *dims"],
    *,
    samples: int = 1,
    sigma: float | int = 0.01,
    antithetic: bool = True,
    exact: bool = False,
    ceiling: float | int | None = 1000.0,
    generator: torch.Generator | None = None,
) -> Scalar:
    """Minus the mean over the batch of the trace of the Hessian, where it is below tau [srinivas2021rethinking]:

        -min(h(x), tau),    h(x) = tr(Hessian of f at x).

    It makes the data a place of low density among higher ones around it. With tau = infinity it is the negative
    of the first term of `score_matching_loss`; the other term is not in it.

    Args:
        f, x, samples, sigma, antithetic, exact, generator: as in `score_matching_loss`.
        ceiling: tau, above which an example has no gradient any more; None for infinity. 1000 is the published
            value. Without it the trace grows without bound.

    Returns:
        A scalar with a graph to the weights of f, unless gradients are disabled.

    Raises:
        TypeError, ValueError: as `score_matching_loss`.

    >>> with torch.no_grad():
    ...     anti_score_matching_loss(lambda x: (x**2).sum(1), torch.zeros(3, 2), exact=True)
    tensor(-4.)
    """
    tau, generator = None if ceiling is None else check_number(ceiling, "ceiling"), check_generator(generator)
    with _recorded() as keep:
        f, leaf, values = _start(f, x)
        check_smooth(f, values, leaf)
        if exact:
            h = second_derivatives(gradient(values, leaf), leaf, graph=True)
        else:
            h = _estimate(f, leaf.detach(), values, samples, sigma, antithetic, generator)
        loss = -h.clamp(max=tau).mean() if tau is not None else -h.mean()
    return keep(loss)


def gradient_norm_penalty(f: Function, x: Float[Tensor, "B *dims"]) -> Scalar:
    """Half the squared length of the gradient, as a mean over the batch [drucker1992improving]:

        |grad f(x)|^2 / 2.

    It needs no second derivative in x: a ReLU network is welcome.

    Returns:
        A scalar with a graph to the weights of f, unless gradients are disabled.

    Raises:
        TypeError, ValueError: a wrong `x`; an f(x) that is not (B,) or not differentiable in x.

    >>> w = torch.tensor([3.0, 4.0], requires_grad=True)
    >>> gradient_norm_penalty(lambda x: x @ w, torch.zeros(5, 2))
    tensor(12.5000, grad_fn=<DivBackward0>)
    """
    with _recorded() as keep:
        f, leaf, values = _start(f, x)
        loss = gradient(values, leaf).square().flatten(1).sum(1).mean() / 2
    return keep(loss)


def as_regularizer(
    loss: Callable[..., Tensor], strength: float | int, *, of: Of = "logit", **options: object
) -> Regularizer:
    """What `interpbook.training.fit` adds to its loss: lambda times one of the losses above, on each batch,

        strength * loss(f, x, **options),    f = the logit of the class of each example.

    The model is looked at in evaluation mode, so that no example depends on another through batch norm and none
    is dropped out: the function that is penalised is the one that the user gets. (The published code stays in
    training mode.) Noise comes from the generator of `fit`.

    Args:
        loss: one of the losses above, or any function of (f, x) and, if it wants one, `generator`.
        strength: lambda, at least 0; with 0 nothing is computed.
        of: `"logit"`, `"log_prob"` or `"prob"` of that class. The implicit density is that of logits.
        options: of the loss.

    Returns:
        A function of (model, x, y, generator), y the class of each example.

    Raises:
        TypeError, ValueError: a wrong `loss`, `strength` or `of`, or an option that the loss does not have.

    Source: [srinivas2021rethinking].

    >>> from interpbook.models import MLP
    >>> from interpbook.training import fit
    >>> x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    >>> penalty = as_regularizer(score_matching_loss, 0.1, sigma=0.05, stabilizer=1e-3)
    >>> model = MLP((8,), "softplus", inputs=2, classes=2)
    >>> history = fit(model, (x, (x[:, 0] > 0).long()), epochs=3, regularizer=penalty)
    >>> len(history.penalty)
    3
    """
    if not callable(loss):
        raise TypeError(f"loss: expected a function of f and x, got {type(loss).__name__}")
    strength = check_number(strength, "strength", minimum=0)
    if of not in ("logit", "log_prob", "prob"):
        raise ValueError(f'of: expected "logit", "log_prob" or "prob", got {of!r}')
    known = inspect.signature(loss).parameters
    free = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())
    unknown = [name for name in options if name not in known and not free]
    if unknown:
        name = getattr(loss, "__name__", repr(loss))
        raise TypeError(f"options: expected arguments of {name}, got {', '.join(unknown)}")
    takes_noise = "generator" in known and "generator" not in options

    def regularizer(model: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        if strength == 0:
            return x.new_zeros(())
        y, generator = check_labels(y, len(x), None, "y"), check_generator(generator)
        with _evaluation(model):
            chosen = {**options, "generator": generator} if takes_noise else options
            return strength * loss(_OfClass(model, y, of), x, **chosen)

    return regularizer


class _OfClass:
    """The number of class y of each example, without a check for NaN: `fit` looks for them itself."""

    def __init__(self, model: nn.Module, y: Tensor, of: Of) -> None:
        self.model, self.y, self.of = model, y, of

    def __call__(self, x: Tensor) -> Tensor:
        return take(self.model(x), self.y, self.of)


def _start(f: Function, x: Tensor) -> tuple[Function, Tensor, Tensor]:
    """f with its classes held fixed, a leaf with the values of x, and the values of f there."""
    check_input(x)
    check_function(f, x)
    f = fix_target(f, x.detach())
    leaf = x.detach().clone().requires_grad_()
    return f, leaf, values_of(f, leaf, finite=False)


def _estimate(
    f: Function,
    x: Tensor,
    values: Tensor,
    samples: int,
    sigma: float,
    antithetic: bool,
    generator: torch.Generator,
) -> Tensor:
    """The estimate of the trace of each example, with a graph to the weights of f."""
    samples, sigma = check_count(samples, "samples"), check_sigma(sigma)
    noises = (sigma * standard_normal(x.shape, x, generator) for _ in range(samples))
    return torch.stack([second_difference(f, x, step, values, sigma, antithetic) for step in noises]).mean(0)


@contextmanager
def _recorded() -> Iterator[Callable[[Tensor], Tensor]]:
    """Record a graph inside; give a function that drops it from the result if the caller wants none."""
    wanted = torch.is_grad_enabled()
    with differentiable():
        yield lambda result: result if wanted else result.detach()


@contextmanager
def _evaluation(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside, and every module's own mode again afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
