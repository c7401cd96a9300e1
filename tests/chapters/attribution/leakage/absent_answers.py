"""Answers to the exercise on the block without a digit: the correlation of two mean maps."""

import numpy as np
import torch


def top(g):
    return g[:, : g.shape[1] // 2]


def bottom(g):
    return g[:, g.shape[1] // 2 :]


def correlation(a, b):
    return torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1]


def leak(g, on_top):
    sizes = top(g).abs()
    return correlation(sizes[on_top].mean(0), sizes[~on_top].mean(0))


def by_numpy(g, on_top):
    sizes, there = np.abs(g.numpy())[:, : g.shape[1] // 2], on_top.numpy()
    return np.corrcoef(sizes[there].mean(0).ravel(), sizes[~there].mean(0).ravel())[1, 0]


def by_standardizing(g, on_top):
    maps = []
    for group in (on_top, on_top.logical_not()):
        mean = top(g)[group].abs().mean(0)
        maps.append((mean - mean.mean()) / mean.std(correction=0))
    return (maps[0] * maps[1]).mean()


def by_sums(g, on_top):
    """A correlation does not see that sums are taken in place of means."""
    there = on_top.double()
    sizes = top(g).abs().flatten(1)
    return correlation(there @ sizes, (1 - there) @ sizes)


def cosine(g, on_top):
    sizes = top(g).abs().flatten(1)
    return torch.cosine_similarity(sizes[on_top].mean(0), sizes[~on_top].mean(0), dim=0)


def single_images(g, on_top):
    sizes = top(g).abs()
    present = sizes[on_top].mean(0)
    return torch.stack([correlation(present, each) for each in sizes[~on_top]]).mean()


def pairs(g, on_top):
    sizes = top(g).abs()
    found = [correlation(one, other) for one in sizes[on_top] for other in sizes[~on_top]]
    return sum(found) / len(found)


def of_ranks(g, on_top):
    sizes = top(g).abs().flatten(1)
    ranks = [sizes[group].mean(0).argsort().argsort().double() for group in (on_top, ~on_top)]
    return correlation(*ranks)


def covariance(g, on_top):
    sizes = top(g).abs().flatten(1)
    return torch.cov(torch.stack([sizes[on_top].mean(0), sizes[~on_top].mean(0)]), correction=0)[0, 1]


def left(g, on_top):
    sizes = g[:, :, : g.shape[2] // 2].abs()
    return correlation(sizes[on_top].mean(0), sizes[~on_top].mean(0))


def each_map_divided_by_its_sum(g, on_top):
    sizes = top(g).abs()
    return leak(sizes / sizes.sum((1, 2), keepdim=True), on_top)


def between(first, second):
    """The correlation of two other mean maps."""
    return lambda g, on_top: correlation(first(g, on_top).mean(0), second(g, on_top).mean(0))


RIGHT = {
    "leak": {
        "corrcoef": leak,
        "by numpy": by_numpy,
        "standardized": by_standardizing,
        "sums": by_sums,
        "flipped roles": lambda g, on_top: leak(-g, ~on_top),
    }
}

WRONG = {
    "leak": {
        "cosine": (cosine, "positive everywhere have a large one"),
        "signed": (between(lambda g, t: top(g)[t], lambda g, t: top(g)[~t]), "signed gradients cancel"),
        "absolute value after the mean": (
            lambda g, t: correlation(top(g)[t].mean(0).abs(), top(g)[~t].mean(0).abs()),
            "comes after the mean",
        ),
        "whole images": (between(lambda g, t: g.abs()[t], lambda g, t: g.abs()[~t]), "maps of whole images"),
        "bottom block": (
            between(lambda g, t: bottom(g).abs()[t], lambda g, t: bottom(g).abs()[~t]),
            "this is the bottom block",
        ),
        "left half": (left, "this is the left half"),
        "two blocks of the same images": (
            between(lambda g, t: top(g).abs()[t], lambda g, t: bottom(g).abs()[t]),
            "the two blocks of the same images",
        ),
        "digit against digit": (
            between(lambda g, t: top(g).abs()[t], lambda g, t: bottom(g).abs()[~t]),
            "both of these blocks have a digit",
        ),
        "against all images": (
            between(lambda g, t: top(g).abs()[t], lambda g, t: top(g).abs()),
            "which contains the other",
        ),
        "image by image": (single_images, "average the maps without a digit first"),
        "pair by pair": (pairs, "average the maps of both groups first"),
        "squares": (between(lambda g, t: top(g)[t] ** 2, lambda g, t: top(g)[~t] ** 2), "mean squares"),
        "squared": (lambda g, t: leak(g, t) ** 2, "the square of the correlation"),
        "no sign": (lambda g, t: abs(leak(g, t)), "the sign counts"),
        "one minus": (lambda g, t: 1 - leak(g, t), "one minus the correlation"),
        "covariance": (covariance, "this is the covariance"),
        "ranks": (of_ranks, "correlates ranks"),
        "each map divided by its sum": (each_map_divided_by_its_sum, "your function says"),
        "a matrix": (lambda g, t: torch.corrcoef(top(g).flatten(1)), "should be one number"),
        "no function": (0.99, "should be a function"),
    }
}
