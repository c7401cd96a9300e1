"""A view of a live figure: LIME or KernelSHAP of what the reader draws, square by square, with error bars.

The page's half is `own_digit.js`; a test holds the two halves together.
"""

from math import floor

import numpy as np
import torch
from torch import Tensor

from interpbook.attribution import superpixel_grid
from interpbook.attribution.function_approximation.least_squares import LinearFit, least_squares
from interpbook.explore import Picture, Shown, State, View
from interpbook.explore.sentences import Fact

__all__ = ["perturbed_digit"]

SIZE = 28
COUNTS = (4, 16, 49)
SAMPLES = (128, 256, 512, 1024)
METHODS = ("KernelSHAP", "LIME")
WIDTH = 0.25  # of LIME's kernel
LISTED = 8
BITS = 16  # of a coalition in one number of a table
NOTHING = 1e-9


def shapley_coalitions(d: int, n: int, generator: np.random.Generator) -> np.ndarray:
    """n coalitions of d squares from the Shapley kernel, with replacement: s squares as often as 1 / (s (d - s))."""
    sizes = np.arange(1, d)
    share = 1 / (sizes * (d - sizes))
    drawn = generator.choice(sizes, size=n, p=share / share.sum())
    order = generator.random((n, d)).argsort(1).argsort(1)
    return order < drawn[:, None]


def even_coalitions(d: int, n: int, generator: np.random.Generator) -> np.ndarray:
    """n coalitions of d squares, each square kept as often as not."""
    return generator.random((n, d)) < 0.5


def _drawn_once() -> dict[tuple[str, int], np.ndarray]:
    generator = np.random.default_rng(0)
    draw = {"KernelSHAP": shapley_coalitions, "LIME": even_coalitions}
    return {(method, d): draw[method](d, SAMPLES[-1], generator) for method in METHODS for d in COUNTS}


COALITIONS = _drawn_once()


def packed(coalitions: np.ndarray) -> np.ndarray:
    """Sixteen squares in one number, the first in its lowest digit: small enough for a page, exact in 32 bits.

    >>> packed(np.array([[True, False, True]]))
    array([[5.]], dtype=float32)
    """
    n, d = coalitions.shape
    padded = np.zeros((n, -(-d // BITS) * BITS))
    padded[:, :d] = coalitions
    return (padded.reshape(n, -1, BITS) @ 2.0 ** np.arange(BITS)).astype(np.float32)


def compute(now: State) -> Shown:
    """The weights of the squares with their standard errors, as a map and as intervals."""
    count, samples, method = (now.settings[name] for name in ("squares", "samples", "method"))
    groups = superpixel_grid((SIZE, SIZE), SIZE // round(count**0.5))
    masks = torch.from_numpy(COALITIONS[method, count][:samples]).double()
    none, everything = values(now, torch.tensor([[0.0], [1.0]]).double().expand(2, count), groups)
    y = values(now, masks, groups)
    weights, errors = (_kernel_shap if method == "KernelSHAP" else _lime)(masks, y, float(none), float(everything))
    errors = np.where(errors < NOTHING, 0.0, errors)
    listed = sorted(range(count), key=lambda k: (-floor(abs(weights[k]) / NOTHING + 0.5), k))[:LISTED]
    labels = tuple(_place(k, count) for k in listed)
    bars = Picture("intervals", weights[listed], labels, errors=2 * errors[listed])
    painted = Picture("map", torch.from_numpy(weights)[groups].numpy())
    clear = int(((abs(weights) > 2 * errors) & (abs(weights) > NOTHING)).sum())
    facts: tuple[Fact, ...] = (
        ("largest", {"square": labels[0], "value": float(weights[listed[0]]), "error": float(2 * errors[listed[0]])}),
        ("clear", {"clear": clear, "count": count, "mean": float(errors.mean())}),
        ("sum", {"sum": float(weights.sum()), "total": float(everything - none)}),
    )
    return Shown((painted, bars), facts)


def values(now: State, masks: Tensor, groups: Tensor) -> Tensor:
    """The logit of the class, with every square that a coalition leaves out in black."""
    with torch.no_grad():
        return now.model(now.x * masks[:, groups][:, None])[:, now.target].double()


def _kernel_shap(masks: Tensor, y: Tensor, none: float, everything: float) -> tuple[np.ndarray, np.ndarray]:
    """Least squares over coalitions from the Shapley kernel, the weights adding up to f(x) - f(black)."""
    d = masks.shape[1]
    share = (everything - none) / d
    # With weights = share + slope, and slope orthogonal to ones, the values at both ends are exact.
    centered = masks - masks.mean(1, keepdim=True)
    even = torch.full((1, len(masks)), 1 / len(masks), dtype=torch.float64)
    fit = least_squares(centered, even, (y - none - share * masks.sum(1))[None], intercept=False)
    return share + fit.slope[0].numpy(), _errors(fit, len(masks), d - 1)


def _lime(masks: Tensor, y: Tensor, none: float, everything: float) -> tuple[np.ndarray, np.ndarray]:
    """Weighted least squares with an intercept, exp(-(1 - sqrt(share kept))^2 / (2 WIDTH^2)) a coalition."""
    kernel = (-((1 - masks.mean(1).sqrt()) ** 2) / (2 * WIDTH**2)).exp()
    fit = least_squares(masks, (kernel / kernel.sum())[None], y[None], intercept=True)
    return fit.slope[0].numpy(), _errors(fit, len(masks), masks.shape[1] + 1)


def _errors(fit: LinearFit, n: int, unknowns: int) -> np.ndarray:
    """Standard errors for coalitions drawn independently (HC1), since each adds its influence to the weights."""
    return (fit.influence[0].square().sum(1) * n / (n - unknowns)).sqrt().numpy()


def _place(k: int, count: int) -> str:
    side = round(count**0.5)
    return f"row {k // side + 1}, column {k % side + 1}"


def perturbed_digit() -> View:
    """The view for `page.explore.live`, with a network small enough to answer for a thousand coalitions in a moment.

    In each coalition of squares some are kept and the others black. KernelSHAP [lundberg2017unified] draws coalitions
    from the Shapley kernel, LIME [ribeiro2016why] evenly and weighs them; both fit a linear function to the logit.

    >>> perturbed_digit().settings["method"]
    ['KernelSHAP', 'LIME']
    """
    tables = {f"{method} {count}": packed(masks) for (method, count), masks in COALITIONS.items()}
    return View(
        "perturbed_digit",
        "what each square adds, ± two standard errors",
        compute,
        "ownDigit",
        phrases={
            "largest": "Most comes from {square}: {value:z.2f} ± {error:z.2f}. ",
            "clear": "{clear} of {count} squares are more than two standard errors from zero; the mean standard error"
            " is {mean:significant}. ",
            "sum": "The squares add up to {sum:z.2f}, the logit changes by {total:z.2f} from a black page.",
        },
        settings={"method": list(METHODS), "squares": list(COUNTS), "samples": list(SAMPLES)},
        starts={"squares": 16, "samples": 256},
        needs=("attribution/function_approximation/own_digit.js",),
        tables=tables,
    )
