"""Attribution by gradients: at the input itself, along a path to it, and averaged over noise around it.

Every function takes f: (B, *dims) -> (B,), one number per example that depends on no other example (`select`
makes such an f from a model), and a batch x; it returns a raw, signed tensor of the shape, dtype and device
of x. Nothing else remains: no `.grad`, no graph, no changed flag, and the global random state as it was.
"""

from collections.abc import Iterator
from itertools import islice

import torch
from jaxtyping import Float
from torch import Tensor

from interpbook.checks import (
    check_baseline,
    check_count,
    check_finite,
    check_generator,
    check_input,
    check_number,
)
from interpbook.functions import Function, copies_per_call, fix_target, gradients_at, input_gradient, standard_normal

__all__ = ["gradient_x_input", "input_gradient", "integrated_gradients", "smoothgrad"]


def gradient_x_input(f: Function, x: Float[Tensor, "B *dims"]) -> Float[Tensor, "B *dims"]:
    """The gradient times the input, x * grad f(x), in units of f [shrikumar2016not].

    It adds up to f(x) when f is homogeneous of degree 1, such as a ReLU network without biases.

    Returns:
        A tensor like x.

    Raises:
        TypeError, ValueError: as `input_gradient`.

    >>> gradient_x_input(lambda x: (x**2).sum(1), torch.tensor([[1.0, 2.0]]))
    tensor([[2., 8.]])
    """
    return input_gradient(f, x) * x.detach()


def integrated_gradients(
    f: Function,
    x: Float[Tensor, "B *dims"],
    baseline: float | int | Float[Tensor, "..."] = 0.0,
    steps: int = 50,
    chunk: int | None = None,
) -> Float[Tensor, "B *dims"]:
    """The gradient averaged on the line from a baseline b to the input [sundararajan2017axiomatic]:

        (x - b) * integral over t from 0 to 1 of grad f(b + t (x - b)),

    by the midpoint rule, t = (k + 1/2) / steps: exact for quadratic f, whatever `steps`. The values of an
    example add up to f(x) - f(b) as far as the rule is exact; the difference of the two sums is the error to
    report.

    Args:
        f: (B, *dims) -> (B,); called on whole copies of the batch, (n * B, *dims).
        x: the batch.
        baseline: b, in units of x: a number, or a tensor that broadcasts to x.
        steps: points on the line, each of which costs one gradient.
        chunk: copies of the batch in one call of f. The default takes one copy at a time, more only when a
            copy has few values, and keeps memory near that of one gradient. It does not change the result.

    Returns:
        A tensor like x, in units of f.

    Raises:
        TypeError, ValueError: as `input_gradient`, and for a wrong `baseline`, `steps` or `chunk`.

    >>> integrated_gradients(lambda x: (x**2).sum(1), torch.tensor([[1.0, 2.0]]))
    tensor([[1., 4.]])
    """
    check_input(x)
    x = x.detach()
    start = check_baseline(baseline, x)
    steps = check_count(steps, "steps")
    points = ((k + 0.5) / steps for k in range(steps))
    mean = _mean_gradient(f, x, (torch.lerp(start, x, t) for t in points), steps, chunk)
    return (x - start) * mean


def smoothgrad(
    f: Function,
    x: Float[Tensor, "B *dims"],
    sigma: float | int,
    samples: int = 50,
    generator: torch.Generator | None = None,
    chunk: int | None = None,
) -> Float[Tensor, "B *dims"]:
    """The gradient averaged over Gaussian noise around the input [smilkov2017smoothgrad]:

        mean over k of grad f(x + sigma e_k),    e_k standard normal,

    an unbiased estimate of the gradient of f smoothed by that Gaussian; its error falls as 1 / sqrt(samples).

    Args:
        f: (B, *dims) -> (B,); called on whole copies of the batch, (n * B, *dims).
        x: the batch.
        sigma: standard deviation of the noise, at least 0, in units of x (not relative to its range).
        samples: number of noises, each of which costs one gradient.
        generator: where the noise comes from. Without one, a generator with seed 0: the same call gives the
            same answer.
        chunk: as in `integrated_gradients`.

    All examples of a batch get the same noises, in the same order, so that the map of one does not depend on
    the others, on their order, on `chunk` or on the device.

    Returns:
        A tensor like x, in units of f per unit of x.

    Raises:
        TypeError, ValueError: as `input_gradient`, and for a wrong `sigma`, `samples`, `generator` or
            `chunk`.

    >>> smoothgrad(lambda x: 3 * x.sum(1), torch.tensor([[1.0, 2.0]]), sigma=0.1)
    tensor([[3., 3.]])
    """
    check_input(x)
    x = x.detach()
    sigma = check_number(sigma, "sigma", minimum=0)
    samples = check_count(samples, "samples")
    generator = check_generator(generator)
    noisy = (x + sigma * standard_normal(x.shape[1:], x, generator) for _ in range(samples))
    return _mean_gradient(f, x, noisy, samples, chunk)


def _mean_gradient(f: Function, x: Tensor, points: Iterator[Tensor], count: int, chunk: int | None) -> Tensor:
    """The mean gradient of f over `count` batches of points like x, as a running sum over calls of f."""
    f = fix_target(f, x)
    copies = copies_per_call(x, chunk)
    # In float64 where there is one, so that neither the order nor the number of terms shows in the result.
    total = torch.zeros_like(x, dtype=torch.float32 if x.device.type == "mps" else torch.float64)
    for _ in range(0, count, copies):
        # No other large tensor in this loop: with more of them, malloc returns memory to the system in each round and
        # fetches it again, which costs a resnet18 several percent. What is not finite stays so in the sum.
        for gradient in gradients_at(f, list(islice(points, copies))).split(len(x)):
            total += gradient
    check_finite(total, "gradient of f")
    return (total / count).to(x.dtype)
