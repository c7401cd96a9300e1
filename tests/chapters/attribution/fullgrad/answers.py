"""Answers to the exercises on full-gradients: right in several ways, and wrong as people go wrong."""

import torch
from torch import Tensor

X = torch.tensor([[1.0, 2.0]])


def norm_bias(norm) -> Tensor:
    scale = (norm.running_var + norm.eps).rsqrt() * (1 if norm.weight is None else norm.weight)
    return ((0 if norm.bias is None else norm.bias) - norm.running_mean * scale).detach()


def bias_at_zero(norm) -> Tensor:
    return norm(torch.zeros(1, norm.num_features, 1, 1)).flatten()


def bias_by_differences(norm) -> Tensor:
    """norm(1) - slope, with the slope from norm(2) - norm(1)."""
    one = torch.ones(1, norm.num_features, 1, 1)
    return (2 * norm(one) - norm(2 * one))[0, :, 0, 0].double()


def tangent_intercept(eta, z: Tensor) -> Tensor:
    value, slope = torch.func.jvp(eta, (z,), (torch.ones_like(z),))
    return value - slope * z


def with_autograd(eta, z: Tensor) -> Tensor:
    z.requires_grad_()
    value = eta(z)
    return value - torch.autograd.grad(value.sum(), z)[0] * z


def one_by_one(eta, z: Tensor) -> Tensor:
    slopes = torch.vmap(torch.func.grad(lambda u: eta(u).sum()))(z.flatten())
    return eta(z).detach() - slopes.view(z.shape) * z


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


RIGHT = {
    "counterexample": {
        "a constant is added": (lambda x: x.relu().sum(1), lambda x: x.relu().sum(1) + 1, X),
        "an absolute value with another bias": (lambda x: x.abs().sum(1), lambda x: (x + 3).abs().sum(1), X),
        "planes": (lambda x: x @ torch.tensor([1.0, -2.0]), lambda x: x @ torch.tensor([1.0, -2.0]) - 0.5, -X),
    },
    "batch_norm_bias": {
        "by the formula": norm_bias,
        "what it gives to zeros": bias_at_zero,
        "by differences": bias_by_differences,
    },
    "implicit_bias": {
        "a directional derivative": tangent_intercept,
        "autograd": with_autograd,
        "element by element": one_by_one,
    },
    "two_layers": {
        "by the formula": layers,
        "with autograd": by_backward,
        "example by example": by_example,
    },
}

WRONG = {
    "counterexample": {
        "another slope": ((lambda x: x.sum(1), lambda x: 2 * x.sum(1), X), "different gradients"),
        "one function in two forms": ((lambda x: x.sum(1), lambda x: x.relu().sum(1), X), "same value"),
        "two constants that are one": ((lambda x: torch.ones(len(x)), lambda x: torch.ones(len(x)), X), "same value"),
        "curved functions": ((lambda x: x.square().sum(1), lambda x: x.square().sum(1) + 1, X), "not linear"),
        "no sum over the input": ((lambda x: x, lambda x: x + 1, X), "one number per example"),
        "a point and not a batch": ((lambda x: x.sum(1), lambda x: x.sum(1) + 1, X[0]), "shape (1, D)"),
        "a point of integers": ((lambda x: x.sum(1), lambda x: x.sum(1) + 1, X.long()), "floating"),
    },
    "batch_norm_bias": {
        "the learned bias alone": (lambda n: n.bias.detach(), "explicit bias only"),
        "the mean is added": (lambda n: 2 * n.bias.detach() - norm_bias(n), "sign"),
        "the mean alone": (lambda n: norm_bias(n) - n.bias.detach(), "explicit bias is missing"),
        "no eps": (lambda n: (n.bias - n.running_mean * n.weight / n.running_var.sqrt()).detach(), "eps"),
        "summed over the channels": (lambda n: norm_bias(n).sum(), "one number per channel"),
        "no division by the deviation": (lambda n: (n.bias - n.running_mean * n.weight).detach(), "root of variance"),
        "a tensor, not a function": (torch.ones(5), "function"),
    },
    "implicit_bias": {
        "the activation itself": (lambda eta, z: eta(z), "ReLU"),
        "the value at zero": (lambda eta, z: eta(torch.zeros_like(z)), "z ** 2"),
        "summed over the elements": (lambda eta, z: tangent_intercept(eta, z).sum(), "shape of z"),
        "no bias at all": (lambda eta, z: torch.zeros_like(z), "bias 3"),
        "the sign": (lambda eta, z: -tangent_intercept(eta, z), "bias 3"),
    },
    "two_layers": {
        "the gradient of units that are off": (
            lambda w, b, v, c, x: (x * (v @ w), v * b + 0 * x @ w.T, c.expand(len(x))),
            "unit that is off",
        ),
        "one hidden term for all examples": (
            lambda w, b, v, c, x: (layers(w, b, v, c, x)[0], v * b, c.expand(len(x))),
            "over the batch",
        ),
        "the gradient without the input": (
            lambda w, b, v, c, x: (layers(w, b, v, c, x)[0] / x, *layers(w, b, v, c, x)[1:]),
            "gradient alone",
        ),
        "the last bias is forgotten": (lambda w, b, v, c, x: (*layers(w, b, v, c, x)[:2], 0 * x[:, 0]), "exactly c"),
        "the input term twice": (
            lambda w, b, v, c, x: (layers(w, b, v, c, x)[0] * 2, *layers(w, b, v, c, x)[1:]),
            "add up to",
        ),
        "two terms only": (lambda w, b, v, c, x: layers(w, b, v, c, x)[:2], "three terms"),
        "the last bias in the input term": (
            lambda w, b, v, c, x: (layers(w, b, v, c, x)[0] + c / 3, layers(w, b, v, c, x)[1], 0 * x[:, 0]),
            "output's term",
        ),
        "coordinates in another order": (
            lambda w, b, v, c, x: (layers(w, b, v, c, x)[0].flip(1), *layers(w, b, v, c, x)[1:]),
            "each coordinate",
        ),
        "a number, not a function": (3, "function"),
        "a function that fails": (lambda w, b, v, c, x: 1 / 0, "ZeroDivisionError"),
    },
}
