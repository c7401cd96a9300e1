"""Answers to the exercises on full-gradients: right in several ways, and wrong as people go wrong."""

import numpy as np
import torch
from torch import Tensor

X = torch.tensor([[1.0, 2.0]])
SLOPE = torch.tensor([1.0, -2.0])


def norm_bias(norm) -> Tensor:
    scale = (norm.running_var + norm.eps).rsqrt() * (1 if norm.weight is None else norm.weight)
    return ((0 if norm.bias is None else norm.bias) - norm.running_mean * scale).detach()


def bias_at_zero(norm) -> Tensor:
    return norm(torch.zeros(1, norm.num_features, 1, 1)).flatten()


def bias_by_differences(norm) -> Tensor:
    """norm(1) - slope, with the slope from norm(2) - norm(1)."""
    one = torch.ones(1, norm.num_features, 1, 1)
    return (2 * norm(one) - norm(2 * one))[0, :, 0, 0].double()


def layers(weight: Tensor, bias: Tensor, v: Tensor, c: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    slope = (x @ weight.T + bias > 0) * v
    return x * (slope @ weight), slope * bias, c.expand(len(x))


def by_backward(weight, bias, v, c, x):
    x.requires_grad_()
    hidden = (x @ weight.T + bias).requires_grad_()
    into_hidden, into_x = torch.autograd.grad((hidden.relu() @ v + c).sum(), [hidden, x])
    return [x * into_x, into_hidden * bias, c.repeat(len(x))]


def by_example(weight, bias, v, c, x):
    inputs, units = [], []
    for point in x:
        on = (weight @ point + bias).sign().clamp(min=0)
        inputs.append(point * (weight.T @ (on * v)))
        units.append(on * v * bias)
    return torch.stack(inputs), torch.stack(units), torch.full((len(x),), float(c))


def folded(conv, norm) -> tuple[Tensor, Tensor]:
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return conv.weight * scale[:, None, None, None], (conv.bias - norm.running_mean) * scale + norm.bias


def folded_by_torch(conv, norm) -> list[Tensor]:
    one = torch.nn.utils.fusion.fuse_conv_bn_eval(conv.eval(), norm.eval())
    return [one.weight, one.bias]


def folded_by_probing(conv, norm) -> tuple[Tensor, Tensor]:
    """Batch norm's slope and bias from what it gives to zeros and ones."""
    zero = norm(torch.zeros(1, norm.num_features, 1, 1)).flatten()
    slope = norm(torch.ones(1, norm.num_features, 1, 1)).flatten() - zero
    return torch.einsum("c,cdhw->cdhw", slope, conv.weight).double(), slope * conv.bias + zero


RIGHT = {
    "product_of_three": {
        "an integer": -60,
        "a float": -60.0,
        "of numpy": np.float64(30 - 90),
        "a tensor": torch.tensor(-60),
    },
    "fold": {"by the formula": folded, "by torch": folded_by_torch, "by probing": folded_by_probing},
    "counterexample": {
        "two kinks": (lambda x: x.relu().sum(1), lambda x: (x - 0.5).relu().sum(1), X),
        "an absolute value with another bias": (lambda x: x.abs().sum(1), lambda x: (x + 3).abs().sum(1), X),
        "a plane, and a plane that is cut": (lambda x: x @ SLOPE, lambda x: (x @ SLOPE - 0.5).clamp(min=-3), -X),
        "flat at x, of two heights": (lambda x: (x[:, 0] - 3).relu(), lambda x: 1 - (x[:, 1] - 5).relu(), X),
    },
    "batch_norm_bias": {
        "by the formula": norm_bias,
        "what it gives to zeros": bias_at_zero,
        "by differences": bias_by_differences,
    },
    "two_layers": {
        "by the formula": layers,
        "with autograd": by_backward,
        "example by example": by_example,
    },
}

WRONG = {
    "product_of_three": {
        "the product": (30, "the product itself"),
        "the derivative": (90, "the bias is what"),
        "the sign": (60, "the other way round"),
        "as for two factors": (-30, "right for two factors"),
        "none": (0, "degree one"),
        "the sum of the other products": (-1, "product rule"),
        "text": ("minus sixty", "one number"),
    },
    "fold": {
        "the weight as it was": (lambda c, n: (c.weight, folded(c, n)[1]), "as it was"),
        "no root": (
            lambda c, n: (c.weight * (n.weight / (n.running_var + n.eps))[:, None, None, None], folded(c, n)[1]),
            "root is missing",
        ),
        "no weight of its own": (
            lambda c, n: (c.weight * (n.running_var + n.eps).rsqrt()[:, None, None, None], folded(c, n)[1]),
            "own weight is missing",
        ),
        "the wrong dimension": (lambda c, n: (c.weight.flip(0), folded(c, n)[1]), "first dimension"),
        "another shape": (lambda c, n: (c.weight[:, 0], folded(c, n)[1]), "keeps its filter"),
        "the convolution's bias is lost": (
            lambda c, n: (folded(c, n)[0], norm_bias(n)),
            "own bias is missing",
        ),
        "the convolution's bias beside the scale": (
            lambda c, n: (folded(c, n)[0], c.bias + norm_bias(n)),
            "multiplied by the scale",
        ),
        "no mean": (
            lambda c, n: (folded(c, n)[0], c.bias * (n.weight / (n.running_var + n.eps).sqrt()) + n.bias),
            "running mean is missing",
        ),
        "no bias of batch norm": (lambda c, n: (folded(c, n)[0], folded(c, n)[1] - n.bias), "batch norm's own bias"),
        "the sign": (lambda c, n: (folded(c, n)[0], -folded(c, n)[1]), "what comes out"),
        "the weight alone": (lambda c, n: folded(c, n)[0], "two tensors"),
        "a bias for each pixel": (lambda c, n: (folded(c, n)[0], torch.zeros(4, 9, 9)), "one number per channel"),
        "a module": (lambda c, n: c, "two tensors"),
        "a number, not a function": (3, "function"),
    },
    "counterexample": {
        "another slope": ((lambda x: x.sum(1), lambda x: 2 * x.sum(1), X), "different gradients"),
        "one function in two forms": ((lambda x: x.sum(1), lambda x: x.relu().sum(1), X), "same value"),
        "two constants that are one": ((lambda x: torch.ones(len(x)), lambda x: torch.ones(len(x)), X), "same value"),
        "curved functions": ((lambda x: x.square().sum(1), lambda x: x.square().sum(1) + 1, X), "not linear"),
        "no sum over the input": ((lambda x: x, lambda x: x + 1, X), "one number per example"),
        "a point and not a batch": ((lambda x: x.sum(1), lambda x: x.sum(1) + 1, X[0]), "shape (1, D)"),
        "a constant is added": ((lambda x: x.relu().sum(1), lambda x: x.relu().sum(1) + 1, X), "plus a constant"),
        "planes": ((lambda x: x @ SLOPE, lambda x: x @ SLOPE - 0.5, -X), "plus a constant"),
        "two constants": ((lambda x: torch.zeros(len(x)), lambda x: torch.ones(len(x)), X), "plus a constant"),
        "cut off from x": ((lambda x: x.detach().sum(1), lambda x: 2 * x.detach().sum(1), X), "cut off from x"),
        "a kink at the point": ((lambda x: x.relu().sum(1), lambda x: x.abs().sum(1), 0 * X), "not linear"),
        "a point at infinity": ((lambda x: x.sum(1), lambda x: x.abs().sum(1), X / 0), "should be finite"),
        "a point of integers": ((lambda x: x.sum(1), lambda x: x.sum(1) + 1, X.long()), "floating"),
    },
    "batch_norm_bias": {
        "the learned bias alone": (lambda n: n.bias.detach(), "explicit bias only"),
        "the mean is added": (lambda n: 2 * n.bias.detach() - norm_bias(n), "sign"),
        "the mean alone": (lambda n: norm_bias(n) - n.bias.detach(), "explicit bias is missing"),
        "no eps": (lambda n: (n.bias - n.running_mean * n.weight / n.running_var.sqrt()).detach(), "eps"),
        "summed over the channels": (lambda n: norm_bias(n).sum(), "one number per channel"),
        "no division by the deviation": (lambda n: (n.bias - n.running_mean * n.weight).detach(), "root of variance"),
        "no weight": (
            lambda n: (n.bias - n.running_mean * (n.running_var + n.eps).rsqrt()).detach(),
            "weight is missing",
        ),
        "the weight times all": (
            lambda n: (n.weight * (n.bias - n.running_mean * (n.running_var + n.eps).rsqrt())).detach(),
            "not to the bias",
        ),
        "eps beside the root": (
            lambda n: (n.bias - n.running_mean * n.weight / (n.running_var.sqrt() + n.eps)).detach(),
            "under the root",
        ),
        "the variance, not its root": (
            lambda n: (n.bias - n.running_mean * n.weight / (n.running_var + n.eps)).detach(),
            "by its root",
        ),
        "as in training": (lambda n: n.train()(torch.zeros(1, 5, 1, 1)).flatten(), "raised ValueError"),
        "left in training, and the sign": (lambda n: 2 * n.train().bias.detach() - norm_bias(n), "sign"),
        "the statistics are forgotten": (lambda n: n.reset_running_stats() or norm_bias(n), "explicit bias only"),
        "what it gives to ones": (lambda n: n(torch.ones(1, 5, 1, 1)).flatten(), "go through the running mean"),
        "right with parameters only": (lambda n: norm_bias(n) if n.affine else 0 * n.running_mean, "affine=False"),
        "a tensor, not a function": (torch.ones(5), "function"),
    },
    "two_layers": {
        "the gradient of units that are off": (
            lambda w, b, v, c, x: (x * (v @ w), v * b + 0 * x @ w.T, c.expand(len(x))),
            "those that are off",
        ),
        "one hidden term for all examples": (
            lambda w, b, v, c, x: (layers(w, b, v, c, x)[0], v * b, c.expand(len(x))),
            "over the batch",
        ),
        "the gradient without the input": (
            lambda w, b, v, c, x: (layers(w, b, v, c, x)[0] / x, *layers(w, b, v, c, x)[1:]),
            "gradient alone",
        ),
        "the last bias is forgotten": (
            lambda w, b, v, c, x: (*layers(w, b, v, c, x)[:2], 0 * x[:, 0]),
            "last bias is missing",
        ),
        "the input term twice": (
            lambda w, b, v, c, x: (layers(w, b, v, c, x)[0] * 2, *layers(w, b, v, c, x)[1:]),
            "add up to",
        ),
        "two terms only": (lambda w, b, v, c, x: layers(w, b, v, c, x)[:2], "three terms"),
        "the last bias in the input term": (
            lambda w, b, v, c, x: (layers(w, b, v, c, x)[0] + c / 3, layers(w, b, v, c, x)[1], 0 * x[:, 0]),
            "at each coordinate",
        ),
        "coordinates in another order": (
            lambda w, b, v, c, x: (layers(w, b, v, c, x)[0].flip(1), *layers(w, b, v, c, x)[1:]),
            "each coordinate",
        ),
        "the hidden bias of units that are off": (
            lambda w, b, v, c, x: (layers(w, b, v, c, x)[0], (v * b).expand(5, 6), c.expand(5)),
            "a unit that is off",
        ),
        "no v in the hidden term": (
            lambda w, b, v, c, x: (layers(w, b, v, c, x)[0], (x @ w.T + b > 0) * b, c.expand(5)),
            "v is missing",
        ),
        "the gradient at the units": (
            lambda w, b, v, c, x: (layers(w, b, v, c, x)[0], (x @ w.T + b > 0) * v, c.expand(5)),
            "multiplied by the unit's bias",
        ),
        "the units' outputs": (
            lambda w, b, v, c, x: (layers(w, b, v, c, x)[0], (x @ w.T + b).relu() * v, c.expand(5)),
            "the unit's output times v",
        ),
        "the output for the last term": (
            lambda w, b, v, c, x: (*layers(w, b, v, c, x)[:2], (x @ w.T + b).relu() @ v + c),
            "the output itself",
        ),
        "no v in the input term": (
            lambda w, b, v, c, x: (x * ((x @ w.T + b > 0).double() @ w), *layers(w, b, v, c, x)[1:]),
            "v is missing",
        ),
        "no number": (lambda w, b, v, c, x: tuple(term / 0 for term in layers(w, b, v, c, x)), "at each coordinate"),
        "a number, not a function": (3, "function"),
        "a function that fails": (lambda w, b, v, c, x: 1 / 0, "ZeroDivisionError"),
    },
}
