"""What training can ask of the density hidden in a classifier: to have the data's score, its opposite, or a small one.

Each loss takes f = log p(x | y) up to a constant, the logit of each example's class, and returns one scalar that
`backward` can be called on. `as_regularizer` makes from it what `interpbook.training.fit` adds to its own loss.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from interpbook.checks import check_count, check_generator, check_number
from interpbook.density.hessian_trace import check_sigma, second_difference
from interpbook.functions import Function, check_smooth, gradient, second_derivatives, standard_normal
from interpbook.training.regularizers import recorded, start

__all__ = ["anti_score_matching_loss", "score_matching_loss"]

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
    with recorded() as keep:
        f, leaf, values = start(f, x)
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
    with recorded() as keep:
        f, leaf, values = start(f, x)
        check_smooth(f, values, leaf)
        if exact:
            h = second_derivatives(gradient(values, leaf), leaf, graph=True)
        else:
            h = _estimate(f, leaf.detach(), values, samples, sigma, antithetic, generator)
        loss = -h.clamp(max=tau).mean() if tau is not None else -h.mean()
    return keep(loss)


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
