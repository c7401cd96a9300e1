"""One function is added to all logits: the picture that it makes of a gradient."""

from collections.abc import Callable
from copy import deepcopy
from typing import cast

import torch
from torch import Tensor, nn

from interpbook.page.exercises import WrongAnswer, exercise, guarded
from interpbook.page.exercises.answers import close, expect_function, listed

Function = Callable[[Tensor], Tensor]
_NUDGE = "print the gradient of logit y of the model with g added: is it the picture, and if not, what is it?"
_SHIFT = "g(z) is the sum over the pixels of (picture - gradient of logit y at x) * z"


@exercise(rating=1, minutes=10)
def any_picture(answer: Callable[..., Function]) -> str:
    """A function of `model, x (1, *dims), y, picture (*dims)`: the g that makes the picture logit y's gradient at x.

    g maps (B, *dims) to (B,) and is added to all logits.
    """
    expect_function(answer)
    for dims, y in (((3,), 0), ((3,), 3), ((1, 4, 5), 1), ((1, 4, 5), 2)):
        generator = torch.Generator().manual_seed(y)
        model = _Network(dims, generator).eval()
        x, picture, points = (
            torch.randn(size, generator=generator, dtype=torch.float64) for size in ((1, *dims), dims, (6, *dims))
        )
        own = deepcopy(model)  # the student's to change: the check goes on with a model that nobody touched
        g = _guard(answer(own, x.clone(), y, picture.clone()))
        values = _values(g, points).detach()
        if not close(torch.cat([_values(g, point[None]).detach() for point in points]), values):
            raise WrongAnswer("the value of g at one input should not depend on the others in the batch")
        if any(not torch.equal(one, other) for one, other in zip(own.parameters(), model.parameters(), strict=True)):
            raise WrongAnswer("your function changes the weights of the model: the classifier should stay as it is")
        _check_picture(g, model, x, y, picture)
    return "any picture is the gradient of a logit, and no probability of the classifier tells which."


class _Network(nn.Module):
    """A smooth classifier of four classes, its weights drawn from the generator."""

    def __init__(self, dims: tuple[int, ...], generator: torch.Generator) -> None:
        super().__init__()
        d = torch.Size(dims).numel()
        weights = (torch.randn(size, generator=generator, dtype=torch.float64) for size in ((d, 8), (8,), (8, 4)))
        self.first, self.bias, self.second = (nn.Parameter(weight) for weight in weights)
        self.scale = d**-0.5

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.scale * x.flatten(1) @ self.first + self.bias) @ self.second


def _guard(g: object) -> Function:
    """g, or the module or object that is called as g, with its failures turned into hints."""
    if not callable(g):
        raise WrongAnswer("`shift` should return a function g, not its values: g is called later, with other inputs")
    return cast(Function, guarded(g))


def _values(g: Function, points: Tensor) -> Tensor:
    """g at the points, one finite number for each."""
    values, shape, n = g(points), tuple(points.shape), len(points)
    if not isinstance(values, Tensor):
        raise WrongAnswer(f"g should return a tensor of shape (B,), and returns {type(values).__name__}")
    if tuple(values.shape) == (n, 4):
        raise WrongAnswer(
            "your g gives each class a number of its own: then the probabilities change; one for all, (B,)"
        )
    if tuple(values.shape) != (n,):
        kinds = {
            (): "it sums over the batch too",
            (1,): "it sums over the batch too",
            shape: "sum over the input's dims",
        }
        hint = kinds.get(tuple(values.shape), "one number for each input")
        raise WrongAnswer(
            f"for inputs of shape {shape} g should have shape ({n},) and has {tuple(values.shape)}: {hint}"
        )
    if not values.isfinite().all():
        raise WrongAnswer(f"g should be finite, and is {listed(values.detach())}")
    return values.double()


def _gradients(outputs: Tensor, x: Tensor) -> Tensor:
    """The gradient of each output at the single input x, (K, *dims); zeros where it does not depend on x."""
    rows = [torch.autograd.grad(out, x, retain_graph=True, allow_unused=True)[0] for out in outputs]
    return torch.cat([torch.zeros_like(x) if row is None else row for row in rows]).double()


def _check_picture(g: Function, model: nn.Module, x: Tensor, y: int, picture: Tensor) -> None:
    x = x.clone().requires_grad_()
    logits = model(x)[0]
    slopes, slope = _gradients(logits, x), _gradients(logits[y : y + 1], x)[0]
    value = _values(g, x)
    got = _gradients(value, x)[0] if value.requires_grad else torch.zeros_like(picture)
    if not got.any():
        raise WrongAnswer(
            "try g at x and at a point beside it",
            "the gradient of g at x is zero: g should be a function of its own argument, with a graph to it",
            _SHIFT,
        )
    if close(got, picture - slope):
        step = 1e-3 * picture[None]
        rise = (_values(g, x + step) - _values(g, x - step)).detach()[0] / 2e-3
        if abs(rise - (got * picture).sum()) > 0.01 * (got.norm() * picture.norm()):
            raise WrongAnswer(
                "the gradient of g is right at x; now try g at a point beside it",
                "the values of g do not change as its gradient says: take the gradient of the logit at x, once",
                _SHIFT,
            )
        return
    origin = torch.zeros_like(x).requires_grad_()
    mistakes = {
        "the picture is added to the logit's own gradient and should replace it: take that one away": picture,
        "the sign is wrong: g should add the picture and take away the gradient of the logit": slope - picture,
        "the gradient of the logit is added once more, and should be taken away": picture + slope,
        "the gradient of the logit is taken away, but the picture is not put in its place": -slope,
        "sum over the values of an input, where you take the mean": (picture - slope) / picture.numel(),
        "you take away the gradient of all logits together; the logit of class y is asked for": picture - slopes.sum(0),
        "you take away the gradient of the log-probability; it is the logit's that g must replace": picture
        - _gradients(logits.log_softmax(0)[y : y + 1], x)[0],
        "you take away the gradient of the probability; it is the logit's that g must replace": picture
        - _gradients(logits.softmax(0)[y : y + 1], x)[0],
        "you take away the gradient at 0; take it at x": picture - _gradients(model(origin)[0, y : y + 1], origin)[0],
    }
    mistakes |= {
        f"you take away the gradient of logit {other}, where y is {y}": picture - slopes[other]
        for other in range(len(slopes))
        if other != y
    }
    for hint, wrong in mistakes.items():
        if close(got, wrong):
            raise WrongAnswer(_NUDGE, hint, _SHIFT)
    off = (slope + got - picture).norm() / picture.norm()
    raise WrongAnswer(
        _NUDGE,
        f"with g the gradient of logit {y} at x is off the picture by {off:.2g} times the picture's length",
        _SHIFT,
    )
