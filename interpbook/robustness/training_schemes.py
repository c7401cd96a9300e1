"""Three ways to train for robustness: a small gradient, agreement under noise, and examples that an attack has moved.

Each is a regularizer or a perturbation of `interpbook.training.fit`. None of their constants depends on the size of the
batch, where the published ones do [srinivas2023which]; each docstring says how to convert them. The model is looked at
in evaluation mode, so that no example depends on another through batch norm.
"""

import torch
from torch import Tensor, nn

from interpbook.checks import check_count, check_labels, check_number
from interpbook.functions import standard_normal
from interpbook.robustness.pgd import climb, step_sizes
from interpbook.robustness.region import check_box, check_norm, region_around
from interpbook.training import Perturbation, Regularizer, as_regularizer, gradient_norm_penalty
from interpbook.training.regularizers import evaluation

__all__ = ["adversarial_inputs", "gradient_norm_regularizer", "noisy_inputs", "smoothness_regularizer"]


def gradient_norm_regularizer(strength: float | int) -> Regularizer:
    """For `fit`: the mean over the batch of the squared length of the gradient of the loss [drucker1992improving],

        lambda mean_i |grad_x loss_i(x_i)|^2,    loss_i = -log softmax(model(x))_{y_i}.

    The published code takes the gradient of the *mean* loss and 1e5 lambda / B times the sum of its squares: a lambda
    there is lambda 1e5 / B^2 here, 6.1 lambda for its batches of 128 [srinivas2023which].

    Args:
        strength: lambda, at least 0.

    Raises:
        TypeError, ValueError: a `strength` that is no number, or negative.

    >>> from interpbook.training import fit
    >>> x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    >>> model = nn.Linear(2, 2)
    >>> history = fit(model, (x, (x[:, 0] > 0).long()), epochs=1, regularizer=gradient_norm_regularizer(0.1))
    >>> history.penalty[0] > 0
    True
    """
    # The penalty has a factor of one half, and the loss is minus the logarithm of the probability.
    return as_regularizer(gradient_norm_penalty, 2 * check_number(strength, "strength", minimum=0), of="log_prob")


def smoothness_regularizer(strength: float | int, sigma: float | int = 0.1) -> Regularizer:
    """For `fit`: the mean over the batch of the squared change of the logits under noise,

        lambda mean_i |model(x_i + n_i) - model(x_i)|^2,    n_i normal with deviation sigma,

    drawn anew for each example of each batch. One of the two forms of training with noise in [srinivas2023which]; the
    other is `noisy_inputs`. To first order in sigma it is a penalty on the gradients of all logits.

    Args:
        strength: lambda, at least 0.
        sigma: at least 0, in units of x; published as 0.1.

    Raises:
        TypeError, ValueError: an argument that is no number, or negative.

    >>> penalty = smoothness_regularizer(1.0)
    >>> x = torch.zeros(4, 2)
    >>> penalty(nn.Linear(2, 3), x, torch.zeros(4, dtype=torch.int64), torch.Generator()).shape
    torch.Size([])
    """
    strength = check_number(strength, "strength", minimum=0)
    sigma = check_number(sigma, "sigma", minimum=0)

    def regularizer(model: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        if strength == 0:
            return x.new_zeros(())
        noise = sigma * standard_normal(x.shape, x, generator)
        with evaluation(model):
            change = model(x + noise) - model(x)
        return strength * change.square().flatten(1).sum(1).mean()

    return regularizer


def noisy_inputs(sigma: float | int) -> Perturbation:
    """For `fit`: x_i + n_i in place of x_i, n_i normal with deviation sigma: randomized smoothing [cohen2019certified].

    The noise is drawn anew for each example of each batch, and leads out of the box of the data: it is not clipped.

    Args:
        sigma: at least 0, in units of x.

    Raises:
        TypeError, ValueError: a `sigma` that is no number, or negative.

    >>> noisy_inputs(0.1)(nn.Identity(), torch.zeros(2, 3), torch.zeros(2), torch.Generator().manual_seed(0)).shape
    torch.Size([2, 3])
    """
    sigma = check_number(sigma, "sigma", minimum=0)

    def perturbation(model: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        return x + sigma * standard_normal(x.shape, x, generator)

    return perturbation


def adversarial_inputs(
    eps: float | int,
    norm: str = "l2",
    *,
    steps: int = 10,
    box: tuple[float | int, float | int] | None = (0.0, 1.0),
) -> Perturbation:
    """For `fit`: the examples after `pgd_attack`, in place of the examples [madry2018towards].

    The budget is one example's own. In the published code it is the whole batch's: an eps there is about
    eps / sqrt(B) here, .088 eps for its batches of 128 [srinivas2023which].

    Args:
        eps, norm, steps, box: of `pgd_attack`. The start is another for each batch.

    Raises:
        TypeError, ValueError: a wrong `eps`, `norm`, `steps` or `box`; with the first batch, as `pgd_attack`. Logits
            that are not finite are left to `fit`, which says at which step.

    >>> from interpbook.training import fit
    >>> x = torch.rand(64, 2, generator=torch.Generator().manual_seed(0))
    >>> model = nn.Linear(2, 2)
    >>> history = fit(model, (x, (x[:, 0] > 0.5).long()), epochs=1, perturbation=adversarial_inputs(0.1, steps=2))
    >>> len(history.loss)
    1
    """
    eps, norm = check_number(eps, "eps", minimum=0), check_norm(norm)
    steps, box = check_count(steps, "steps"), check_box(box)

    def perturbation(model: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        region = region_around(x, eps, norm, box)
        sizes = step_sizes(steps, None, region.budget)
        with evaluation(model):
            with torch.no_grad():
                logits = model(x.clone())
            return climb(model, region, check_labels(y, len(x), None, "y"), logits, sizes, generator).point

    return perturbation
