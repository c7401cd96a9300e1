"""Answers to the exercise on a change that does not depend on lengths."""

import math

import numpy as np
import torch
from torch.nn import functional as F


def cosines(g, new):
    return (g * new).sum(1) / (g.norm(dim=1) * new.norm(dim=1))


def clamped(g, new):
    return cosines(g, new).clamp(-1, 1).arccos()


def by_half_the_angle(g, new):
    u, v = F.normalize(g, dim=1, eps=0), F.normalize(new, dim=1, eps=0)
    return 2 * torch.atan2((u - v).norm(dim=1), (u + v).norm(dim=1))


def by_what_is_perpendicular(g, new):
    """The part of g_new along g, and the part across it."""
    u = g / g.norm(dim=1, keepdim=True)
    along = (u * new).sum(1)
    return torch.atan2((new - along[:, None] * u).norm(dim=1), along)


def by_numpy(g, new):
    g, new = g.numpy(), new.numpy()
    products = np.einsum("bd, bd -> b", g, new)
    squares = np.einsum("bd, bd -> b", g, g) * np.einsum("bd, bd -> b", new, new)
    return np.arccos(np.clip(products / np.sqrt(squares), -1, 1))


def row_by_row(g, new):
    angles = []
    for first, second in zip(g, new, strict=True):
        cosine = float(first @ second / first.norm() / second.norm())
        angles.append(math.acos(max(-1.0, min(1.0, cosine))))
    return angles


def raw(g, new):
    return (g - new).norm(dim=1)


def by_feature(g, new):
    return (g / g.norm(dim=0) * new / new.norm(dim=0)).sum(1).clamp(-1, 1).arccos()


def eps_in_the_length(g, new):
    lengths = (g.norm(dim=1) * new.norm(dim=1)).clamp(min=1e-3)
    return ((g * new).sum(1) / lengths).clamp(-1, 1).arccos()


RIGHT = {
    "more_stable": {
        "clamped": clamped,
        "by half the angle": by_half_the_angle,
        "by what is perpendicular": by_what_is_perpendicular,
        "by numpy": by_numpy,
        "row by row": row_by_row,
        "cut off a little below one": lambda g, new: cosines(g, new).clamp(-1 + 1e-7, 1 - 1e-7).arccos(),
    },
}

WRONG = {
    "more_stable": {
        "raw distance": (raw, "this is the raw distance"),
        "squared distance": (lambda g, new: raw(g, new) ** 2, "the square of the raw distance"),
        "over the first length": (lambda g, new: raw(g, new) / g.norm(dim=1), "when only g_new becomes longer"),
        "over both lengths": (lambda g, new: raw(g, new) / (g.norm(dim=1) + new.norm(dim=1)), "both lengths added"),
        "over the larger length": (
            lambda g, new: raw(g, new) / torch.maximum(g.norm(dim=1), new.norm(dim=1)),
            "the larger length",
        ),
        "pooled": (lambda g, new: ((g * new).sum(1) / (g.norm() * new.norm())).arccos(), "the whole batch"),
        "over the mean length": (lambda g, new: raw(g, new) / g.norm(dim=1).mean(), "the mean length of the batch"),
        "arccos of a product": (lambda g, new: (g * new).sum(1).arccos(), "divide the product by both lengths"),
        "a product cut off": (lambda g, new: (g * new).sum(1).clamp(-1, 1).arccos(), "does not make it one"),
        "one length": (lambda g, new: ((g * new).sum(1) / g.norm(dim=1)).arccos(), "and there are two"),
        "squared lengths": (
            lambda g, new: ((g * new).sum(1) / (g.norm(dim=1) * new.norm(dim=1)) ** 2).arccos(),
            "you divide by squared lengths",
        ),
        "degrees": (lambda g, new: clamped(g, new).rad2deg(), "these are degrees"),
        "the cosine": (cosines, "this is the cosine"),
        "one minus the cosine": (lambda g, new: 1 - cosines(g, new), "one minus the cosine"),
        "no sign": (lambda g, new: cosines(g, new).abs().clamp(max=1).arccos(), "an explanation and its opposite"),
        "the chord": (lambda g, new: raw(F.normalize(g), F.normalize(new)), "on the sphere"),
        "half of it": (lambda g, new: by_half_the_angle(g, new) / 2, "half of the angle"),
        "a share of pi": (lambda g, new: clamped(g, new) / math.pi, "as a share of pi"),
        "by feature": (by_feature, "each feature by its size"),
        "nan at one": (lambda g, new: cosines(g, new).arccos(), "and yours is nan in"),
        "cut off too early": (lambda g, new: cosines(g, new).clamp(-0.999, 0.999).arccos(), "and yours is off by"),
        "a length cut off": (eps_in_the_length, "what do you add to a length, or cut off?"),
        "the angle of the means": (
            lambda g, new: clamped(g.mean(0)[None], new.mean(0)[None]).expand(len(g)),
            "for row 0 your function says",
        ),
        "the mean angle": (lambda g, new: clamped(g, new).mean(), "one number for each row"),
        "zeros": (lambda g, new: torch.zeros(len(g)), "for row 0 your function says 0"),
        "text": (lambda g, new: "less", "should be a tensor of shape (9,)"),
    },
}
