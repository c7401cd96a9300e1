"""The trace of the Hessian of f: exactly, or from values of f alone at a few noisy copies of the input."""

import torch
from jaxtyping import Float
from torch import Tensor

from interpbook.checks import check_count, check_finite, check_function, check_generator, check_input, check_number
from interpbook.functions import (
    Function,
    check_smooth,
    copies_per_call,
    differentiable,
    fix_target,
    gradient,
    second_derivatives,
    standard_normal,
    values_of,
)

__all__ = ["check_sigma", "exact_trace", "hutchinson_trace", "second_difference", "trace_estimates"]


def hutchinson_trace(
    f: Function,
    x: Float[Tensor, "B *dims"],
    samples: int = 1,
    sigma: float | int = 0.01,
    antithetic: bool = True,
    generator: torch.Generator | None = None,
    chunk: int | None = None,
) -> Float[Tensor, "B"]:
    """The trace of the Hessian of f at x, estimated from values of f [hutchinson1990stochastic]:

        mean over k of (f(x + v_k) + f(x - v_k) - 2 f(x)) / sigma^2,    v_k = sigma u_k, u_k standard normal,

    or, with `antithetic=False`, the one-sided form that was published for score matching
    [srinivas2021rethinking],

        mean over k of 2 (f(x + v_k) - f(x)) / sigma^2.

    Where f is quadratic the expectation of both is tr(H), for E[u'Hu] = tr(H); elsewhere the bias falls as
    sigma^2. With g the gradient and H the Hessian at x, the variance of one estimate is

        2 |H|^2    or, one-sided,    2 |H|^2 + 4 |g|^2 / sigma^2    (|H| the Frobenius norm),

    exactly for quadratic f: in the one-sided form the gradient drowns the trace.

    Args:
        f: (B, *dims) -> (B,), smooth; called on whole copies of the batch, (n * B, *dims).
        x: the batch.
        samples: number of noises; antithetic, each costs two evaluations of f, one-sided it costs one.
        sigma: length of a step in units of x, above 0. The rounding of f adds an error of about
            eps |f| / sigma^2, in float32 with logits of size 10 a few hundredths at sigma = 0.01.
        antithetic: use each noise with both signs.
        generator: where the noise comes from; without one, a generator with seed 0.
        chunk: copies of the batch in one call of f; by default as many as are small. It does not change the
            result.

    All examples of a batch get the same noises, so that the estimate of one does not depend on the others.
    `trace_estimates` returns the estimates one by one, for a standard error.

    Returns:
        One number per example, in units of f per squared unit of x; no graph.

    Raises:
        TypeError, ValueError: a wrong argument; an f(x) that is not (B,) or not finite; an x or f(x) of 16
            bits; an f with a ReLU or another kink, whose Hessian is zero almost everywhere.

    >>> hutchinson_trace(lambda x: (x**2).sum(1), torch.zeros(1, 2, dtype=torch.float64), samples=4000).round()
    tensor([4.], dtype=torch.float64)
    """
    return trace_estimates(f, x, samples, sigma, antithetic, generator, chunk).mean(0)


def trace_estimates(
    f: Function,
    x: Float[Tensor, "B *dims"],
    samples: int = 1,
    sigma: float | int = 0.01,
    antithetic: bool = True,
    generator: torch.Generator | None = None,
    chunk: int | None = None,
) -> Float[Tensor, "samples B"]:
    """The single estimates whose mean is `hutchinson_trace`, one row for each noise: arguments and errors are its.

    The standard error of the mean is their standard deviation over sqrt(samples). Source:
    [hutchinson1990stochastic].

    >>> rows = trace_estimates(lambda x: (x**2).sum(1), torch.zeros(3, 2), samples=5)
    >>> rows.shape
    torch.Size([5, 3])
    """
    check_input(x)
    check_function(f, x)
    samples, sigma = check_count(samples, "samples"), check_sigma(sigma)
    generator = check_generator(generator)
    x = x.detach()
    f = fix_target(f, x)
    with differentiable():
        leaf = x.clone().requires_grad_()
        values = values_of(f, leaf)
        check_smooth(f, values, leaf)
    values = values.detach()
    copies = copies_per_call(x, chunk)
    rows = []
    with torch.no_grad():
        for start in range(0, samples, copies):
            count = min(copies, samples - start)
            noise = torch.stack([standard_normal(x.shape[1:], x, generator) for _ in range(count)])
            step = (sigma * noise).repeat_interleave(len(x), 0)
            many, repeated = x.repeat(count, *[1] * (x.dim() - 1)), values.repeat(count)
            rows.append(second_difference(f, many, step, repeated, sigma, antithetic).view(count, len(x)))
    estimates = torch.cat(rows)
    check_finite(estimates, "estimates of the trace")
    return estimates


def exact_trace(f: Function, x: Float[Tensor, "B *dims"]) -> Float[Tensor, "B"]:
    """The trace of the Hessian of f at x,

        tr H(x) = sum over i of d2 f / dx_i^2,

    by one backward pass through the gradient for each of the d values of an example: for small d, as the truth
    beside `hutchinson_trace`.

    Returns:
        One number per example, in units of f per squared unit of x; no graph.

    Raises:
        TypeError, ValueError: a wrong `x`; an f(x) that is not (B,), not finite or not differentiable in x; an x
            or f(x) of 16 bits; an f with a ReLU or another kink, whose Hessian is zero almost everywhere.

    Source: [hyvarinen2005estimation], where it is the first of the two terms of score matching.

    >>> exact_trace(lambda x: (x**3).sum(1), torch.tensor([[1.0, 2.0]]))
    tensor([18.])
    """
    check_input(x)
    check_function(f, x)
    f = fix_target(f, x.detach())
    with differentiable():
        leaf = x.detach().clone().requires_grad_()
        values = values_of(f, leaf)
        check_smooth(f, values, leaf)
        trace = second_derivatives(gradient(values, leaf), leaf, graph=False).detach()
    check_finite(trace, "second derivatives of f")
    return trace


def second_difference(
    f: Function, x: Tensor, step: Tensor, values: Tensor, sigma: float, antithetic: bool
) -> Float[Tensor, "B"]:
    """One estimate of the trace from a step of standard deviation sigma and the values f(x); see `hutchinson_trace`.

    It keeps the graph to the weights of f, and lets NaN pass.

    >>> x, step = torch.zeros(1, 2), torch.tensor([[1.0, -1.0]])
    >>> second_difference(lambda x: (x**2).sum(1), x, step, torch.zeros(1), sigma=1.0, antithetic=False)
    tensor([4.])
    """
    ahead = values_of(f, x + step, finite=False)
    if not antithetic:
        return 2 * (ahead - values) / sigma**2
    behind = values_of(f, x - step, finite=False)
    # The differences first: in f(x + v) + f(x - v) the digits that matter would be rounded away.
    return ((ahead - values) + (behind - values)) / sigma**2


def check_sigma(sigma: object) -> float:
    """Check that a length of steps is a number above 0, and return it.

    Raises:
        TypeError, ValueError: it is not.

    >>> check_sigma(0)
    Traceback (most recent call last):
        ...
    ValueError: sigma: expected a number above 0, got 0
    """
    number = check_number(sigma, "sigma", minimum=0)
    if number == 0:
        raise ValueError(f"sigma: expected a number above 0, got {sigma}")
    return number
