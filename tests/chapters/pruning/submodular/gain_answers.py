"""Answers to the exercises on gains: what neurons add beside others, and examples where that is more than alone."""

import numpy as np
import torch

from interpbook.pruning import explained


def remains(activations, kept):
    """The residual columns, and their squares, zero where they are rounding."""
    own = activations[:, kept]
    left = activations - own @ torch.linalg.pinv(own) @ activations
    size = left.square().sum(0)
    return left, size * (size > 1e-9 * activations.square().sum(0))


def divided(numerator, size):
    return torch.where(size > 0, numerator / size, 0)


def gains(activations, target, kept):
    left, size = remains(activations, kept)
    return divided((left.T @ target).square().sum(1), size)


def by_sweeps(activations, target, kept):
    """A kept column after another, by Schur complements."""
    gram, cross = activations.T @ activations, activations.T @ target
    scale = gram.diagonal().clone()
    for i in kept.tolist():
        cross = cross - gram[:, i, None] * cross[i] / gram[i, i]
        gram = gram - gram[:, i, None] * gram[i] / gram[i, i]
    answer = cross.square().sum(1) / gram.diagonal()
    answer[gram.diagonal() < 1e-9 * scale + 1e-300] = 0
    return answer


def by_differences(activations, target, kept):
    """F with each neuron, less F without it; a list."""
    gram, cross = activations.T @ activations, activations.T @ target
    answer = []
    for i in range(len(gram)):
        more = kept if i in kept.tolist() else torch.cat([kept, torch.tensor([i])])
        answer.append(float(explained(gram, cross, more) - explained(gram, cross, kept)))
    return answer


def by_numpy(activations, target, kept):
    a, t = activations.numpy(), target.numpy()
    q, _ = np.linalg.qr(a[:, kept.numpy()])
    left = a - q @ (q.T @ a)
    answer = np.zeros(a.shape[1])
    for i in range(a.shape[1]):
        size = (left[:, i] ** 2).sum()
        if size > 1e-10:
            answer[i] = ((left[:, i] @ t) ** 2).sum() / size
    return answer


def in_float32(activations, target, kept):
    return gains(activations.float(), target.float(), kept)


def changed(other):
    """Something else made of the residual columns, their squares, and what is given."""

    def answer(activations, target, kept):
        left, size = remains(activations, kept)
        return other(left, size, activations, target, kept)

    return answer


def explained_by(activations, target, kept):
    return activations[:, kept] @ torch.linalg.pinv(activations[:, kept]) @ target


def alone(left, size, a, t, kept):
    return gains(a, t, kept[:0])


def not_kept(a, kept):
    return torch.tensor([float(i not in kept.tolist()) for i in range(a.shape[1])], dtype=torch.float64)


def separately(left, size, a, t, kept):
    rest = a.clone()
    for i in kept.tolist():
        rest -= a[:, i, None] * (a[:, i] @ a) / a[:, i].square().sum()
    return divided((rest.T @ t).square().sum(1), rest.square().sum(0))


def shadow(left, size, a, t, kept):
    part = a[:, kept] @ torch.linalg.pinv(a[:, kept]) @ a
    return (part.T @ t).square().sum(1) / part.square().sum(0).clamp(min=1e-30)


def without_a_limit(a, t, kept):
    """What is left of a combination of kept columns is rounding, and so is its product with T."""
    own = a[:, kept]
    left = a - own @ torch.linalg.pinv(own) @ a
    return (left.T @ t).square().sum(1) / left.square().sum(0)


def loud_rounding(a, t, kept):
    _, size = remains(a, kept)
    return gains(a, t, kept).where((size > 0) | (a == 0).all(0) | (not_kept(a, kept) == 0), 0.7)


def dead_is_nan(a, t, kept):
    return gains(a, t, kept).where(~(a == 0).all(0), torch.nan)


def kept_are_nan(a, t, kept):
    return gains(a, t, kept).where(not_kept(a, kept) > 0, torch.nan)


# Columns: a disturbance; the target and the disturbance; something of the target, and much else.
DISTURBED = [[0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [0.0, 0.0, 2.0]]
FIRST = [[1.0], [0.0], [0.0]]


def columns(*each):
    return torch.tensor(each, dtype=torch.float64).T


def tall():
    """Many examples of the same, turned by an orthogonal matrix."""
    generator = torch.Generator().manual_seed(0)
    turned, _ = torch.linalg.qr(torch.randn((40, 3), generator=generator, dtype=torch.float64))
    return turned @ torch.tensor(DISTURBED, dtype=torch.float64), turned @ torch.tensor(FIRST, dtype=torch.float64)


def near_and_far():
    """Two neurons that are nearly opposite: their sum is small, and is the target."""
    return columns((1.0, 0.1, 0.0), (-0.8, 0.1, 0.0), (0.2, 1.0, 3.0)), columns((0.0, 1.0, 0.0))


RIGHT = {
    "gains_given": {
        "by residual columns": gains,
        "by sweeps": by_sweeps,
        "by differences, a list": by_differences,
        "by numpy": by_numpy,
        "float32": in_float32,
    },
    "gains_more": {
        "a disturbance": (torch.tensor(DISTURBED, dtype=torch.float64), torch.tensor(FIRST, dtype=torch.float64)),
        "lists": (DISTURBED, FIRST),
        "numpy, another scale": (7 * np.array(DISTURBED), 0.01 * np.array(FIRST)),
        "float32, a little of the target": (
            columns((0.1, 1.0, 0.0), (1.0, 1.0, 0.0), (1.0, 0.0, 2.0)).float(),
            torch.tensor(FIRST),
        ),
        "many examples": tall(),
        "whole numbers, further zeros": ([[0, 5, 2], [5, 5, 0], [0, 0, 5], [0, 0, 0]], [[3], [0], [0], [0]]),
        "the disturbance is large": (columns((0.0, 1.0, 0.0), (1.0, 2.0, 0.0), (1.0, 0.0, 3.0)), columns((1, 0, 0))),
    },
}

WRONG = {
    "gains_given": {
        "alone": (changed(alone), "these are the gains alone, as if nothing"),
        "alone, kept at zero": (
            changed(lambda left, size, a, t, kept: alone(left, size, a, t, kept) * not_kept(a, kept)),
            "with zeros for the kept ones: take",
        ),
        "not divided": (
            changed(lambda left, size, a, t, kept: (left.T @ t).square().sum(1)),
            "what is left of a column is shorter",
        ),
        "by the length": (
            changed(lambda left, size, a, t, kept: divided((left.T @ t).square().sum(1), size.sqrt())),
            "not by ||R_i||",
        ),
        "by the column": (
            changed(lambda left, size, a, t, kept: divided((left.T @ t).square().sum(1), a.square().sum(0))),
            "you divide by the square of the column",
        ),
        "what is left of T, by the column": (
            changed(
                lambda left, size, a, t, kept: divided(
                    (a.T @ (t - explained_by(a, t, kept))).square().sum(1), a.square().sum(0)
                )
            ),
            "you divide by the square of the column",
        ),
        "not squared": (
            changed(lambda left, size, a, t, kept: divided((left.T @ t).abs().sum(1), size)),
            "square the products",
        ),
        "squared too late": (
            changed(lambda left, size, a, t, kept: divided((left.T @ t).sum(1).square(), size)),
            "squared for itself",
        ),
        "the root": (lambda a, t, kept: gains(a, t, kept).sqrt(), "the square root of the gain"),
        "a mean over outputs": (lambda a, t, kept: gains(a, t, kept) / t.shape[1], "over outputs, not a mean"),
        "a mean over examples": (lambda a, t, kept: gains(a, t, kept) / len(t), "over examples, not a mean"),
        "a share": (lambda a, t, kept: gains(a, t, kept) / t.square().sum(), "not divided by ||T||^2"),
        "F": (
            lambda a, t, kept: gains(a, t, kept) + explained_by(a, t, kept).square().sum(),
            "this is F with the neuron",
        ),
        "F, kept at zero": (
            lambda a, t, kept: (gains(a, t, kept) + explained_by(a, t, kept).square().sum()) * not_kept(a, kept),
            "and for the kept ones zero: take off F",
        ),
        "the error": (
            lambda a, t, kept: (t - explained_by(a, t, kept)).square().sum() - gains(a, t, kept),
            "squared error that is left",
        ),
        "the part that is explained": (changed(shadow), "the part of a column that the kept ones explain"),
        "one after another": (changed(separately), "project on all of them at once"),
        "kept ones as alone": (
            changed(
                lambda left, size, a, t, kept: torch.where(
                    not_kept(a, kept) > 0, gains(a, t, kept), alone(left, size, a, t, kept)
                )
            ),
            "the kept ones have their own gains",
        ),
        "no limit": (without_a_limit, "instead of 0"),
        "no limit, kept at zero": (
            lambda a, t, kept: without_a_limit(a, t, kept).where(not_kept(a, kept) > 0, 0),
            "nothing but rounding is left of neuron 3: it adds 0, and has nan",
        ),
        "loud rounding": (loud_rounding, "nothing but rounding is left of neuron 5: it adds 0, and has 0.7"),
        "dead is nan": (dead_is_nan, "nothing but rounding is left of neuron 3: it adds 0, and has nan"),
        "kept are nan": (kept_are_nan, "neuron 0 is kept, adds nothing more, and has nan"),
        "the others only": (lambda a, t, kept: gains(a, t, kept)[not_kept(a, kept) > 0], "should have shape (3,)"),
        "by output": (lambda a, t, kept: gains(a, t, kept)[:, None] * torch.ones(t.shape[1]), "outputs are added up"),
        "twice": (lambda a, t, kept: 2 * gains(a, t, kept), "neuron 1 adds 9, not 18"),
        "text": (lambda a, t, kept: "gains", "should be a tensor of shape"),
    },
    "gains_more": {
        "orthogonal": ((torch.eye(3), torch.ones(3, 1)), "does it overlap with neuron 1 at all?"),
        "equal": ((torch.ones(3, 3) + torch.eye(3), torch.ones(3, 1)), "which is the usual case"),
        "nothing": ((columns((0, 0, 1), (1, 0, 0), (0, 1, 0)), columns((1, 1, 0))), "neither before nor after"),
        "a dead neuron": ((columns((0, 0, 0), (1, 1, 0), (1, 0, 2)), columns((1, 0, 0))), "neither before nor after"),
        "other places": (
            (torch.tensor(DISTURBED)[:, [1, 0, 2]], torch.tensor(FIRST)),
            "change their places",
        ),
        "three times": (
            (columns((0.5, 1, 0), (1, 1, 0), (1, 0, 2)), columns((1, 0, 0))),
            "times as much, and should be at least 10",
        ),
        "no third": (
            (columns((0, 1, 0), (1, 1, 0), (0, 0, 0)), columns((1, 0, 0))),
            "neuron 0 is asked first and adds no less than neuron 2",
        ),
        "a third that gains no more": (
            (columns((0.1, 1, 0), (1, 1, 0), (0, 0, 1)), columns((1, 0, 0))),
            "so both take it",
        ),
        "a third that is better": (
            (columns((0, 1, 0), (1, 1, 0), (1, 0, 0.1)), columns((1, 0, 0))),
            "so both take it",
        ),
        "a third that repeats neuron 1": (
            (columns((0.1, 1, 0), (1, 1, 0), (1, 1.1, 0)), columns((1, 0, 0.5))),
            "so both take it",
        ),
        "the same neuron twice": (
            (columns((0, 1, 0), (1, 1, 0), (1, 1, 0)), columns((1, 0, 0))),
            "look for two that are equal",
        ),
        "a copy with a little noise": (
            (columns((0.2, 1, 0), (1, 1, 0), (1, 1, 0.1)), columns((1, 0, 0))),
            "chooses as greedy does",
        ),
        "a target of zeros": ((torch.tensor(DISTURBED), torch.zeros(3, 1)), "nothing to explain"),
        "a flat target": ((torch.tensor(DISTURBED), torch.tensor([1.0, 0.0, 0.0])), "t is a column"),
        "two neurons": ((torch.ones(4, 2), torch.ones(4, 1)), "three neurons are three columns"),
        "infinite": ((torch.tensor(DISTURBED) * torch.inf, torch.tensor(FIRST)), "should be finite"),
    },
}
