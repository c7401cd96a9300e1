"""What is explained: one number per example, f: (B, *dims) -> (B,), chosen from a model's outputs here.

The choice matters: gradients of a logit move when one function of x is added to all logits, which changes no
prediction; gradients of probabilities, log-probabilities and log-odds do not. No other signature of this package
repeats it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Integer
from torch import Tensor, nn

from interpbook.checks import check_function, check_model, check_output, check_target

__all__ = ["Selected", "check_of", "fix_target", "select", "take"]

#: One class for each example of a batch.
Classes = Integer[Tensor, "B"] | Integer[np.ndarray, "B"] | Sequence[int]
#: One class for all examples, one for each, or the predicted one.
Target = int | Classes | Literal["predicted"]
#: The number that is read of a class, its logit, or its log-probability, probability or log-odds after softmax.
Of = Literal["logit", "log_prob", "prob", "log_odds"]


@dataclass(frozen=True, eq=False)
class Selected:
    """One number per example, from the outputs of `model`. Made by `select`; call it like a function."""

    model: Callable[[Tensor], Tensor]
    target: Target
    of: Of
    copies: bool = False  # a batch may be several copies of the examples that a tensor of targets belongs to

    def __call__(self, x: Float[Tensor, "N *dims"]) -> Float[Tensor, "N"]:
        """The chosen number of each of N examples. After `at`, N may be several copies of the batch there."""
        if isinstance(self.model, nn.Module):
            check_model(self.model, x)
        target = self.target
        if self.copies and isinstance(target, Tensor):
            if len(x) % len(target):
                raise ValueError(f"x: expected whole copies of a batch of {len(target)}, got {len(x)} rows")
            target = target.repeat(len(x) // len(target))
        return take(check_output(self.model(x), len(x)), target, self.of)

    def at(self, x: Float[Tensor, "B *dims"]) -> "Selected":
        """The same choice for a method that looks at other points than `x`, with its classes held fixed.

        "predicted" becomes the classes predicted at `x`. The result takes any number of copies of a batch of
        B, stacked one copy after the other, and gives row r the class of example r mod B.

        Raises:
            ValueError: there are B targets and `x` is not a batch of B.

        >>> model = nn.Linear(2, 2).eval()
        >>> f = select(model, torch.tensor([0, 1])).at(torch.zeros(2, 2))
        >>> f(torch.zeros(6, 2)).shape
        torch.Size([6])
        """
        if isinstance(self.target, Tensor):
            check_target(self.target, len(x), None)
            return replace(self, copies=True)
        if self.target != "predicted":
            return self
        if isinstance(self.model, nn.Module):
            check_model(self.model, x)
        with torch.no_grad():
            logits = check_output(self.model(x.detach().clone()), len(x))
        return replace(self, target=logits.argmax(1), copies=True)


def select(model: nn.Module | Callable[[Tensor], Tensor], target: Target = "predicted", of: Of = "logit") -> Selected:
    """The function f that an explanation is about: for class y of an example with logits z,

        z_y  (of="logit"),    log softmax(z)_y  (of="log_prob"),    softmax(z)_y  (of="prob"),
        z_y - log sum over c != y of exp(z_c) = log p / (1 - p) with p = softmax(z)_y  (of="log_odds").

    Log-odds do not saturate: where p rounds to 1, its gradient and that of log p vanish, and that of the log-odds does
    not. Of two classes they are z_y - z_other, and the three gradients are parallel; that of a logit is not.

    Args:
        model: a module in evaluation mode, or any function, from (B, *dims) to logits (B, K).
        target: y, one class for all examples, B classes in a tensor of any integer dtype, a list or a numpy array, or
            "predicted": the class with the largest logit at the `x` that a method is called with, held fixed
            wherever else that method looks.
        of: which of the four numbers.

    Returns:
        f: (B, *dims) -> (B,), differentiable, with `f.at(x)` to hold the predicted classes fixed.

    Raises:
        TypeError: `model` is not callable, or `target` is none of the above.
        ValueError: `model` is in training mode; an unknown word for `target` or `of`. When f is called:
            logits that are not (B, K) or not finite, a class out of range, not as many targets as
            examples, or log-odds of a single class.

    >>> f = select(nn.Identity().eval(), target=1)
    >>> f(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([2., 4.])
    """
    if isinstance(model, nn.Module):
        check_model(model)
    elif not callable(model):
        raise TypeError(f"model: expected a torch.nn.Module or a function, got {type(model).__name__}")
    check_of(of)
    if isinstance(target, str):
        _check_word(target)
    else:
        target = check_target(target, None, None)
    return Selected(model, target, of)


def take(logits: Float[Tensor, "B K"], target: Target, of: Of = "logit") -> Float[Tensor, "B"]:
    """The number of class `target` in each row of `logits`; "predicted" is the largest logit's class.

    Raises:
        TypeError, ValueError: `target` is not one of K classes, or not B of them; log-odds of a single class.

    >>> take(torch.tensor([[0.0, 0.0]]), target=0, of="prob")
    tensor([0.5000])
    >>> take(torch.tensor([[5.0, 2.0]]), target=0, of="log_odds")
    tensor([3.])
    """
    if isinstance(target, str):
        _check_word(target)
        target = logits.detach().argmax(1)
    classes = check_target(target, len(logits), logits.shape[1])
    if of == "log_prob":
        logits = logits.log_softmax(1)
    elif of == "prob":
        logits = logits.softmax(1)
    if isinstance(classes, int) and of != "log_odds":
        return logits[:, classes]
    column = torch.as_tensor(classes, device=logits.device).expand(len(logits))[:, None]
    chosen = logits.gather(1, column)[:, 0]
    return chosen - _log_sum_of_others(logits, column) if of == "log_odds" else chosen


def _log_sum_of_others(logits: Tensor, column: Tensor) -> Tensor:
    """log of the sum of exp(z_c) over the classes c that `column` does not name, exact however large logits are."""
    if logits.shape[1] < 2:
        raise ValueError(f'of: expected at least 2 classes for "log_odds", got logits of shape {tuple(logits.shape)}')
    return logits.scatter(1, column, -torch.inf).logsumexp(1)


def check_of(of: object) -> None:
    """Check that `of` is one of the four words for the number that is read of a class.

    Raises:
        ValueError: it is not.

    >>> check_of("logits")
    Traceback (most recent call last):
        ...
    ValueError: of: expected "logit", "log_prob", "prob" or "log_odds", got 'logits'
    """
    words = get_args(Of)
    if of not in words:
        *first, last = (f'"{word}"' for word in words)
        raise ValueError(f"of: expected {', '.join(first)} or {last}, got {of!r}")


def _check_word(target: str) -> None:
    if target != "predicted":
        raise ValueError(f'target: expected "predicted", an int, or integers of shape (B,), got {target!r}')


def fix_target(f: Callable[[Tensor], Tensor], x: Tensor) -> Callable[[Tensor], Tensor]:
    """`f` with its classes held fixed at those of `x`, for a method that evaluates it elsewhere.

    A function without a method `at` is returned as it is.

    Raises:
        TypeError, ValueError: as `check_function`; there are B targets and `x` is not a batch of B.

    >>> fix_target(torch.sin, torch.zeros(1, 2)) is torch.sin
    True
    """
    check_function(f, x)
    return f.at(x) if hasattr(f, "at") else f
