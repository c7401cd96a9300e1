"""Answers to the exercise on one step of SGD, and on what it does not move."""

from copy import deepcopy

import numpy as np
import torch
from torch.nn import functional as F


def matrix(model):
    """[W, b] of the last layer, in memory of its own."""
    last = model[-1]
    return torch.cat([last.weight, last.bias[:, None]], dim=1).detach()


def longest(step):
    return step.norm(dim=1).max()


def stepped(loss=F.cross_entropy, optimizer=torch.optim.SGD, moved=longest, rows=matrix, add=lambda m: m.sum(0), **own):
    """One step on a copy; what differs from the right one is named."""

    def answer(model, x, y, lr):
        copied = deepcopy(model)
        before = rows(copied)
        chosen = optimizer(copied.parameters(), lr=lr, **own)
        loss(copied(x), y).backward()
        chosen.step()
        after = rows(copied)
        return add(before), add(after), moved(after - before)

    return answer


def by_autograd(model, x, y, lr):
    """Nothing is written into any layer."""
    last = model[-1]
    back = torch.autograd.grad(F.cross_entropy(model(x), y), [last.weight, last.bias])
    before = matrix(model)
    step = -lr * torch.cat([back[0], back[1][:, None]], dim=1)
    return before.sum(0), (before + step).sum(0), step.norm(dim=1).max()


def by_hand(model, x, y, lr):
    """dL/dz is p less the labels, for each example."""
    before = matrix(model)
    with torch.no_grad():
        h = model[:-1](x)
        back = (model(x).softmax(1) - F.one_hot(y, len(before))) / len(x)
    step = torch.cat([back.T @ h, back.sum(0)[:, None]], dim=1) * lr
    return before.sum(0).tolist(), (before - step).sum(0).tolist(), float(longest(step))


def by_numpy(model, x, y, lr):
    before, after, moved = stepped()(model, x, y, lr)
    return before.numpy(), after.numpy(), np.float64(moved)


def last_layer_alone(model, x, y, lr):
    copied = deepcopy(model)
    before = matrix(copied)
    optimizer = torch.optim.SGD(copied[-1].parameters(), lr, momentum=0.9)
    F.nll_loss(copied(x).log_softmax(1), y).backward()
    optimizer.step()
    return [matrix(copied.eval()).sum(0) if part else before.sum(0) for part in (0, 1)] + [
        longest(matrix(copied) - before)
    ]


def in_place(model, x, y, lr):
    before = matrix(model)
    optimizer = torch.optim.SGD(model.parameters(), lr)
    F.cross_entropy(model(x), y).backward()
    optimizer.step()
    optimizer.zero_grad()
    after = matrix(model)
    return before.sum(0), after.sum(0), longest(after - before)


def gradients_left(model, x, y, lr):
    F.cross_entropy(model(x), y).backward()
    last = model[-1]
    step = -lr * torch.cat([last.weight.grad, last.bias.grad[:, None]], dim=1)
    return matrix(model).sum(0), (matrix(model) + step).sum(0), longest(step)


def not_cloned(model, x, y, lr):
    """`before` is looked at after the step."""
    copied = deepcopy(model)
    weight, bias = copied[-1].weight.data, copied[-1].bias.data
    optimizer = torch.optim.SGD(copied.parameters(), lr)
    F.cross_entropy(copied(x), y).backward()
    optimizer.step()
    before = torch.cat([weight, bias[:, None]], 1)
    after = matrix(copied)
    return before.sum(0), after.sum(0), longest(after - before)


def in_float32(model, x, y, lr):
    copied = deepcopy(model).float()
    return stepped()(copied, x.float(), y, lr)


def two_steps(model, x, y, lr):
    copied = deepcopy(model)
    before = matrix(copied)
    optimizer = torch.optim.SGD(copied.parameters(), lr)
    for _ in range(2):
        optimizer.zero_grad()
        F.cross_entropy(copied(x), y).backward()
        optimizer.step()
    after = matrix(copied)
    return before.sum(0), after.sum(0), longest(after - before)


def gradient_alone(model, x, y, lr):
    before, after, moved = stepped()(model, x, y, lr)
    return before, after, moved / lr


def summed(model, x, y, lr):
    before, after, moved = stepped(lambda z, labels: F.cross_entropy(z, labels, reduction="sum"))(model, x, y, lr)
    return before, after, moved


def weights(model):
    return model[-1].weight.detach().clone()


def hot(z, y):
    return F.one_hot(y, z.shape[1]).to(z)


RIGHT = {
    "never_trained": {
        "a copy makes the step": stepped(),
        "by autograd": by_autograd,
        "by hand": by_hand,
        "by numpy": by_numpy,
        "the last layer alone, first step of momentum": last_layer_alone,
        "a step with a past, which is empty": stepped(momentum=0.9, nesterov=False),
    },
}

WRONG = {
    "never_trained": {
        "Adam": (stepped(optimizer=torch.optim.Adam), "this is Adam"),
        "weight decay": (stepped(weight_decay=0.1), "this is weight decay"),
        "AdamW": (stepped(optimizer=torch.optim.AdamW), "under SGD it does not"),
        "no bias": (stepped(rows=weights), "the bias is missing"),
        "bias not in the movement": (stepped(moved=lambda step: longest(step[:, :-1])), "the movement of the bias"),
        "sums of each row": (stepped(add=lambda m: m.sum(1)), "you add up each row"),
        "the rows themselves": (stepped(add=lambda m: m), "the rows themselves"),
        "one number": (stepped(add=lambda m: m.sum()), "not all numbers"),
        "means of the rows": (stepped(add=lambda m: m.mean(0)), "these are means of the rows"),
        "one row": (stepped(add=lambda m: m[0]), "these are not sums of the rows"),
        "the model itself": (in_place, "the model itself has made the step"),
        "gradients left": (gradients_left, "left gradients in the model"),
        "squared error": (
            stepped(lambda z, y: F.mse_loss(z, hot(z, y))),
            "the squared error of the logits",
        ),
        "no softmax": (stepped(F.nll_loss), "this loss has no softmax"),
        "sigmoids": (
            stepped(lambda z, y: F.binary_cross_entropy_with_logits(z, hot(z, y))),
            "a sigmoid of its own",
        ),
        "softmax twice": (stepped(lambda z, y: F.cross_entropy(z.softmax(1), y)), "a softmax of a softmax"),
        "not cloned": (not_cloned, "clone it"),
        "in float32": (in_float32, "rounding of float32"),
        "the largest number": (stepped(moved=lambda step: step.abs().max()), "movement of one number"),
        "the whole matrix": (stepped(moved=torch.norm), "movement of the whole matrix"),
        "columns": (stepped(moved=lambda step: step.norm(dim=0).max()), "these are columns"),
        "squared": (stepped(moved=lambda step: longest(step) ** 2), "the square of the length"),
        "the mean row": (stepped(moved=lambda step: step.norm(dim=1).mean()), "the mean over the rows"),
        "the smallest row": (stepped(moved=lambda step: step.norm(dim=1).min()), "the smallest movement"),
        "sizes added": (stepped(moved=lambda step: step.abs().sum(1).max()), "adds up the sizes"),
        "loss summed": (summed, "summed over the examples"),
        "not times lr": (gradient_alone, "before it is multiplied by lr"),
        "two steps": (two_steps, "the longest row moves by"),
        "two things": (lambda *given: stepped()(*given)[:2], "three things"),
        "movement of the sum": (stepped(moved=lambda step: step.sum(0).norm()), "nothing moves"),
    },
}
