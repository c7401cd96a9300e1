"""One step of SGD on the cross-entropy: each row of the last layer moves, and their sum does not."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, number, tensor

# Widths from the inputs to the classes, examples, learning rate. Two classes come last: their rows move by opposite
# steps under Adam, too, so that Adam is found out by three classes only.
CASES = (((4, 6, 7, 3), 20, 0.1), ((2, 4, 6), 9, 1.0), ((3, 5, 2), 12, 0.5))
_SHAPES = "print the shape of torch.cat([last.weight, last.bias[:, None]], dim=1): a row for each class"
_COPY = "begin with copy.deepcopy(model)"
_STEP = "print what the sum of the rows is before and after: which ingredient of the step moves it?"
_PLAIN = "torch.optim.SGD(copied.parameters(), lr), no momentum or decay, on F.cross_entropy(copied(x), y)"
_MOVED_NUDGE = "print both matrices [W, b], before and after, and their difference"
_MOVED = "(after - before).norm(dim=1).max(), of the matrices [W, b] before their rows are added up"

Case = tuple[nn.Sequential, Tensor, Tensor, float]


@exercise(rating=2, minutes=20)
def never_trained(answer: Callable[..., object]) -> str:
    """A function of `model, x, y, lr`: the sum of the rows of [W, b] before and after a step, and how far one moved."""
    expect_function(answer)
    for case in _cases():
        _check_step(answer, *case)
    return "whatever the labels are, the sum of the logits is read off the features as the first draw had it."


def _cases() -> Iterator[Case]:
    """Networks in float64, with data that nobody could learn."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    for widths, n, lr in CASES:
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layer = nn.utils.skip_init(nn.Linear, inputs, outputs, dtype=torch.float64)
            layer.weight.data.copy_(normal(outputs, inputs))
            layer.bias.data.copy_(normal(outputs))
            layers += [layer, nn.ReLU()]
        labels = torch.randint(widths[-1], (n,), generator=generator)
        yield nn.Sequential(*layers[:-1]), normal(n, widths[0]), labels, lr


def _matrix(model: nn.Sequential) -> Tensor:
    """[W, b] of the last layer, a row for each class."""
    last: Any = model[-1]
    return torch.cat([last.weight, last.bias[:, None]], dim=1).detach()


def _check_step(answer: Callable[..., object], model: nn.Sequential, x: Tensor, y: Tensor, lr: float) -> None:
    given = deepcopy(model)
    said = answer(given, x.clone(), y.clone(), lr)
    matrix = _matrix(model)
    before, after, moved = _read(said, *matrix.shape)
    _check_original(model, given)
    case = f"({len(matrix)} classes, {matrix.shape[1] - 1} hidden units, lr {lr})"
    if not close(before, matrix.sum(0)):
        hint = "these are means of the rows" if close(before, matrix.mean(0)) else "these are not sums of the rows"
        raise WrongAnswer(_SHAPES, f"{hint}, before the step {case}", "matrix.sum(dim=0)")
    _check_sum(before, after, model, x, y, lr)
    _check_moved(moved, model, x, y, lr, case)


def _read(said: Any, classes: int, columns: int) -> tuple[Tensor, Tensor, float]:
    try:
        before, after, moved = said
    except (TypeError, ValueError, RuntimeError):
        raise WrongAnswer("your function should return three things: before, after, moved") from None
    wrong = {
        (columns - 1,): "the bias is missing: it belongs to z = W h + b, as the weight of a feature that is always 1",
        (classes,): "you add up each row: add up the rows, so that a number is left for each column",
        (classes, columns): "these are the rows themselves: add them up",
        (): "add up the rows, not all numbers: a number is left for each column",
    }
    for name, part in (("before", before), ("after", after)):
        shape = tuple(getattr(part, "shape", ()))
        if isinstance(part, Tensor) and shape in wrong:
            raise WrongAnswer(_SHAPES, f"{name}: {wrong[shape]}", "torch.cat([W, b[:, None]], dim=1).sum(dim=0)")
    sums = [
        tensor(part, (columns,), f"the sum of rows {name}") for name, part in (("before", before), ("after", after))
    ]
    return sums[0], sums[1], number(moved, "the largest movement")


def _check_original(model: nn.Module, given: nn.Module) -> None:
    """That the model is what it was, and has no gradients of the answer's."""
    now = given.state_dict()
    if any(part not in now or not torch.equal(value, now[part]) for part, value in model.state_dict().items()):
        raise WrongAnswer(
            "print `model[-1].bias` before and after the call",
            "the model itself has made the step: work on a copy",
            _COPY,
        )
    if any(parameter.grad is not None for parameter in given.parameters()):
        raise WrongAnswer(
            "print `model[-1].bias.grad` after the call",
            "backward() left gradients in the model, which the next step of others would add up: work on a copy",
            _COPY,
        )


def _logit_gradients(z: Tensor, y: Tensor) -> dict[str, Tensor]:
    """What some losses send back to the logits, up to a factor; the first is the cross-entropy."""
    hot, p = F.one_hot(y, z.shape[1]).to(z), z.softmax(1)
    to_p = p.softmax(1) - hot
    return {
        "the cross-entropy": p - hot,
        "this is the squared error of the logits": z - hot,
        "this loss has no softmax, so nothing ties the classes together (F.nll_loss takes log-probabilities)": -hot,
        "each class has a sigmoid of its own here, which does not tie the classes together": z.sigmoid() - hot,
        "F.cross_entropy takes logits, and is given probabilities: a softmax of a softmax": (
            p * (to_p - (p * to_p).sum(1, keepdim=True))
        ),
        "this is the squared error of the probabilities": (p * ((p - hot) - (p * (p - hot)).sum(1, keepdim=True))),
    }


def _row_gradients(model: nn.Sequential, x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """The gradient of [W, b] under each loss, averaged over the examples: dL/dz times (h, 1)."""
    with torch.no_grad():
        h, z = model[:-1](x), model(x)
    features = torch.cat([h, torch.ones_like(h[:, :1])], dim=1)
    return {name: back.T @ features / len(x) for name, back in _logit_gradients(z, y).items()}


def _parallel(a: Tensor, b: Tensor) -> bool:
    return bool(F.cosine_similarity(a.flatten(), b.flatten(), dim=0) > 1 - 1e-6)


def _check_sum(before: Tensor, after: Tensor, model: nn.Sequential, x: Tensor, y: Tensor, lr: float) -> None:
    step = after - before
    if bool((step.abs() <= 1e-12 * (1 + before.abs())).all()):
        return
    gradients = _row_gradients(model, x, y)
    ratio = after / before
    by_sign = -lr * gradients["the cross-entropy"].sign().sum(0)
    if step.abs().max() < 1e-5:
        hint = "the sum moves by rounding of float32: compute in the float64 of the model"
    elif close(ratio, ratio.mean().expand_as(ratio)):
        hint = f"the sum is multiplied by {float(ratio.mean()):.4g}: this is weight decay"
    elif close(step, by_sign):
        hint = "each weight moves by lr, up or down: this is Adam, which divides each gradient by its own size"
    else:
        causes = [name for name, gradient in gradients.items() if _parallel(step, -gradient.sum(0))]
        hint = causes[0] if causes else f"the sum moves by {float(step.abs().max()):.2g}, and under SGD it does not"
    raise WrongAnswer(_STEP, hint, _PLAIN)


def _check_moved(moved: float, model: nn.Sequential, x: Tensor, y: Tensor, lr: float, case: str) -> None:
    steps = {name: lr * gradient for name, gradient in _row_gradients(model, x, y).items()}
    step = steps.pop("the cross-entropy")
    want = step.norm(dim=1).max()
    got = torch.tensor(moved, dtype=torch.float64)
    if close(got, want):
        return
    for hint, other in steps.items():
        if close(got, other.norm(dim=1).max()):
            raise WrongAnswer(_STEP, f"{hint} {case}", _PLAIN)
    for hint, wrong in _mistaken_movements(step, len(x), lr).items():
        if close(got, wrong):
            raise WrongAnswer(_MOVED_NUDGE, f"{hint} {case}", _MOVED)
    raise WrongAnswer(
        _MOVED_NUDGE, f"the longest row moves by {float(want):.4g}, and you say {moved:.4g} {case}", _MOVED
    )


def _mistaken_movements(step: Tensor, n: int, lr: float) -> dict[str, Tensor]:
    rows = step.norm(dim=1)
    return {
        "nothing moves: what you call `before` may lie in the memory that the step writes into; clone it": 0 * rows[0],
        "this is the largest movement of one number: take the length of each row's movement": step.abs().max(),
        "the movement of the bias is missing: it is the last number of each row": step[:, :-1].norm(dim=1).max(),
        "this is the movement of the whole matrix: take the longest of its rows": step.norm(),
        "these are columns: a row belongs to a class": step.norm(dim=0).max(),
        "this is the square of the length": rows.max().square(),
        "this is the mean over the rows: take the largest": rows.mean(),
        "this is the smallest movement: take the largest": rows.min(),
        "this adds up the sizes of a row's movement: take the length": step.abs().sum(1).max(),
        "the loss is summed over the examples: it is their mean": n * rows.max(),
        "this is the gradient, before it is multiplied by lr": rows.max() / lr,
    }
