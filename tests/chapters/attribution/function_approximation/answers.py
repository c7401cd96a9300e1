"""Answers to the exercises on function approximation: right in several ways, and wrong as people go wrong."""

import itertools
import math
from fractions import Fraction

import torch
from torch import Tensor


def ones(z: Tensor) -> Tensor:
    return torch.cat([torch.ones(len(z), 1), z], 1)


def normal_equations(z, y, w, ridge=0.0, free=0.0):
    design = ones(z)
    penalty = torch.diag(torch.tensor([free] + [ridge] * z.shape[1]))
    solution = torch.linalg.solve(design.T @ (w[:, None] * design) + penalty, design.T @ (w * y))
    return solution[0], solution[1:]


def root_weights(z, y, w):
    design = torch.cat([z, torch.ones(len(z), 1, dtype=z.dtype)], 1) * w.sqrt()[:, None]
    solution = torch.linalg.lstsq(design, (y * w.sqrt())[:, None]).solution.flatten()
    return solution[-1:], solution[:-1]


def centered(z, y, w):
    w /= w.sum()  # in place: the check's own weights must not change
    z0, y0 = w @ z, w @ y
    slope = torch.linalg.pinv((z - z0).T @ (w[:, None] * (z - z0))) @ ((z - z0).T @ (w * (y - y0)))
    return [float(y0 - z0 @ slope), slope]


def in_numpy(z, y, w):
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(z.numpy(), y.numpy(), sample_weight=w.numpy())
    return model.intercept_, model.coef_


def without_intercept(z, y, w):
    return 0.0, torch.linalg.lstsq(z * w.sqrt()[:, None], (y * w.sqrt())[:, None]).solution[:, 0]


def points_only(z, y, w):
    solution = torch.linalg.lstsq(ones(z) * w[:, None], y[:, None]).solution[:, 0]
    return solution[0], solution[1:]


def least_absolute(z, y, w):
    """The best fit for another loss: the median of the residuals is 0, not their mean."""
    factor = torch.ones_like(y)
    for _ in range(200):
        intercept, slope = normal_equations(z, y, w * factor)
        factor = 1 / (y - intercept - z @ slope).abs().clamp(min=1e-6)
    return intercept, slope


def least_absolute_recentred(z, y, w):
    slope = least_absolute(z, y, w)[1]
    return (w * (y - z @ slope)).sum() / w.sum(), slope


def shapley_weight(d, size):
    return (d - 1) / (math.comb(d, size) * size * (d - size))


def with_binomial_coefficients(d, size):
    return Fraction(math.factorial(size - 1) * math.factorial(d - size - 1), math.factorial(d))


def stein(f, x, sigma, n, generator):
    noise = torch.randn(n, len(x), generator=generator)
    return (f(x + sigma * noise)[:, None] * noise).mean(0) / sigma


def control_variate(f, x, sigma, n, generator):
    delta = sigma * torch.randn(n, len(x), generator=generator, dtype=x.dtype)
    return ((f(x + delta) - f(x[None])) @ delta) / (n * sigma**2)


def antithetic(f, x, sigma, n, generator):
    noise = torch.randn(n // 2, len(x), generator=generator)
    difference = f(x + sigma * noise) - f(x - sigma * noise)
    return (difference[:, None] * noise).mean(0) / (2 * sigma)


def regression(f, x, sigma, n, generator):
    """C-LIME: a linear fit to the values has the same limit."""
    points = x + sigma * torch.randn(n, len(x), generator=generator)
    return normal_equations(points, f(points), torch.ones(n, dtype=x.dtype))[1]


def in_parts(f, x, sigma, n, generator):
    total = torch.zeros_like(x)
    for _ in range(10):
        e = torch.normal(0.0, sigma, (n // 10, len(x)), generator=generator)
        total += (f(x + e).unsqueeze(1) * e).sum(0)
    return total / n / sigma**2


def differences(f, x, sigma, n, generator):
    steps = sigma * torch.eye(len(x))
    return (f(x + steps) - f(x - steps)) / (2 * sigma)


def forward_differences(f, x, sigma, n, generator):
    return (f(x + sigma * torch.eye(len(x))) - f(x[None])) / sigma


def coins(f, x, sigma, n, generator):
    e = torch.randint(0, 2, (n, len(x)), generator=generator) * 2.0 - 1
    return (f(x + sigma * e)[:, None] * e).mean(0) / sigma


def smooth_grad(f, x, sigma, n, generator):
    points = (x + sigma * torch.randn(n, len(x), generator=generator)).requires_grad_()
    return torch.autograd.grad(f(points).sum(), points)[0].mean(0)


def one_direction(f, x, sigma, n, generator):
    noise = torch.randn(n, 1, generator=generator).expand(n, len(x))
    return (f(x + sigma * noise)[:, None] * noise).mean(0) / sigma


def noisy_points(f, x, sigma, n, generator):
    points = x + sigma * torch.randn(n, len(x), generator=generator)
    return (f(points)[:, None] * points).mean(0) / sigma**2


def global_noise(f, x, sigma, n, generator):
    noise = torch.randn(n, len(x))
    return (f(x + sigma * noise)[:, None] * noise).mean(0) / sigma


def values_alone(f, x, sigma, n, generator):
    points = x + sigma * torch.randn(n, len(x), generator=generator)
    return f(points).mean().expand(len(x))


def shapley_share(d, s):
    return 1 / (d * math.comb(d - 1, s))


def largest_on(points, f, weights, intercept):
    return points[(f(points) - points @ weights - intercept).abs().argmax()]


def on_a_grid(f, weights, intercept, low, high):
    sides = [torch.linspace(float(a), float(b), 50, dtype=torch.float64) for a, b in zip(low, high, strict=True)]
    grid = torch.stack(torch.meshgrid(*sides, indexing="ij"), -1).reshape(-1, len(low))
    return largest_on(grid, f, weights, intercept)


def at_random(f, weights, intercept, low, high):
    drawn = torch.rand(2000, len(low), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return largest_on(low + (high - low) * drawn, f, weights, intercept)[None]


def uphill(f, weights, intercept, low, high):
    """Gradient ascent from many starts, projected onto the box."""
    xi = low + (high - low) * torch.rand(100, len(low), generator=torch.Generator().manual_seed(3)).double()
    for _ in range(200):
        xi.requires_grad_()
        gap = (f(xi) - xi @ weights - intercept).abs().sum()
        step = 0.05 * torch.autograd.grad(gap, xi)[0]
        xi = (xi.detach() + step).clamp(low, high)
    return largest_on(xi, f, weights, intercept)


def signed(f, weights, intercept, low, high):
    grid = low + (high - low) * torch.rand(2000, len(low), generator=torch.Generator().manual_seed(3)).double()
    return grid[(f(grid) - grid @ weights - intercept).argmax()]


def best_corner(f, weights, intercept, low, high):
    corners = torch.tensor(list(itertools.product([0.0, 1.0], repeat=len(low))), dtype=torch.float64)
    return largest_on(low + (high - low) * corners, f, weights, intercept)


def smallest(f, weights, intercept, low, high):
    grid = low + (high - low) * torch.rand(500, len(low), generator=torch.Generator().manual_seed(3)).double()
    return grid[(f(grid) - grid @ weights - intercept).abs().argmin()]


RIGHT = {
    "weighted_least_squares": {
        "normal equations": normal_equations,
        "rows times the root of their weight": root_weights,
        "centred, and the intercept last": centered,
        "scikit-learn": in_numpy,
        "a penalty that only guards the inverse": lambda z, y, w: normal_equations(z, y, w, ridge=1e-9),
    },
    "shapley_kernel": {
        "by the formula": shapley_weight,
        "factorials, as a fraction": with_binomial_coefficients,
        "seven times as large, in a tensor": lambda d, size: torch.tensor(7.0) * shapley_weight(d, size),
        "with the coalitions of d - 2": lambda d, s: 1 / (math.comb(d - 2, s - 1) * math.prod((d - 1, d, d))),
    },
    "slope_from_values": {
        "Stein's lemma": stein,
        "less the value at x": control_variate,
        "antithetic pairs": antithetic,
        "a linear fit, C-LIME": regression,
        "in ten parts": in_parts,
    },
    "far_neighborhood": {
        "on a grid": on_a_grid,
        "at random": at_random,
        "uphill": uphill,
    },
}

WRONG = {
    "weighted_least_squares": {
        "the weights are ignored": (
            lambda z, y, w: normal_equations(z, y, torch.ones_like(w)),
            "weights change nothing",
        ),
        "the weights squared": (lambda z, y, w: normal_equations(z, y, w**2), "enter squared"),
        "the root of the weights": (lambda z, y, w: normal_equations(z, y, w.sqrt()), "only the root"),
        "no intercept": (without_intercept, "not one with an intercept"),
        "a penalty on the intercept": (
            lambda z, y, w: normal_equations(z, y, w, free=0.5),
            "is it fitted, unpenalised?",
        ),
        "a penalty on the weights": (lambda z, y, w: normal_equations(z, y, w, ridge=0.5), "has no penalty"),
        "the points weighed, the values not": (points_only, "weighed alike"),
        "a softmax of the weights": (
            lambda z, y, w: normal_equations(z, y, w.softmax(0)),
            "the same row written twice",
        ),
        "large weights through a softmax": (
            lambda z, y, w: normal_equations(z, y, w if w.max() < 4 else w.softmax(0)),
            "ten times as large",
        ),
        "small weights are raised": (
            lambda z, y, w: normal_equations(z, y, w.clamp(min=0.01 * w.max())),
            "weight 0",
        ),
        "least absolute errors": (least_absolute, "add up to 0"),
        "least absolute errors, recentred": (least_absolute_recentred, "there is a better fit"),
        "the pair the other way round": (
            lambda z, y, w: normal_equations(z, y, w)[::-1],
            "intercept should be one number",
        ),
        "centred by the plain mean": (
            lambda z, y, w: (y.mean() - z.mean(0) @ normal_equations(z, y, w)[1], normal_equations(z, y, w)[1]),
            "the same row written twice",
        ),
        "weights that only choose": (
            lambda z, y, w: normal_equations(z, y, (w > 0).double()),
            "weights change nothing",
        ),
        "one vector, not a pair": (lambda z, y, w: torch.cat([y[:1], z[0]]), "a pair"),
        "an intercept for each point": (
            lambda z, y, w: (y, normal_equations(z, y, w)[1]),
            "the intercept should be one number",
        ),
        "weights in a column": (
            lambda z, y, w: (0.0, normal_equations(z, y, w)[1][:, None]),
            "should have shape (3,)",
        ),
        "a division by 0": (lambda z, y, w: (0.0, z[0] / 0), "finite"),
        "the weights are no argument": (lambda z, y: (0.0, z[0]), "TypeError"),
    },
    "shapley_kernel": {
        "the weight of a whole size": (lambda d, size: 1 / (size * (d - size)), "of one size together"),
        "the number of coalitions alone": (lambda d, size: 1 / math.comb(d, size), "missing from the denominator"),
        "times the number of coalitions": (
            lambda d, size: math.comb(d, size) / (size * (d - size)),
            "not multiply",
        ),
        "LIME's kernel": (lambda d, size: math.exp(-((d - size) ** 2) / d), "a coalition and its complement"),
        "another symmetric kernel": (
            lambda d, size: math.exp(-min(size, d - size)),
            "does not give Shapley's values",
        ),
        "a flat kernel": (lambda d, size: 1.0, "all coalitions weigh the same"),
        "the weight of a marginal contribution": (lambda d, size: shapley_share(d, size), "adds to a coalition"),
        "the sign": (lambda d, size: -shapley_weight(d, size), "finite and positive"),
        "the root of it": (lambda d, size: shapley_weight(d, size) ** 0.5, "does not give Shapley's values"),
        "one size after the other": (
            lambda d, size: 1 / (math.comb(d, size) * size),
            "and its complement weigh the same",
        ),
        "right up to five features": (lambda d, size: shapley_weight(d, size) if d < 6 else 1, "d = 6"),
        "all sizes at once": (lambda d, size: torch.ones(d), "one number"),
        "a division by 0": (lambda d, size: 1 / (size - 1), "ZeroDivisionError"),
    },
    "slope_from_values": {
        "no division by sigma": (lambda f, x, sigma, n, g: sigma * stein(f, x, sigma, n, g), "divide by sigma^2"),
        "times sigma": (
            lambda f, x, sigma, n, g: sigma**2 * stein(f, x, sigma, n, g),
            "sigma^2 times too small",
        ),
        "one division by sigma too many": (
            lambda f, x, sigma, n, g: stein(f, x, sigma, n, g) / sigma,
            "one division too many",
        ),
        "two divisions by sigma too many": (
            lambda f, x, sigma, n, g: stein(f, x, sigma, n, g) / sigma**2,
            "two divisions too many",
        ),
        "noise of size one": (lambda f, x, sigma, n, g: stein(f, x, 1.0, n, g), "have the size sigma"),
        "noise of size sigma squared": (lambda f, x, sigma, n, g: stein(f, x, sigma**2, n, g), "have the size sigma"),
        "a slope along the way from 0": (lambda f, x, sigma, n, g: x * f(x[None]) / (x @ x), "your answer is"),
        "the sign": (lambda f, x, sigma, n, g: -stein(f, x, sigma, n, g), "wrong sign"),
        "a sum over the draws": (lambda f, x, sigma, n, g: n * stein(f, x, sigma, n, g), "not the sum"),
        "one noise for all coordinates": (one_direction, "noise of its own"),
        "times the noisy point": (noisy_points, "not by the noisy point"),
        "the mean of f": (values_alone, "the mean of f"),
        "x is added": (lambda f, x, sigma, n, g: stein(f, x, sigma, n, g) + x, "your answer is"),
        "central differences": (differences, "Gaussian"),
        "coins for noise": (coins, "Gaussian"),
        "forward differences": (forward_differences, "x1^2"),
        "SmoothGrad": (smooth_grad, "use its values only"),
        "the global generator": (global_noise, "generator=generator"),
        "f of one point": (lambda f, x, sigma, n, g: f(x) * x, "batch of points"),
        "no mean over the draws": (lambda f, x, sigma, n, g: torch.zeros(n, len(x)), "shape (3,)"),
        "a single draw": (lambda f, x, sigma, n, g: stein(f, x, sigma, 1, g), "your answer is"),
    },
    "far_neighborhood": {
        "outside of the box": (lambda f, w, c, low, high: high + 1, "not in the box"),
        "a fixed share of the box": (lambda f, w, c, low, high: low + 0.7 * (high - low), "there g is good"),
        "where g is best": (smallest, "there g is good"),
        "f - g without its size": (signed, "g may lie above f"),
        "corners only": (best_corner, "there g is good"),
        "always the same corner": (lambda f, w, c, low, high: high, "a worse place"),
        "the middle": (lambda f, w, c, low, high: (low + high) / 2, "another one is worse"),
        "a corner of whole numbers": (lambda f, w, c, low, high: low.long(), "there g is good"),
        "where f is largest": (
            lambda f, w, c, low, high: low + (high - low) * (f(high[None]) > f(low[None])),
            "there g is good",
        ),
        "two points": (lambda f, w, c, low, high: torch.stack([low, high]), "shape (1,)"),
        "a number": (lambda f, w, c, low, high: 0.5, "one point of the box"),
        "no number": (lambda f, w, c, low, high: low * float("nan"), "not in the box"),
    },
}


def tried_values(f, x, i):
    """A value for feature i that turns the sign most."""
    covered = x.repeat(101, 1)
    covered[:, i] = torch.linspace(0, 1, 101, dtype=x.dtype)
    credit = f(x[None]) - f(covered)
    baseline = torch.zeros_like(x)
    baseline[i] = covered[(credit * credit[0].sign()).argmin(), i]
    return baseline


def tried_at_random(f, x, i):
    drawn = torch.rand(500, len(x), generator=torch.Generator().manual_seed(2), dtype=x.dtype)
    covered = x.repeat(500, 1)
    covered[:, i] = drawn[:, i]
    zero = x.clone()
    zero[i] = 0
    before = f(x[None]) - f(zero[None])
    return drawn[(before * (f(x[None]) - f(covered))).argmin()]


def one_by_one_values(f, x, i):
    inputs = x.repeat(2, 1)
    inputs[1, i] = 0
    here, without = f(inputs)
    for step in range(51):
        inputs[1, i] = step / 50
        if (here - without) * (here - f(inputs)[1]) < -1e-6:
            break
    return inputs[1].tolist()


def wrong_feature(f, x, i):
    right = tried_values(f, x, i)
    return right.roll(1)


def by_numpy(a, b):
    difference = (b - a).numpy()
    return difference.mean() > 2 * difference.std(ddof=1) / len(difference) ** 0.5


def by_variance(a, b):
    gap = b - a
    return gap.mean() > 0 and gap.mean() ** 2 > 4 * gap.var() / gap.numel()


def without_pairs(a, b):
    return bool(b.mean() - a.mean() > 2 * ((a.var() + b.var()) / len(a)).sqrt())


def standard_errors(factor, correction=1):
    def counts(a, b):
        gap = b - a
        return bool(gap.mean() > factor * gap.std(correction=correction) / len(gap) ** 0.5)

    return counts


RIGHT |= {
    "four_slopes": {
        "formulas": lambda x: [2 * x, x, x, 2 * x],
        "a tensor": lambda x: torch.tensor([2.0, 1, 1, 2]) * x,
        "differences": lambda x: (((x + 1) ** 2 - (x - 1) ** 2) / 2, x**2 / x, 2 * x / 2, 2 * (x + 0)),
    },
    "flipping_baseline": {
        "values one after another": tried_values,
        "at random": tried_at_random,
        "in a list": one_by_one_values,
    },
    "two_standard_errors": {
        "of torch": standard_errors(2),
        "of numpy": by_numpy,
        "by the variance, as a tensor": by_variance,
    },
}

WRONG |= {
    "four_slopes": {
        "not divided by x": (lambda x: [2 * x, x * x, x * x, 2 * x], "not divided by x"),
        "one not divided by x": (lambda x: [2 * x, x, x * x, 2 * x], "not divided by x"),
        "the tangent for all": (lambda x: [2 * x] * 4, "which?"),
        "the gradient halved": (lambda x: [x, x, x, 2 * x], "differentiate x^2"),
        "the end of the way": (lambda x: [2 * x, x, 2 * x, 2 * x], "over the way"),
        "the chord for SmoothGrad": (lambda x: [2 * x, x, x, x], "at noisy points"),
        "noise that tilts": (lambda x: [2 * x, x, x, 2 * x + 1], "at noisy points"),
        "three slopes": (lambda x: [2 * x, x, x], "shape (4,)"),
        "the sign": (lambda x: [-2 * x, -x, -x, -2 * x], "differentiate x^2"),
    },
    "flipping_baseline": {
        "zero": (lambda f, x, i: torch.zeros_like(x), "the sign stays"),
        "the point itself": (lambda f, x, i: x, "equals x in feature i"),
        "outside of the cube": (lambda f, x, i: tried_values(f, x, i) + 2, "unit cube"),
        "the wrong feature": (wrong_feature, "elsewhere it is not"),
        "a value alone": (lambda f, x, i: tried_values(f, x, i)[i], "shape (2,)"),
        "f of one point": (lambda f, x, i: f(x), "batch of points"),
        "ones": (lambda f, x, i: torch.ones_like(x), "the sign stays"),
        "half of x": (lambda f, x, i: x / 2, "the sign stays"),
        "the others are changed": (
            lambda f, x, i: torch.ones_like(x) * (torch.arange(len(x)) != i),
            "elsewhere it is not",
        ),
    },
    "two_standard_errors": {
        "the means": (lambda a, b: bool(a.mean() < b.mean()), "a single network decides"),
        "all of them": (lambda a, b: bool((a < b).all()), "many networks"),
        "standard deviations": (lambda a, b: bool((b - a).mean() > 2 * (b - a).std()), "many networks"),
        "no pairs": (without_pairs, "differ much"),
        "the wrong way": (lambda a, b: standard_errors(2)(b, a), "larger"),
        "both ways": (
            lambda a, b: bool((b - a).mean().abs() > 2 * (b - a).std() / len(a) ** 0.5),
            "larger",
        ),
        "one standard error": (standard_errors(1.0), "one and a half"),
        "a division by n": (standard_errors(2, correction=0), "three networks"),
        "the difference": (lambda a, b: (b - a).mean(), "truth value"),
        "always": (lambda a, b: True, "larger"),
        "never": (lambda a, b: False, "should count"),
    },
}
