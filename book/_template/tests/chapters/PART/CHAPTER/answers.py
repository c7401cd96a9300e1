"""Answers to the exercises of the chapter: several that are right, and common mistakes with their hints."""

import torch

RIGHT = {
    "degree_three": {
        "cubes": lambda x: x.pow(3).sum(1),
        "a power of the length": lambda x: x.norm(dim=1) ** 3,
        "a product of coordinates": lambda x: x.prod(1),
    },
}

WRONG = {
    "degree_three": {
        "squares": (lambda x: x.square().sum(1), "degree two"),
        "no power at all": (lambda x: x.exp().sum(1), "not three times"),
        "zero everywhere": (lambda x: 0 * x.sum(1), "says nothing"),
        "a logarithm of what is negative": (lambda x: x.log().sum(1), "infinite or nan"),
        "cut off from x": (lambda x: x.detach().pow(3).sum(1), "cannot be differentiated"),
        "no sum over the input": (lambda x: x.pow(3), "one number for each example"),
        "a tensor, not a function": (torch.zeros(3), "should be a function"),
    },
}
