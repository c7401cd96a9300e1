"""A baseline that flips a sign: what replaces a feature decides what taking it away does."""

from collections.abc import Callable

import torch
from torch import Tensor

from interpbook.attribution import occlusion
from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, listed, vector

Function = Callable[[Tensor], Tensor]


@exercise(rating=2, minutes=15)
def flipping_baseline(answer: Callable[..., Tensor]) -> str:
    """A function of `f, x (d,), i`: a baseline (d,) in the unit cube that turns occlusion's sign for feature i.

    The sign is turned from what it is with the baseline 0; f maps (n, d) to (n,).
    """
    expect_function(answer)
    for name, f, place, i in _cases():
        x = torch.tensor(place, dtype=torch.float64)
        baseline = vector(answer(_batched(f, len(x)), x.clone(), i), len(x), "the baseline")
        if bool(((baseline < -1e-9) | (baseline > 1 + 1e-9)).any()):
            raise WrongAnswer(f"your baseline {listed(baseline)} is not in the unit cube")
        before = occlusion(f, x[None], window=1)[0]
        after = occlusion(f, x[None], window=1, baseline=baseline)[0]
        if float(before[i] * after[i]) < -1e-9:
            continue
        where = f"f = {name}, x = {listed(x)}, feature {i}"
        if close(baseline[i], x[i]):
            raise WrongAnswer(
                "your baseline equals x in feature i",
                "then masking the feature changes nothing, and occlusion gives 0: it has no sign to turn",
                f"move baseline[{i}] on, past x[{i}], until f grows beyond f(x) or falls below it ({where})",
            )
        if float(baseline[i]) == 0 and bool(baseline.any()):
            raise WrongAnswer(
                "your baseline is zero in feature i, and elsewhere it is not",
                "occlusion of feature i reads baseline[i] only: which entry did you change?",
                f"keep the others, and change baseline[{i}] ({where})",
            )
        raise WrongAnswer(
            f"the sign stays: occlusion gives {float(before[i]):.2g} with zero and {float(after[i]):.2g} with yours",
            "occlusion of feature i is f(x) - f(x with baseline[i] in its place)",
            f"try many values for baseline[{i}] in x, and keep one where f(x) - f(...) has the other sign ({where})",
        )
    return "the same function of the same x, and a feature speaks for the prediction or against it."


def _cases() -> list[tuple[str, Function, list[float], int]]:
    """Functions, a point and a feature, where a baseline between 0 and 1 turns the sign and zero does not."""
    return [
        ("x1", lambda p: p[:, 0], [0.4, 0.7], 0),
        ("-x2", lambda p: -p[:, 1], [0.2, 0.3], 1),
        ("(x1 - 1/2)^2 + x2", lambda p: (p[:, 0] - 0.5) ** 2 + p[:, 1], [0.2, 0.9], 0),
        ("sin(6 x1) x2", lambda p: torch.sin(6 * p[:, 0]) * p[:, 1], [0.6, 0.5, 0.1], 0),
        ("a bump in x3, times x1", lambda p: p[:, 0] * torch.exp(-40 * (p[:, 2] - 0.7) ** 2), [1.0, 0.0, 0.5], 2),
    ]


def _batched(f: Function, d: int) -> Function:
    """f, with a hint for what is no batch of points."""

    def values(points: Tensor) -> Tensor:
        if not isinstance(points, Tensor) or points.dim() != 2 or points.shape[1] != d:
            raise WrongAnswer(f"f takes a batch of points, a tensor of shape (n, {d})")
        return f(points.double())

    return values
