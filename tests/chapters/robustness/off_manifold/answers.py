"""Answers to the exercises on off-manifold robustness: right in several ways, and wrong as people go wrong."""

import torch
from chapters.robustness.off_manifold import measure_answers
from torch import nn

from interpbook.chapters.robustness.off_manifold.exercises.predict import QUANTITIES

TRUTH = {quantity: truth for quantity, (truth, _, _) in QUANTITIES.items()}
ADD_PROB, ADD_LOGIT, ADD_SUM, DOUBLE_CHANGE, DOUBLE_RHO, DOUBLE_PROB = QUANTITIES


def seen(images, mask):
    return (mask * images).flatten(1).mean(1)


def one_logit(images, mask):
    logits = torch.zeros(len(images), 10)
    logits[:, 3] = 1 + seen(images, mask)
    return logits


def by_padding(images, mask):
    return nn.functional.pad(1 + seen(images, mask)[:, None], (0, 9))


def random_behind_a_mask(images, mask):
    """A network that was never trained, and a head start that it cannot make up for."""
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(392, 10, generator=generator, dtype=images.dtype) / 392
    start = torch.zeros(10, dtype=images.dtype)
    start[7] = 4
    return (mask * images).flatten(1) @ weights + start


def different_start(size):
    """Right for a head start that is large enough, and not too large for float64."""
    return lambda images, mask: nn.functional.pad(size + seen(images, mask)[:, None], (0, 9))


def whole_image(images, mask):
    return one_logit(images, torch.ones_like(mask))


def sharp(images, mask):
    return 1e5 * one_logit(images, mask)


def mean_of_batch(images, mask):
    logits = one_logit(images, mask)
    return logits + logits.mean(0, keepdim=True).detach()


def two_classes(images, mask):
    logits = one_logit(images, mask)
    logits[:, 5] = 5 * seen(images, mask)
    return logits


def move_of(z, x):
    move = z - x
    return move, move.flatten(1).norm(dim=1).view(-1, *[1] * (x.dim() - 1))


def project(z, x, eps):
    move, length = move_of(z, x)
    return x + move * (eps / length.clamp(min=1e-12)).clamp(max=1)


def where_outside(z, x, eps):
    move, length = move_of(z, x)
    return torch.where(length > eps, x + eps * move / length, z)


def one_by_one(z, x, eps):
    points = []
    for point, center in zip(z, x, strict=True):
        move = point - center
        points.append(center + move * min(1, eps / max(float(move.norm()), 1e-30)))
    return torch.stack(points).float()


def renormed(z, x, eps):
    """torch.renorm makes rows that are too long as long as eps."""
    move = (z - x).flatten(1)
    return x + (move.renorm(2, 0, eps) if eps else 0 * move).view_as(x)


def scaled(factor):
    """A projection with another factor for the move."""

    def answer(z, x, eps):
        move, length = move_of(z, x)
        return x + move * factor(move, length, eps)

    return answer


def shrunk(length, eps):
    return (eps / length.clamp(min=1e-12)).clamp(max=1)


def about_zero(z, x, eps):
    return project(z, torch.zeros_like(z), eps)


RIGHT = {
    "what_moves": {
        "as it is": TRUTH,
        "in capitals": {quantity: f" {word.upper()}." for quantity, word in TRUTH.items()},
        "with one more": {**TRUTH, "the accuracy": "stays"},
    },
    "perfect_and_worthless": {
        "one logit": one_logit,
        "by padding": by_padding,
        "an untrained network": random_behind_a_mask,
        "a larger start": different_start(9.0),
    },
    "batch_budget": {
        "two numbers": lambda eps, size: (eps / size**0.5, eps),
        "tensors": lambda eps, size: torch.tensor([eps * size**-0.5, eps]),
        "by a vector of equal moves": lambda eps, size: [
            float((eps * nn.functional.normalize(torch.ones(size), dim=0))[0]),
            eps,
        ],
    },
    "projection_onto_ball": {
        "the smaller factor": project,
        "where outside": where_outside,
        "one by one, float32": one_by_one,
        "by renorm": renormed,
        "from its parts": scaled(lambda move, length, eps: shrunk(length, eps)),
    },
}

WRONG = {
    "what_moves": {
        "add: log-probability": ({**TRUTH, ADD_PROB: "moves"}, "g cancels"),
        "add: logit": ({**TRUTH, ADD_LOGIT: "stays"}, "gradient of F_y + g"),
        "add: logit sum": ({**TRUTH, ADD_SUM: "stays"}, "once for each class"),
        "double: change": ({**TRUTH, DOUBLE_CHANGE: "stays"}, "surer probabilities"),
        "double: rho": ({**TRUTH, DOUBLE_RHO: "moves"}, "four times as large"),
        "double: log-probability": ({**TRUTH, DOUBLE_PROB: "stays"}, "weights change"),
        "everything moves": (dict.fromkeys(TRUTH, "moves"), "look again at add g: the signal share of the gradient"),
        "another word": ({**TRUTH, ADD_SUM: "maybe"}, '"moves" or "stays", and is \'maybe\''),
        "one is missing": ({ADD_PROB: "stays"}, "there is no answer for 'add g: the signal share"),
        "a list": (list(TRUTH.values()), "should be a dictionary"),
    },
    "perfect_and_worthless": {
        "the whole image": (whole_image, "some of what your network sees lies beside"),
        "the distractor": (lambda images, mask: one_logit(images, ~mask), "nothing but the distractor"),
        "a constant": (lambda images, mask: torch.ones(len(images), 10), "cannot be differentiated"),
        "all logits alike": (
            lambda images, mask: seen(images, mask)[:, None].expand(-1, 10),
            "is zero, or nearly, lies nowhere",
        ),
        "too sure": (sharp, "no probability exactly one"),
        "cut off": (lambda images, mask: one_logit(images, mask).detach(), "they do not depend on the images"),
        "two classes": (two_classes, "different images different classes"),
        "the batch's mean": (mean_of_batch, "should not depend on the others"),
        "a clamped image": (lambda images, mask: one_logit(images.round(), mask), "a gradient that is zero, or nearly"),
        "no batch": (lambda images, mask: one_logit(images, mask)[0], "numbers of shape (1, 10)"),
        "a class, not logits": (lambda images, mask: one_logit(images, mask).argmax(1), "numbers of shape (1, 10)"),
        "whole numbers": (lambda images, mask: torch.ones(len(images), 10).long(), "of int64"),
        "infinite": (lambda images, mask: one_logit(images, mask) / 0, "should be finite"),
    },
    "batch_budget": {
        "eps for each": (lambda eps, size: (eps, eps), "not of each part of it"),
        "divided by B": (lambda eps, size: (eps / size, eps), "squared lengths add up"),
        "times the root of B": (lambda eps, size: (eps * size**0.5, eps), "not longer than the whole"),
        "the mean square": (lambda eps, size: (eps**2 / size, eps), "take the root (eps"),
        "the root of all": (lambda eps, size: ((eps / size) ** 0.5, eps), "the root of B alone"),
        "another factor": (lambda eps, size: (0.1 * eps, eps), "the typical length should be 0.53, and is 0.3"),
        "shared equally": (lambda eps, size: (eps / size**0.5, eps / size**0.5), "share it equally"),
        "shared by B": (lambda eps, size: (eps / size**0.5, eps / size), "share it equally"),
        "more than the whole": (lambda eps, size: (eps / size**0.5, eps * size), "not longer than the whole"),
        "another largest": (lambda eps, size: (eps / size**0.5, 2 * eps), "the largest length should be 3, and is 6"),
        "the other way around": (lambda eps, size: (eps, eps / size**0.5), "the typical length comes first"),
        "one number": (lambda eps, size: eps / size**0.5, "two numbers: first the typical"),
        "three numbers": (lambda eps, size: (eps / size**0.5, eps, 0), "two numbers: first the typical"),
        "text": (lambda eps, size: ("small", "large"), "should be one number"),
    },
    "projection_onto_ball": {
        "the whole batch": (lambda z, x, eps: x + (z - x) * min(1, eps / max((z - x).norm(), 1e-9)), "as one vector"),
        "onto the sphere": (
            scaled(lambda move, length, eps: eps / length.clamp(min=1e-12)),
            "out to the sphere: they should stay (some inside)",
        ),
        "the larger factor": (
            scaled(lambda move, length, eps: (eps / length.clamp(min=1e-12)).clamp(min=1)),
            "the smaller of 1 and eps / length",
        ),
        "divided by zero": (
            lambda z, x, eps: x + move_of(z, x)[0] / move_of(z, x)[1] * move_of(z, x)[1].clamp(max=eps),
            "you divide by it",
        ),
        "around zero": (about_zero, "your ball lies around 0"),
        "a box": (lambda z, x, eps: x + (z - x).clamp(-eps, eps), "ball of the maximum norm"),
        "the move": (lambda z, x, eps: project(z, x, eps) - x, "the move alone: add x"),
        "rows": (
            lambda z, x, eps: x + (z - x) * shrunk((z - x).norm(dim=-1, keepdim=True), eps),
            "over the last dimension only",
        ),
        "times eps": (scaled(lambda move, length, eps: eps), "divide it by its length, too"),
        "the squared length": (scaled(lambda move, length, eps: shrunk(length**2, eps)), "squared length"),
        "a mean of squares": (
            scaled(lambda move, length, eps: shrunk(length / move[0].numel() ** 0.5, eps)),
            "mean of the squares for the sum",
        ),
        "z as it is": (lambda z, x, eps: z, "nothing is projected"),
        "x as it is": (lambda z, x, eps: x, "not the nearest point"),
        "half the radius": (lambda z, x, eps: project(z, x, eps / 2), "the nearest point is 1 away from yours"),
        "another eps": (lambda z, x, eps: project(z, x, 0.5), "away from yours (eps = 2; some inside)"),
        "the first example": (lambda z, x, eps: project(z, x, eps)[:1], "one point for each example of z"),
        "flattened": (lambda z, x, eps: project(z, x, eps).flatten(1), "one point for each example of z"),
        "text": (lambda z, x, eps: "x", "should be a tensor of shape"),
    },
}

RIGHT |= measure_answers.RIGHT
WRONG |= measure_answers.WRONG
