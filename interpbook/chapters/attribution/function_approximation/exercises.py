"""Exercises of the chapter on function approximation: what an answer must satisfy, what each mistake looks like."""

from collections.abc import Callable
from math import comb

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, listed, number, vector

Function = Callable[[Tensor], Tensor]


@exercise(rating=2, minutes=10)
def weighted_least_squares(answer: Callable[..., object]) -> str:
    """A function of points `Z (n, d)`, values `y (n,)` and weights `w (n,)`: the best `(intercept, weights)`."""
    expect_function(answer)
    generator = torch.Generator().manual_seed(0)
    z, y, slope = (torch.randn(size, generator=generator, dtype=torch.float64) for size in ((12, 3), (12,), (3,)))
    w = torch.tensor([1, 2, 1, 0.5, 2, 1, 3, 1, 0.2, 1, 2, 1], dtype=torch.float64)
    plane, flat = 1.5 + z @ slope, torch.cat([torch.tensor([1.5]), slope])
    if not close(_fit(answer, z, plane, torch.ones_like(w)), flat):
        if close(_fit(answer, z, plane - 1.5, torch.ones_like(w))[1:], slope):
            raise WrongAnswer("a plane through 0 comes back, but not one with an intercept: is it fitted, unpenalised?")
        raise WrongAnswer("values that lie on a plane should give back that plane exactly: the fit has no penalty")
    if not close(_fit(answer, z, plane, w), flat):
        raise WrongAnswer("with unequal weights a plane does not come back: are points and values weighed alike?")
    twice = torch.cat([torch.arange(12), torch.tensor([1])])
    pair = torch.ones(12, dtype=torch.float64)
    pair[1] = 2
    got = _fit(answer, z, y, pair)
    if not close(got, _fit(answer, z[twice], y[twice], torch.ones(13, dtype=torch.float64))):
        mistakes = {
            "the weights change nothing: a row of weight 2 should count as the row twice": torch.ones_like(w),
            "the weights enter squared: a root of each belongs to the points and to the values": pair**2,
            "only the root of the weights enters: weigh the squared errors, not the errors": pair**0.5,
        }
        for hint, weight in mistakes.items():
            if close(got, _weighted(z, y, weight)):
                raise WrongAnswer(hint)
        raise WrongAnswer("a row of weight 2 should count as the same row written twice, and does not")
    if not close(_fit(answer, z, y, 10 * w), _fit(answer, z, y, w)):
        raise WrongAnswer("with all weights ten times as large the fit should stay as it is")
    without = torch.cat([w[:3], w[4:]])
    zero = torch.cat([w[:3], torch.zeros(1, dtype=torch.float64), w[4:]])
    rest = torch.arange(12) != 3
    if not close(_fit(answer, z, y, zero), _fit(answer, z[rest], y[rest], without)):
        raise WrongAnswer("a row of weight 0 should not count at all")
    fitted = _fit(answer, z, y, w)
    residual = w * (y - fitted[0] - z @ fitted[1:])
    if not close(residual.sum(), torch.zeros(())):
        raise WrongAnswer("the weighted residuals should add up to 0: the intercept is not the best")
    if not close(residual @ z, torch.zeros(3)):
        raise WrongAnswer("the weighted residuals should be orthogonal to every column of Z: there is a better fit")
    return "what it leaves over is orthogonal, under the weights, to all it could have used."


@exercise(rating=2, minutes=15)
def shapley_kernel(answer: Callable[[int, int], object]) -> str:
    """A function of the number of features `d` and a coalition's `size`, 0 < size < d: its weight, up to a factor."""
    expect_function(answer)
    for d in range(2, 8):
        weight = torch.tensor([number(answer(d, size), "kernel(d, size)") for size in range(1, d)]).double()
        if not weight.isfinite().all() or (weight <= 0).any():
            raise WrongAnswer(f"for d = {d} the weights are {listed(weight)}: every one should be finite and positive")
        weight = weight / weight[0]
        size = torch.arange(1, d)
        binomial = torch.tensor([comb(d, s) for s in range(1, d)], dtype=torch.float64)
        if not close(weight, weight.flip(0)):
            join = 1 / torch.tensor([comb(d - 1, s) for s in range(1, d)], dtype=torch.float64)
            if close(weight, join / join[0]):
                raise WrongAnswer(
                    "this weighs what one feature adds to a coalition; asked for is a coalition's own weight"
                )
            raise WrongAnswer(
                f"for d = {d} the weights are {listed(weight)}: a coalition and its complement weigh the same"
            )
        game = torch.randn(2**d, generator=torch.Generator().manual_seed(d), dtype=torch.float64)
        if close(_constrained(game, weight), _value(game, [1 / (d * comb(d - 1, s)) for s in range(d)])):
            continue
        mistakes = {
            "this is the weight of all coalitions of one size together; share it among them": 1 / (size * (d - size)),
            "size (d - size) is missing from the denominator": 1 / binomial,
            "all coalitions weigh the same: that fit gives other values than Shapley's": torch.ones(d - 1),
            "there are comb(d, size) coalitions of one size: divide by their number, not multiply": binomial
            / (size * (d - size)),
        }
        for hint, wrong in mistakes.items():
            if close(weight, wrong / wrong[0]):
                raise WrongAnswer(f"{hint} (seen with d = {d})")
        raise WrongAnswer(f"for d = {d} the fit with your weights, {listed(weight)}, does not give Shapley's values")
    return "fitted with these weights, and exact at both ends, a linear model has Shapley's values as its slopes."


@exercise(rating=3, minutes=20)
def slope_from_values(answer: Callable[..., Tensor]) -> str:
    """A function of `f, x (d,), sigma, n, generator`: the mean gradient of f over x + N(0, sigma^2), shape (d,).

    f maps (B, d) to (B,) and cannot be differentiated.
    """
    expect_function(answer)
    x, a = torch.tensor([0.4, -0.7, 1.1]).double(), torch.tensor([1.0, -0.6, 0.3]).double()
    for sigma in (0.5, 2.0):
        got, error = _estimate(answer, lambda p: p @ a - 0.65, x, sigma)
        if _within(got, a, error):
            continue
        mistakes = {
            "your answer is about sigma^2 times too small: divide by it": a * sigma**2,
            "your answer is sigma times off: with noise of size sigma, divide by sigma^2": a * sigma,
            "your answer is sigma times off: there is one division too many": a / sigma,
            "your answer is sigma^2 times off: there are two divisions too many": a / sigma**2,
            "your answer has the wrong sign": -a,
            "for f = a . x - 0.65 every slope is the sum of a: give each coordinate a noise of its own": a.sum().expand(
                3
            ),
            "multiply each value by the noise alone, not by the noisy point": a + x * (a @ x - 0.65) / sigma**2,
            "this is the mean of f: multiply each value by its noise": (a @ x - 0.65).expand(3),
        }
        if got.abs().max() > 100:
            raise WrongAnswer("your answer grows with n: take the mean over the draws, not the sum")
        for hint, wrong in mistakes.items():
            if _within(got, wrong, error):
                raise WrongAnswer(hint)
        raise WrongAnswer(
            f"for f = a . x - 0.65 with a = {listed(a)} and sigma = {sigma:g}, your answer is {listed(got)}"
        )
    known: dict[str, tuple[Function, Tensor]] = {
        "right for a linear f, wrong for f = x1^2 + x2 x3, whose mean gradient is its gradient at x": (
            lambda p: p[:, 0].square() + p[:, 1] * p[:, 2],
            torch.stack([2 * x[0], x[2], x[1]]),
        ),
        "right for a quadratic f, wrong for sin(a . x - 0.85): is the noise Gaussian, in all coordinates at once?": (
            lambda p: (p @ a - 0.85).sin(),
            a * (a @ x - 0.85).cos() * torch.exp(-(a @ a) / 2),
        ),
    }
    for hint, (f, want) in known.items():
        got, error = _estimate(answer, f, x, 1.0)
        if not _within(got, want, error):
            raise WrongAnswer(hint)
    return "Stein's lemma: values are enough to know the slope of a smoothed function."


@exercise(rating=2, minutes=15)
def banzhaf(answer: Callable[..., Tensor]) -> str:
    """A function of a game `v`, from masks (n, d) to values (n,), and of `d`: the Banzhaf value of each feature."""
    expect_function(answer)
    cube = _cube(3).double()
    worth = cube @ torch.tensor([20.0, 50.0, 30.0]).double()
    relu = (worth - 10).relu() + 3 * worth  # a network of ReLUs at (20, 50, 30)
    got, average = _play(answer, relu, 3), _value(relu, [0.25] * 3)
    if not close(got, average):
        mistakes = {
            "these are Shapley's values: Banzhaf's count all coalitions of the others alike": [1 / 3, 1 / 6, 1 / 3],
            "your answer is 2^(d - 1) times too large: take the mean over the coalitions of the others": [1.0, 1, 1],
            "your answer is half as large as it should be: 2^(d - 1) coalitions leave a feature out, not 2^d": [0.125]
            * 3,
            "this counts only what a feature adds to no feature at all: go through all coalitions": [1.0, 0, 0],
            "this counts only what a feature adds to all the others: go through all coalitions": [0, 0, 1.0],
            "divide by 2^(d - 1), the number of coalitions without the feature, and not by d": [1 / 3, 1 / 3, 1 / 3],
        }
        for hint, share in mistakes.items():
            if close(got, _value(relu, share)):
                raise WrongAnswer(hint)
        if close(got, (cube * relu[:, None]).sum(0) / 4):
            raise WrongAnswer("this is the mean of v with the feature: subtract the mean without it")
        if close(got, -average):
            raise WrongAnswer("the sign is wrong: the value with the feature minus the value without it")
        raise WrongAnswer(f"for v = relu(s - 10) + 3 s, s = 20 m1 + 50 m2 + 30 m3, your answer is {listed(got)}")
    for d in (2, 4, 5):
        generator = torch.Generator().manual_seed(d)
        one, two = torch.randn((2, 2**d), generator=generator, dtype=torch.float64)
        masks = _cube(d)
        dummy = one.view(2, -1)[:1].expand(2, -1).flatten()  # the last feature, which changes nothing
        if _play(answer, dummy, d)[-1].abs() > 1e-5:
            raise WrongAnswer("a feature that never changes v should have the value 0")
        swapped = masks.clone()
        swapped[:, :2] = masks[:, :2].flip(1)
        order = (swapped * 2 ** torch.arange(d)).sum(1)
        equal = _play(answer, one + one[order], d)
        if not close(equal[0], equal[1]):
            raise WrongAnswer("two features with the same part in v should have the same value")
        first, second = _play(answer, one, d), _play(answer, two, d)
        if not close(_play(answer, one + two, d), first + second):
            raise WrongAnswer("the values of v + u should be those of v and those of u, added")
        if not close(first, _weighted(masks.double(), one, torch.ones(2**d, dtype=torch.float64))[1:]):
            raise WrongAnswer(
                f"with d = {d} these are not the slopes of the best linear fit to all coalitions, all alike"
            )
    return "the slopes of LIME with a flat kernel: 77.5, 197.5, 117.5 where Shapley's are 76.7, 196.7, 116.7."


@exercise(rating=3, minutes=20)
def far_neighborhood(answer: Callable[..., Tensor]) -> str:
    """A function of `f, weights (d,), intercept, low (d,), high (d,)`: a point of the box that defeats the surrogate.

    At the point, of shape (d,), `|f - g|` is at least the worst error of the best linear model over the box.
    """
    expect_function(answer)
    for name, f, weights, intercept, low, high, least in _surrogates():
        arguments = [torch.tensor(part).double() for part in (weights, low, high)]
        w, lower, upper = arguments
        xi = answer(f, w.clone(), intercept, lower.clone(), upper.clone())
        d = len(weights)
        if not isinstance(xi, Tensor) or tuple(xi.shape) not in ((d,), (1, d)):
            shape = tuple(xi.shape) if isinstance(xi, Tensor) else type(xi).__name__
            raise WrongAnswer(f"the answer should be one point of the box, a tensor of shape ({d},), and is {shape}")
        xi = xi.detach().double().view(1, d)
        if not bool(((xi >= lower - 1e-6) & (xi <= upper + 1e-6)).all()):
            raise WrongAnswer(f"your point {listed(xi[0])} is not in the box from {low} to {high}")
        gap = (f(xi) - xi @ w - intercept)[0]
        if gap.abs() >= 0.99 * least:
            continue
        where = f"f = {name}, g = {weights} . x + {intercept:g}, box from {low} to {high}"
        found = f"at your point |f - g| is {gap.abs():.2g}; the best linear model errs by {least:g} somewhere"
        grid = _grid(lower, upper)
        best = (f(grid) - grid @ w - intercept).max()
        if gap < 0.01 and gap.abs() < 0.9 * least and gap > best - 0.01:
            raise WrongAnswer(
                f"f - g is largest there, but g may lie above f: compare sizes, |f - g| ({where}: {found})"
            )
        if gap.abs() < 0.1 * least:
            raise WrongAnswer(f"there g is good: look for where |f - g| is large ({where}: {found})")
        raise WrongAnswer(f"there is a worse place in the box ({where}: {found})")
    return "there the surrogate is no better than the best linear model at its worst, wherever it was fitted."


def _surrogates() -> list[tuple[str, Function, list[float], float, list[float], list[float], float]]:
    """A function, a linear model that fits it somewhere, a box, and how far the best linear model is off in the box.

    That bound is what equioscillation proves: the best errs by as much with signs that no linear function can follow.
    """
    turn = 3 * torch.pi
    return [
        ("x^2", lambda p: p[:, 0] ** 2, [0.8], -0.16, [-1.0], [1.0], 0.5),  # tangent at 0.4
        ("-x^2", lambda p: -(p[:, 0] ** 2), [-0.8], 0.16, [-1.0], [1.0], 0.5),
        ("relu(x)", lambda p: p[:, 0].relu(), [1.0], 0.0, [-1.0], [1.0], 0.25),  # tangent at any positive point
        ("sin(x)", lambda p: p[:, 0].sin(), [0.0], 0.0, [0.0], [turn], 1.0),  # the mean over a wide neighborhood
        ("sin(x)", lambda p: p[:, 0].sin(), [1.0], 0.0, [0.0], [turn], 1.0),  # tangent at 0
        ("x1 x2", lambda p: p[:, 0] * p[:, 1], [0.5, 0.5], -0.25, [-1.0, -1.0], [1.0, 1.0], 1.0),
        ("x1^2 + x2^2", lambda p: p.square().sum(1), [0.0, 0.0], 0.0, [-1.0, -1.0], [1.0, 1.0], 1.0),
        ("-x1^2 - x2^2", lambda p: -p.square().sum(1), [0.0, 0.0], -1.9, [-1.0, -1.0], [1.0, 1.0], 1.0),
        ("relu(x1 + x2)", lambda p: p.sum(1).relu(), [1.0, 1.0], 0.0, [-1.0, -1.0], [1.0, 1.0], 0.5),
    ]


def _grid(low: Tensor, high: Tensor) -> Tensor:
    sides = [torch.linspace(float(a), float(b), 61, dtype=torch.float64) for a, b in zip(low, high, strict=True)]
    return torch.stack(torch.meshgrid(*sides, indexing="ij"), -1).view(-1, len(low))


def _fit(answer: Callable[..., object], z: Tensor, y: Tensor, w: Tensor) -> Tensor:
    """The answer's intercept and weights in one vector (1 + d,)."""
    result = answer(z.clone(), y.clone(), w.clone())
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise WrongAnswer("the answer should be a pair, the intercept and the weights")
    intercept, weights = number(result[0], "the intercept"), vector(result[1], z.shape[1], "the weights")
    return torch.cat([torch.tensor([intercept], dtype=torch.float64), weights])


def _weighted(z: Tensor, y: Tensor, w: Tensor) -> Tensor:
    """The fit itself, to tell mistakes by."""
    root = w.sqrt()[:, None]
    design = torch.cat([torch.ones_like(root), z], 1)
    return torch.linalg.lstsq(root * design, root * y[:, None]).solution[:, 0]


def _cube(d: int) -> Tensor:
    """All 2^d masks; the first feature changes fastest."""
    return (torch.arange(2**d)[:, None] >> torch.arange(d)) % 2 == 1


def _value(game: Tensor, share: list[float]) -> Tensor:
    """What each feature adds to the coalitions of the others, weighted by `share` of their size."""
    d, weight = len(share), torch.tensor(share, dtype=torch.float64)
    masks, values = _cube(d), []
    for i in range(d):
        without = torch.arange(2**d)[~masks[:, i]]
        values.append((weight[masks[without].sum(1)] * (game[without + 2**i] - game[without])).sum())
    return torch.stack(values)


def _constrained(game: Tensor, weight: Tensor) -> Tensor:
    """The slopes of the fit to all coalitions, weighted by size, that is exact for none and for all of the features."""
    d = len(weight) + 1
    masks = _cube(d)[1:-1]
    inner, w = masks.double(), weight[masks.sum(1) - 1]
    total, y = game[-1] - game[0], game[1:-1] - game[0]
    free = inner[:, :-1] - inner[:, -1:]  # the last slope is what the others leave of the total
    root = w.sqrt()[:, None]
    slopes = torch.linalg.lstsq(root * free, root * (y - inner[:, -1] * total)[:, None]).solution[:, 0]
    return torch.cat([slopes, (total - slopes.sum())[None]])


def _play(answer: Callable[..., Tensor], game: Tensor, d: int) -> Tensor:
    def v(masks: Tensor) -> Tensor:
        if not isinstance(masks, Tensor) or masks.dim() != 2 or masks.shape[1] != d:
            raise WrongAnswer(f"v takes a batch of masks, a tensor of shape (n, {d})")
        return game[(masks.bool() * 2 ** torch.arange(d)).sum(1)]

    return vector(answer(v, d), d, "the answer")


def _estimate(
    answer: Callable[..., Tensor], f: Function, x: Tensor, sigma: float, n: int = 40_000
) -> tuple[Tensor, Tensor]:
    """The answer for one function, and the standard error of the plain average, control variate or not."""

    def values(points: Tensor) -> Tensor:
        if not isinstance(points, Tensor) or points.dim() != 2 or points.shape[1] != len(x):
            raise WrongAnswer(f"f takes a batch of points, a tensor of shape (n, {len(x)})")
        if points.requires_grad:
            raise WrongAnswer("f cannot be differentiated here: use its values only")
        return f(points.double())

    def once() -> Tensor:
        return vector(answer(values, x.clone(), sigma, n, torch.Generator().manual_seed(1)), len(x), "the answer")

    got = once()
    if not close(got, once()):
        raise WrongAnswer("the same generator gives another answer: draw the noise with generator=generator")
    noise = torch.randn((n, len(x)), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    size = f(x + sigma * noise).abs() + f(x[None]).abs()
    return got, (size[:, None] * noise).square().mean(0).sqrt() / (sigma * n**0.5)


def _within(got: Tensor, want: Tensor, error: Tensor) -> bool:
    return bool(((got - want).abs() < 6 * error).all())
