"""Answers to the exercises of the chapter: several that are right, and common mistakes with their hints."""

import torch

RIGHT = {
    "degree_three": {
        "cubes": lambda x: x.pow(3).sum(1),
        "a power of the length": lambda x: x.norm(dim=1) ** 3,
        "a product of coordinates": lambda x: x.prod(1),
    },
    "without_biases": {
        "a number": torch.tensor(1.0),
        "a whole number": torch.tensor(1),
        "a list of one": torch.ones(1),
    },
    "tested_rule": {
        "zero": torch.zeros(3),
        "a short one": torch.tensor([0.1, -0.2, 0.3]),
        "whole numbers": torch.tensor([1, 1, 1]),
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
    "without_biases": {
        "as for the squared length": (2, "squared length"),
        "nothing": (0, "not the ratio"),
        "upside down": (0.5, "not the ratio"),
        "the wrong sign": (-1, "not the ratio"),
        "two numbers": (torch.ones(2), "one number"),
    },
    "tested_rule": {
        "as long as those that were tried": (torch.tensor([100.0, 0.0, 0.0]), "nearly as long"),
        "still too long": (torch.tensor([2.5, 0.0, 0.0]), "less than half"),
        "of length three": (torch.tensor([1.8, 1.8, 1.8]), "less than half"),
        "of two numbers": (torch.zeros(2), "shape (3,)"),
        "infinite": (torch.full((3,), torch.inf), "finite"),
    },
}
