"""What `fit` adds to its loss: a function of f and x, as a regularizer; the penalty on the length of the gradient.

f is a number of each example, the logit or the log-probability of its class.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interpbook.checks import check_function, check_generator, check_input, check_labels, check_number
from interpbook.functions import Function, Of, check_of, differentiable, fix_target, gradient, take, values_of
from interpbook.training.fit import Regularizer

__all__ = ["as_regularizer", "evaluation", "gradient_norm_penalty", "recorded", "start"]

Scalar = Float[Tensor, ""]


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
    with recorded() as keep:
        f, leaf, values = start(f, x)
        loss = gradient(values, leaf).square().flatten(1).sum(1).mean() / 2
    return keep(loss)


def as_regularizer(
    loss: Callable[..., Tensor], strength: float | int, *, of: Of = "logit", **options: object
) -> Regularizer:
    """What `interpbook.training.fit` adds to its loss: lambda times a loss of f, on each batch,

        strength * loss(f, x, **options),    f = the logit of the class of each example.

    The model is looked at in evaluation mode, so that no example depends on another through batch norm and none
    is dropped out: the function that is penalised is the one that the user gets. (The published code stays in
    training mode.) Noise comes from the generator of `fit`.

    Args:
        loss: any function of (f, x) and, if it wants one, `generator`: `gradient_norm_penalty`, or a loss of
            `interpbook.density`.
        strength: lambda, at least 0; with 0 nothing is computed.
        of: `"logit"`, `"log_prob"`, `"prob"` or `"log_odds"` of that class. The implicit density is that of logits.
        options: of the loss.

    Returns:
        A function of (model, x, y, generator), y the class of each example.

    Raises:
        TypeError, ValueError: a wrong `loss`, `strength` or `of`, or an option that the loss does not have.

    Source: [srinivas2021rethinking].

    >>> from interpbook.models import MLP
    >>> from interpbook.training import fit
    >>> x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    >>> penalty = as_regularizer(gradient_norm_penalty, 0.1)
    >>> model = MLP((8,), inputs=2, classes=2)
    >>> history = fit(model, (x, (x[:, 0] > 0).long()), epochs=3, regularizer=penalty)
    >>> len(history.penalty)
    3
    """
    if not callable(loss):
        raise TypeError(f"loss: expected a function of f and x, got {type(loss).__name__}")
    strength = check_number(strength, "strength", minimum=0)
    check_of(of)
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
        with evaluation(model):
            chosen = {**options, "generator": generator} if takes_noise else options
            return strength * loss(_OfClass(model, y, of), x, **chosen)

    return regularizer


class _OfClass:
    """The number of class y of each example, without a check for NaN: `fit` looks for them itself."""

    def __init__(self, model: nn.Module, y: Tensor, of: Of) -> None:
        self.model, self.y, self.of = model, y, of

    def __call__(self, x: Tensor) -> Tensor:
        return take(self.model(x), self.y, self.of)


def start(f: Function, x: Tensor) -> tuple[Function, Tensor, Tensor]:
    """f with its classes held fixed, a leaf with the values of x, and the values of f there.

    >>> f, leaf, values = start(lambda x: x.sum(1), torch.ones(1, 2))
    >>> leaf.requires_grad, values.tolist()
    (True, [2.0])
    """
    check_input(x)
    check_function(f, x)
    f = fix_target(f, x.detach())
    leaf = x.detach().clone().requires_grad_()
    return f, leaf, values_of(f, leaf, finite=False)


@contextmanager
def recorded() -> Iterator[Callable[[Tensor], Tensor]]:
    """Record a graph inside; give a function that drops it from the result if the caller wants none.

    >>> with torch.no_grad(), recorded() as keep:
    ...     keep(torch.ones(1, requires_grad=True) * 2).requires_grad
    False
    """
    wanted = torch.is_grad_enabled()
    with differentiable():
        yield lambda result: result if wanted else result.detach()


@contextmanager
def evaluation(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside, and every module's own mode again afterwards.

    >>> layer = nn.Dropout()
    >>> with evaluation(layer):
    ...     layer.training
    False
    >>> layer.training
    True
    """
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
