"""Answers to the exercises on schedules and learning rates: right in several ways, and wrong."""

import itertools

import torch

from interpbook.pruning import SparsitySchedule, project_sparsity


def cubic(done, sparsity):
    return sparsity * (1 - (1 - done) ** 3)


def ends(step, steps, cycles):
    length = steps // cycles
    cycle = min(step // length, cycles - 1)
    first = cycle * length
    return first, steps if cycle == cycles - 1 else first + length - 1


def cyclical(step, steps, cycles, sparsity):
    first, last = ends(step, steps, cycles)
    return cubic((step - first) / (last - first), sparsity)


def of_the_library(step, steps, cycles, sparsity):
    return SparsitySchedule.cyclical(sparsity, steps, cycles=cycles, ramp=1)(step)


def by_search(step, steps, cycles, sparsity):
    """The cycle whose steps hold this one."""
    length = steps // cycles
    starts = range(0, steps, length)
    for first, after in itertools.pairwise([*starts, steps + 1]):
        if first <= step < after:
            done = torch.linspace(0, 1, after - first)[step - first]
            return cubic(done, sparsity)
    return 0.0


def ramp(curve):
    """Another curve, with the right first and last steps."""

    def answer(step, steps, cycles, sparsity):
        first, last = ends(step, steps, cycles)
        return curve((step - first) / (last - first), sparsity)

    return answer


def since(length_of, limit=float("inf")):
    """p measured by a length, in all cycles the same."""

    def answer(step, steps, cycles, sparsity):
        first, _ = ends(step, steps, cycles)
        return cubic(min((step - first) / length_of(steps // cycles), limit), sparsity)

    return answer


def remainder(length_of):
    def answer(step, steps, cycles, sparsity):
        length = steps // cycles
        return cubic(step % length / length_of(length), sparsity)

    return answer


def solution(inputs, y, support):
    w = torch.zeros_like(inputs[0])
    w[support] = torch.linalg.lstsq(inputs[:, support], y[:, None]).solution[:, 0]
    return w


def slope(inputs, y, w):
    return inputs.T @ (inputs @ w - y)


def critical(inputs, y, support):
    w = solution(inputs, y, support)
    return w[support].abs().min() / slope(inputs, y, w)[~support].abs().max()


def by_autograd(inputs, y, support):
    """Normal equations in float64, and the gradient of the loss as torch takes it."""
    own = inputs[:, support]
    w = torch.zeros_like(inputs[0])
    w[support] = torch.linalg.solve(own.T @ own, own.T @ y)
    w.requires_grad_()
    ((inputs @ w - y).square().sum() / 2).backward()
    largest = w.grad[~support].abs().max()
    return float(w.detach()[support].abs().min() / largest)


def by_trying(inputs, y, support):
    """Halve again and again the gap between a learning rate that keeps the point and one that does not."""
    w = solution(inputs, y, support)
    g = slope(inputs, y, w)

    def stays(lr):
        after = w - lr * g
        project_sparsity(after, 1 - int(support.sum()) / len(w))
        return torch.equal(after != 0, support)

    low, high = 0.0, 1.0
    while stays(high):
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if stays(middle) else (low, middle)
    return low


def from_parts(small=lambda own: own.abs().min(), large=lambda off: off.abs().max(), at=None, factor=1.0):
    """The ratio with other parts: of the kept weights, of the gradient elsewhere, at another point."""

    def answer(inputs, y, support):
        w = solution(inputs, y, support)
        g = slope(inputs, y, at(inputs, y, support) if at else w)
        return factor * small(w[support]) / large(g[~support])

    return answer


def cut(inputs, y, support):
    w = torch.linalg.pinv(inputs) @ y * support
    return w[support].abs().min() / slope(inputs, y, w)[~support].abs().max()


RIGHT = {
    "cyclical_sparsity": {
        "by first and last": cyclical,
        "of the library": of_the_library,
        "by search, float32": by_search,
    },
    "critical_learning_rate": {
        "by the formula": critical,
        "by autograd": by_autograd,
        "by trying": by_trying,
        "float32": lambda inputs, y, support: critical(inputs.float(), y.float(), support),
    },
}

WRONG = {
    "cyclical_sparsity": {
        "open at the end": (lambda *given: 0.0 if given[0] == given[1] else cyclical(*given), "it opens at the end"),
        "a remainder": (remainder(lambda length: length - 1), "the remainder is 0 there"),
        "a remainder by the length": (remainder(lambda length: length), "at the end all is open"),
        "beyond the end": (since(lambda length: length - 1), "p is above one at its end"),
        "too early": (since(lambda length: length - 1, 1.0), "yours is at its end too early"),
        "never there": (since(lambda length: length), "open before they have reached the sparsity"),
        "the density": (lambda *given: 1 - cyclical(*given), "the fraction that is kept"),
        "upside down": (lambda *given: given[3] - cyclical(*given), "begin closed and open"),
        "straight": (ramp(lambda done, sparsity: sparsity * done), "steep first"),
        "a cube of p": (ramp(lambda done, sparsity: sparsity * done**3), "the cube is of 1 - p"),
        "a parabola": (ramp(lambda done, sparsity: sparsity * (1 - (1 - done) ** 2)), "is a parabola"),
        "one cycle": (lambda step, steps, cycles, s: cyclical(step, steps, 1, s), "where does it fall?"),
        "up to one": (lambda step, steps, cycles, s: cyclical(step, steps, cycles, 1), "whatever the sparsity is"),
        "a cosine": (
            ramp(lambda done, s: s * float(torch.sin(torch.tensor(done * torch.pi / 2)))),
            "at step 1, in the cycle from 0 to 3, it should be",
        ),
        "not a number": (lambda *given: float("nan"), "and is nan"),
        "all steps at once": (lambda *given: torch.ones(given[1] + 1), "a sparsity should be one number"),
        "no last step": (lambda *given: 1 / (given[1] - given[0]), "raised ZeroDivisionError"),
    },
    "critical_learning_rate": {
        "the strongest kept": (from_parts(lambda own: own.abs().max()), "not the strongest"),
        "the mean kept": (from_parts(lambda own: own.abs().mean()), "take the smallest, not the mean"),
        "the weakest gradient": (from_parts(large=lambda off: off.abs().min()), "not the weakest"),
        "the mean gradient": (from_parts(large=lambda off: off.abs().mean()), "take the largest |g|, not the mean"),
        "the length of the gradient": (from_parts(large=lambda off: off.norm()), "that of all of them together"),
        "signed weights": (from_parts(lambda own: own.min()), "take its magnitude"),
        "a signed gradient": (from_parts(large=lambda off: off.max()), "on either side of zero"),
        "upside down": (lambda *given: 1 / critical(*given), "it is upside down"),
        "a doubled gradient": (from_parts(factor=1 / 2), "without a two"),
        "a mean": (lambda inputs, y, support: len(y) * critical(inputs, y, support), "not a mean (n = 12"),
        "a mean of squares": (lambda inputs, y, support: len(y) / 2 * critical(inputs, y, support), "not a mean of sq"),
        "cut to the support": (cut, "is not the solution on the support"),
        "the gradient at zero": (from_parts(at=lambda inputs, y, support: 0 * inputs[0]), "not at w = 0"),
        "the gradient at zero, of all": (
            lambda inputs, y, support: solution(inputs, y, support)[support].abs().min() / (inputs.T @ y).abs().max(),
            "not at w = 0",
        ),
        "1 / norm": (
            lambda inputs, y, support: 1 / torch.linalg.matrix_norm(inputs, ord=2) ** 2,
            "certainly does not climb",
        ),
        "2 / norm": (lambda inputs, y, support: 2 / torch.linalg.matrix_norm(inputs, ord=2) ** 2, "begins to diverge"),
        "the gradient": (
            lambda *given: from_parts()(*given) * 0 + 1 / from_parts(lambda own: 1)(*given),
            "how far must",
        ),
        "the weight": (from_parts(large=lambda off: 1), "how fast does another grow"),
        "another factor": (from_parts(factor=0.9), "the learning rate should be"),
        "not a number": (lambda *given: float("nan"), "and is not a number"),
        "a vector": (lambda inputs, y, support: y, "should be one number"),
    },
}
