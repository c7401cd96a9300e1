"""Answers to the exercises on feature leakage: right in several ways, and wrong as people go wrong."""

import itertools

import numpy as np
import torch
from chapters.attribution.leakage import absent_answers, ranking_answers, retrained_answers

from interpbook.chapters.attribution.leakage.exercises.predict import SITUATIONS

TRUTH = {situation: truth for situation, (truth, _, _) in SITUATIONS.items()}
OUTPUT, HIDDEN, MEAN, LEAKY, ABSOLUTE, GELU, TANH, DEEP = SITUATIONS


def robust_margin(w, b, x, y, eps):
    return (y * (x @ w + b)).min() - eps * w.abs().sum()


def by_corners(w, b, x, y, eps):
    """The smallest margin over all corners of the box."""
    margins = []
    for corner in itertools.product((-eps, eps), repeat=len(w)):
        margins.append((y * ((x + torch.tensor(corner)) @ w + b)).min())
    return min(margins)


def by_one_step(w, b, x, y, eps):
    """The fast gradient sign method, which is exact for a linear function."""
    attacked = x - eps * y[:, None] * w.sign()
    return float(torch.amin(y * (attacked @ w + b)))


def by_loops(w, b, x, y, eps):
    smallest = float("inf")
    for point, label in zip(x.tolist(), y.tolist(), strict=True):
        margin = label * b
        for weight, value in zip(w.tolist(), point, strict=True):
            margin += label * weight * value - eps * abs(weight)
        smallest = min(smallest, margin)
    return smallest


def clean(w, b, x, y):
    return y * (x @ w + b)


def less(cost):
    """The smallest clean margin, less another cost of the attack."""
    return lambda w, b, x, y, eps: clean(w, b, x, y).min() - cost(w, b, eps)


def max_margin(c):
    return 1 / (2 * (1 / c).norm())


def by_numpy(c):
    c = c.numpy()
    return 0.5 / np.sqrt(np.sum(c**-2))


def by_weights(c):
    """Weights that make all margins equal, of length one."""
    v = 1 / c
    v = v / v.norm()
    return (c * v / 2).min()


def by_the_last_signal(c):
    """One signal more at a time: 1 / m^2 grows by 4 / c^2."""
    inverse = 0.0
    for length in c.tolist():
        inverse += 4 / length**2
    return inverse**-0.5


RIGHT = {
    "never_looks": {
        "as it is": TRUTH,
        "in capitals": {situation: f" {word.upper()}." for situation, word in TRUTH.items()},
        "with one more": {**TRUTH, "softplus": "stays"},
    },
    "robust_linear": {
        "the formula": robust_margin,
        "by corners": by_corners,
        "by one step against the sign": by_one_step,
        "by loops": by_loops,
        "row by row": lambda w, b, x, y, eps: torch.stack([*(clean(w, b, x, y) - eps * w.norm(p=1))]).amin(),
    },
    "max_margin": {
        "the formula": max_margin,
        "by numpy": by_numpy,
        "by weights": by_weights,
        "by a loop": by_the_last_signal,
        "powers": lambda c: (c**-2).sum() ** -0.5 / 2,
    },
}

WRONG = {
    "never_looks": {
        "output bias": ({**TRUTH, OUTPUT: "depends"}, "a constant at the output has no gradient"),
        "hidden biases": ({**TRUTH, HIDDEN: "stays"}, "near zero relu(u + 1) is active at both points"),
        "mean image": ({**TRUTH, MEAN: "stays"}, "with the bias -<w, m>"),
        "leaky": ({**TRUTH, LEAKY: "depends"}, "(1 + s) u"),
        "absolute value": ({**TRUTH, ABSOLUTE: "depends"}, "add up to zero"),
        "smooth": ({**TRUTH, GELU: "depends"}, "it has a linear odd part"),
        "odd": ({**TRUTH, TANH: "stays"}, "odd and curved"),
        "deeper": ({**TRUTH, DEEP: "stays"}, "reads relu(u) at x and relu(-u) at -x"),
        "all stay": (dict.fromkeys(TRUTH, "stays"), "look again at ReLU, biases in the hidden layer"),
        "all depend": (dict.fromkeys(TRUTH, "depends"), "look again at ReLU, a bias at the output"),
        "no biases, no dependence": ({**TRUTH, TANH: "stays", DEEP: "stays"}, "look again at tanh"),
        "another word": ({**TRUTH, GELU: "same"}, '"stays" or "depends", and is \'same\''),
        "one is missing": ({OUTPUT: "stays"}, "there is no answer for 'ReLU, biases"),
        "a list": (list(TRUTH.values()), "should be a dictionary"),
    },
    "robust_linear": {
        "no attack": (less(lambda w, b, eps: 0), "without an attack"),
        "Euclidean length": (less(lambda w, b, eps: eps * w.norm()), "an attack of Euclidean length"),
        "largest weight": (less(lambda w, b, eps: eps * w.abs().max()), "all of them may move together"),
        "mean weight": (less(lambda w, b, eps: eps * w.abs().mean()), "add them up"),
        "signed weights": (less(lambda w, b, eps: eps * w.sum()), "chooses each sign by itself"),
        "eps alone": (less(lambda w, b, eps: eps), "not eps itself"),
        "eps for each coordinate": (less(lambda w, b, eps: eps * len(w)), "only where the weights are"),
        "a help": (less(lambda w, b, eps: -eps * w.abs().sum()), "and this raises it"),
        "twice": (less(lambda w, b, eps: 2 * eps * w.abs().sum()), "not from -eps to eps"),
        "bias attacked": (less(lambda w, b, eps: eps * (w.abs().sum() + abs(b))), "the bias is no input"),
        "the signal's coordinate alone": (
            lambda w, b, x, y, eps: (clean(w, b, x, y) - eps * ((x != 0) * w.abs()).sum(1)).min(),
            "zero in an example may move",
        ),
        "the other coordinates alone": (
            lambda w, b, x, y, eps: (clean(w, b, x, y) - eps * ((x == 0) * w.abs()).sum(1)).min(),
            "the signal's own may move",
        ),
        "mean": (lambda w, b, x, y, eps: clean(w, b, x, y).mean() - eps * w.abs().sum(), "the smallest is asked"),
        "largest": (lambda w, b, x, y, eps: clean(w, b, x, y).max() - eps * w.abs().sum(), "the largest margin"),
        "no label": (lambda w, b, x, y, eps: (x @ w + b).min() - eps * w.abs().sum(), "wants f below zero"),
        "no sign": (
            lambda w, b, x, y, eps: clean(w, b, x, y).abs().min() - eps * w.abs().sum(),
            "the sign of a margin counts",
        ),
        "no bias": (lambda w, b, x, y, eps: (y * (x @ w)).min() - eps * w.abs().sum(), "the bias is missing"),
        "cut off": (lambda *case: max(0, robust_margin(*case)), "do not cut off at zero"),
        "bearable eps": (lambda w, b, x, y, eps: clean(w, b, x, y).min() / w.abs().sum(), "not its margin"),
        "squared weights": (less(lambda w, b, eps: eps * w.square().sum()), "the worst corner"),
        "each example": (lambda w, b, x, y, eps: clean(w, b, x, y) - eps * w.abs().sum(), "should be one number"),
        "no function": (0.5, "should be a function"),
    },
    "max_margin": {
        "not shared": (lambda c: 1 / (1 / c).norm(), "two opposite points share this"),
        "theorem 1": (lambda c: 1 / (2 * len(c) ** 0.5), "the lengths are missing"),
        "1 over the root of r": (lambda c: 1 / len(c) ** 0.5, "and so is the half"),
        "1 over r": (lambda c: 1 / len(c), "a share of the gradient"),
        "1 over 2 r": (lambda c: 1 / (2 * len(c)), "and the lengths are missing"),
        "the root of r, halved": (lambda c: len(c) ** 0.5 / 2, "bounds all pairs together"),
        "equal weights": (lambda c: c.min() / (2 * len(c) ** 0.5), "give it a larger weight"),
        "equal weights, mean": (lambda c: c.mean() / (2 * len(c) ** 0.5), "the mean margin"),
        "weights like lengths": (lambda c: c.min() ** 2 / (2 * c.norm()), "need it least"),
        "the sum of all": (lambda c: c.norm() / 2, "the sum of all pairs"),
        "the mean of all": (lambda c: c.norm() / (2 * len(c)), "the mean over the pairs"),
        "the shortest alone": (lambda c: c.min() / 2, "none for the others"),
        "no root": (lambda c: 1 / (2 * (c**-2).sum()), "a root is missing"),
        "entries that add up to one": (lambda c: 1 / (2 * (1 / c).sum()), "not sum v_j <= 1"),
        "harmonic mean": (lambda c: len(c) / (2 * (1 / c).sum()), "half of the harmonic mean"),
        "upside down": (lambda c: (1 / c).norm() / 2, "upside down"),
        "lengths, not inverse": (lambda c: 1 / (2 * c.norm()), "falls when a signal grows"),
        "a quarter": (lambda c: 1 / (4 * (1 / c).norm()), "counted twice"),
        "a little more": (lambda c: 1.01 * max_margin(c), "no network of size 1 has more"),
        "a little less": (lambda c: 0.99 * max_margin(c), "and the network (relu"),
        "one for each": (lambda c: c / 2, "should be one number"),
        "no function": (0.25, "should be a function"),
    },
}

for part in (absent_answers, ranking_answers, retrained_answers):
    RIGHT |= part.RIGHT
    WRONG |= part.WRONG
