"""The density that a classifier defines without being asked: p(x, y) = exp(f_y(x)) / Z, f_y the logit of class y.

Bayes' rule applied to it gives back the softmax, the score of p(x | y) is the gradient of the logit, and nothing
in the training of a classifier says what either has to be.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interpbook.checks import check_count, check_function, check_generator, check_input, check_number, check_output
from interpbook.functions import Function, fix_target, standard_normal, values_of

__all__ = ["Shifted", "log_density_ratio", "noisy_log_density_ratio"]


class Shifted(nn.Module):
    """The same classifier with another implicit density [srinivas2021rethinking]: for every class i,

        f_i(x) + g(x).

    Softmax does not see g: predictions, probabilities and the gradients of the loss are those of `model`. The
    gradient of each logit has grad g added, which can be any vector field that is a gradient, such as the
    picture T with g(x) = <T, x>.

    Maps Float[B *dims] to logits Float[B K], like `model`.

    Args:
        model: a module, (B, *dims) -> (B, K).
        g: a module or function, (B, *dims) -> (B,). A module becomes part of this one.

    Raises:
        TypeError: `model` is no module, or `g` cannot be called.
        ValueError: when called: outputs of another shape, or not finite.

    >>> model = nn.Linear(2, 3)
    >>> shifted = Shifted(model, lambda x: 100 * x.sum(1)).eval()
    >>> x = torch.ones(1, 2)
    >>> torch.allclose(shifted(x).softmax(1), model(x).softmax(1), atol=1e-5), bool(shifted(x)[0, 0] > 190)
    (True, True)
    """

    def __init__(self, model: nn.Module, g: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        if not isinstance(model, nn.Module):
            raise TypeError(f"model: expected a torch.nn.Module, got {type(model).__name__}")
        if not callable(g):
            raise TypeError(f"g: expected a function from (B, *dims) to (B,), got {type(g).__name__}")
        self.model = model
        self.g = g
        self.train(model.training)

    def forward(self, x: Float[Tensor, "B *dims"]) -> Float[Tensor, "B K"]:
        """Logits, (B, K)."""
        return check_output(self.model(x), len(x)) + values_of(self.g, x)[:, None]


def log_density_ratio(f: Function, x: Float[Tensor, "B *dims"], other: Float[Tensor, "B *dims"]) -> Float[Tensor, "B"]:
    """How much more likely another input is under the implicit density of a class [srinivas2021rethinking]:

        log p(other | y) - log p(x | y) = f(other) - f(x),    f the logit of class y.

    The constant Z cancels. This is what pixel perturbation measures when it records a logit. It changes when
    one function of x is added to all logits, although the classifier does not.

    Args:
        f: (B, *dims) -> (B,), a logit; "predicted" classes are those at x.
        x: the batch.
        other: as many inputs of the same shape.

    Returns:
        One number per example, in nats; no graph.

    Raises:
        TypeError, ValueError: a wrong `x` or `other`; an f that does not give (B,) finite values.

    >>> log_density_ratio(lambda x: -(x**2).sum(1) / 2, torch.zeros(1, 2), torch.ones(1, 2))
    tensor([-1.])
    """
    check_input(x)
    check_input(other, "other")
    if other.shape != x.shape:
        raise ValueError(f"other: expected the shape of x, {tuple(x.shape)}, got {tuple(other.shape)}")
    check_function(f, x)
    f = fix_target(f, x.detach())
    with torch.no_grad():
        return values_of(f, other.detach()) - values_of(f, x.detach())


def noisy_log_density_ratio(
    f: Function,
    x: Float[Tensor, "B *dims"],
    sigma: float | int,
    samples: int = 1,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "samples B"]:
    """`log_density_ratio` of noisy inputs to clean ones, one row for each noise [srinivas2021rethinking]:

        f(x + sigma e_k) - f(x),    e_k standard normal.

    Its mean falls with sigma where f knows the data: natural inputs are more likely than noisy ones. The
    published curve is that of the mean of `exp` of it, which a few large values decide.

    Args:
        f: (B, *dims) -> (B,), a logit; "predicted" classes are those at x.
        x: the batch.
        sigma: standard deviation of the noise, at least 0, in units of x.
        samples: number of noises; all examples get the same ones.
        generator: where the noise comes from; without one, a generator with seed 0.

    Returns:
        Log ratios in nats, (samples, B); no graph.

    Raises:
        TypeError, ValueError: a wrong argument; an f that does not give (B,) finite values.

    >>> ratios = noisy_log_density_ratio(lambda x: -(x**2).sum(1) / 2, torch.zeros(3, 2), sigma=0.1, samples=4)
    >>> ratios.shape, bool((ratios < 0).all())
    (torch.Size([4, 3]), True)
    """
    check_input(x)
    check_function(f, x)
    sigma = check_number(sigma, "sigma", minimum=0)
    samples, generator = check_count(samples, "samples"), check_generator(generator)
    x = x.detach()
    f = fix_target(f, x)
    with torch.no_grad():
        clean = values_of(f, x)
        noises = (standard_normal(tuple(x.shape[1:]), x, generator) for _ in range(samples))
        return torch.stack([values_of(f, x + sigma * noise) - clean for noise in noises])
