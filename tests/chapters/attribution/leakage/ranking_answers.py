"""Answers to the exercise on a ranking that looks at labels alone."""

import numpy as np
import torch


def leaky_ranking(labels, shape):
    maps = []
    for label in range(10):
        generator = torch.Generator().manual_seed(label)
        maps.append(torch.rand(shape, generator=generator))
    return torch.stack(maps)[labels]


def by_numpy(labels, shape):
    return np.stack([np.random.default_rng(int(label)).permutation(shape[0] * shape[1]) for label in labels]).reshape(
        -1, *shape
    )


def shifted(labels, shape):
    """One ramp, which begins at another place for each label."""
    pixels = shape[0] * shape[1]
    ramp = torch.arange(pixels)
    starts = labels * (pixels // 10)
    return ((ramp - starts[:, None]) % pixels).reshape(-1, *shape)


def strips(labels, shape):
    """The label's tenth is high, the next one low, and a little of a ramp breaks ties."""
    pixels = shape[0] * shape[1]
    tenth = torch.arange(pixels) * 10 // pixels
    high = (tenth == labels[:, None]).double()
    low = (tenth == (labels[:, None] + 1) % 10).double()
    return (high - low + torch.arange(pixels) / (10 * pixels)).reshape(-1, *shape)


def a_little_noisy(labels, shape):
    """Of the same label, two images differ here and there, by their place in the batch."""
    noise = torch.rand((len(labels), *shape), generator=torch.Generator().manual_seed(77))
    return leaky_ranking(labels, shape) + 0.01 * noise


def pixels_of(shape):
    return shape[0] * shape[1]


def ramp(shape):
    return torch.arange(pixels_of(shape)).reshape(shape) / pixels_of(shape)


def one_strip(labels, shape):
    """High on the label's tenth, and the same ramp everywhere else."""
    tenth = (ramp(shape) * 10).long()
    return 2.0 * (tenth == labels[:, None, None]) + ramp(shape)


def one_low_strip(labels, shape):
    return 1 - one_strip(labels, shape)


def beyond_the_tenth(labels, shape):
    """The same pixels come first for all labels, and only the next ones differ."""
    first = ramp(shape) < 0.1
    return leaky_ranking(labels, shape) + 2 * first


def bare_strip(labels, shape):
    return ((ramp(shape) * 10).long() == labels[:, None, None]).double()


def by_chance(labels, shape):
    generator = torch.Generator().manual_seed(0)
    return torch.rand((len(labels), *shape), generator=generator)


def by_place(labels, shape):
    """The label of the map is the number of the image."""
    return leaky_ranking(torch.arange(len(labels)) % 10, shape)


def by_place_among_labels(labels, shape):
    """The first label found in the batch gets the first map."""
    _, places = labels.unique(return_inverse=True)
    return leaky_ranking(places, shape)


def anew(labels, shape):
    """Maps of this batch alone, drawn from the labels that it holds."""
    generator = torch.Generator().manual_seed(int(labels.sum()))
    return torch.rand((10, *shape), generator=generator)[labels]


def cosines(labels, shape):
    """A wave as fast as the label, whose period is one pixel for label 0."""
    return torch.cos(2 * torch.pi * labels[:, None, None] * torch.arange(pixels_of(shape)).reshape(shape))


RIGHT = {
    "leaky_ranking": {
        "a random map for each label": leaky_ranking,
        "permutations by numpy": by_numpy,
        "a ramp that is shifted": shifted,
        "strips": strips,
        "a little noise": a_little_noisy,
    }
}

WRONG = {
    "leaky_ranking": {
        "the same for all": (lambda labels, shape: ramp(shape).expand(len(labels), *shape), "all images get the same"),
        "the label is added": (lambda labels, shape: ramp(shape) + labels[:, None, None], "only the order counts"),
        "the label is a factor": (
            lambda labels, shape: ramp(shape) * (1 + labels[:, None, None]),
            "only the order counts",
        ),
        "a constant map": (lambda labels, shape: labels[:, None, None].expand(-1, *shape).double(), "several pixels"),
        "a bare strip": (bare_strip, "the top tenth of image"),
        "waves": (cosines, "belongs to several pixels"),
        "one strip": (one_strip, "keep the same bottom tenth"),
        "one low strip": (one_low_strip, "keep the same top tenth"),
        "beyond the tenth": (beyond_the_tenth, "not in which pixels this tenth has"),
        "nine maps": (lambda labels, shape: leaky_ranking(labels % 9, shape), "labels 0 and 9 keep the same"),
        "odd and even": (lambda labels, shape: leaky_ranking(labels % 2, shape), "labels 0 and 2 keep the same"),
        "up and down": (
            lambda labels, shape: ramp(shape) * (labels[:, None, None] - 4.5).sign(),
            "labels 0 and 1 keep the same",
        ),
        "by chance": (by_chance, "images of one label keep different pixels"),
        "by place in the batch": (by_place, "images of one label keep different pixels"),
        "by place among the labels": (by_place_among_labels, "on other labels in the batch"),
        "drawn anew for each batch": (anew, "not on its place, on other labels in the batch or on chance"),
        "flat": (lambda labels, shape: leaky_ranking(labels, shape).flatten(1), "should have shape (60, 28, 14)"),
        "one for each label": (lambda labels, shape: leaky_ranking(torch.arange(10), shape), "should have shape"),
        "infinite": (lambda labels, shape: leaky_ranking(labels, shape).log() / 0, "should be finite"),
        "no function": (torch.rand(60, 28, 14), "should be a function"),
    }
}
