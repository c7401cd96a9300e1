"""Exercises on what rewriting a network does to its full-gradients: products, and batch norm that is folded."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interpbook.attribution import full_gradients
from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, number

Fold = Callable[[nn.Conv2d, nn.BatchNorm2d], tuple[Tensor, Tensor]]

_WEIGHT = "scale = norm.weight / (norm.running_var + norm.eps).sqrt(), and weight * scale[:, None, None, None]"
_BIAS = "(conv.bias - norm.running_mean) * scale + norm.bias"


@exercise(rating=1, minutes=5)
def product_of_three(prediction: object) -> str:
    """The implicit bias of `u * v * w` at u = 2, v = 3, w = 5."""
    predicted = number(prediction, "the prediction")
    if predicted == -60:
        return "the derivative along (u, v, w) is three times the product, so the bias is minus twice the product."
    factors = {
        0.0: "a product is not homogeneous of degree one: twice the inputs give eight times the output",
        30.0: "this is the product itself; what is the derivative along (u, v, w)?",
        60.0: "the size is right; is it the value minus the derivative, or the other way round?",
        90.0: "this is the derivative along (u, v, w); the bias is what the value differs from it by",
        -30.0: "this is minus the product, which is right for two factors; each factor adds a term to the derivative",
    }
    other = "the product rule gives the derivative along (u, v, w) as three terms, and each of them is the product"
    raise WrongAnswer(
        "the implicit bias is the value minus the derivative in the direction of the inputs",
        factors.get(predicted, other),
        "z = u v w, the derivative along the inputs is v w * u + u w * v + u v * w = 3 z, and b = z - 3 z",
    )


@exercise(rating=2, minutes=15)
def fold(answer: Fold) -> str:
    """A function of a convolution and a batch norm in evaluation mode: weight and bias of one convolution for both."""
    expect_function(answer)
    conv, norm, head = _small_network()
    pair = answer(copy.deepcopy(conv), copy.deepcopy(norm))
    if not isinstance(pair, tuple | list) or len(pair) != 2 or not all(isinstance(part, Tensor) for part in pair):
        raise WrongAnswer("the answer should be two tensors, the weight and the bias of one convolution")
    weight, bias = (part.detach() for part in pair)
    parts = _Parts.of(conv, norm)
    _check_weight(weight, parts)
    _check_bias(bias, parts)

    one = copy.deepcopy(conv)
    one.load_state_dict({"weight": weight, "bias": bias})
    x = torch.rand((20, 1, 9, 9), generator=torch.Generator().manual_seed(1))
    before, after = (nn.Sequential(*layers, *head).eval() for layers in ((conv, norm), (one,)))
    row, row_folded = (full_gradients(net, x, target=0).per_layer()["0"] for net in (before, after))
    signs = int(((row > 0) != (row_folded > 0)).sum())
    return f"the outputs are the same, and the convolution's row changes its sign for {signs} of {len(x)} images."


@dataclass(frozen=True)
class _Parts:
    """The numbers of a convolution with a bias, and of a batch norm with parameters."""

    weight: Float[Tensor, "C D h w"]
    bias: Float[Tensor, "C"]
    gamma: Float[Tensor, "C"]
    beta: Float[Tensor, "C"]
    mean: Float[Tensor, "C"]
    var: Float[Tensor, "C"]  # eps included

    @classmethod
    def of(cls, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> "_Parts":
        assert conv.bias is not None
        assert norm.running_mean is not None
        assert norm.running_var is not None
        weight, bias, gamma, beta = (part.detach() for part in (conv.weight, conv.bias, norm.weight, norm.bias))
        return cls(weight, bias, gamma, beta, norm.running_mean, norm.running_var + norm.eps)

    def scaled(self, scale: Float[Tensor, "C"]) -> Float[Tensor, "C D h w"]:
        """The convolution's weight, each channel multiplied by a number."""
        return self.weight * scale[:, None, None, None]


def _check_weight(weight: Tensor, parts: _Parts) -> None:
    """Raise the hint for the mistake in a folded weight."""
    if weight.shape != parts.weight.shape:
        raise WrongAnswer(
            "the weight should have the shape of the convolution's own",
            "a channel keeps its filter, multiplied by one number",
            _WEIGHT,
        )
    mistakes = {
        "the convolution's weight is as it was: batch norm multiplies it": parts.weight,
        "the root is missing: batch norm divides by the root of variance plus eps": parts.scaled(
            parts.gamma / parts.var
        ),
        "batch norm's own weight is missing: it multiplies, too": parts.scaled(parts.var.rsqrt()),
    }
    if not close(weight, parts.scaled(parts.gamma * parts.var.rsqrt())):
        other = "each output channel, the weight's first dimension, is multiplied by one number"
        factor = next((words for words, wrong in mistakes.items() if close(weight, wrong)), other)
        raise WrongAnswer("the outputs differ, and the weight is already wrong", factor, _WEIGHT)


def _check_bias(bias: Tensor, parts: _Parts) -> None:
    """Raise the hint for the mistake in a folded bias."""
    if bias.shape != parts.bias.shape:
        raise WrongAnswer("the bias should be one number per channel, a tensor of shape (C,)")
    scale = parts.gamma * parts.var.rsqrt()
    shift = parts.beta - parts.mean * scale
    mistakes = {
        "the convolution's own bias is missing": shift,
        "the convolution's bias goes through batch norm, too: it is multiplied by the scale": parts.bias + shift,
        "the running mean is missing: batch norm subtracts it": parts.bias * scale + parts.beta,
        "batch norm's own bias is missing": parts.bias * scale + shift - parts.beta,
    }
    if not close(bias, parts.bias * scale + shift):
        other = "put the convolution's bias into batch norm, and see what comes out"
        factor = next((words for words, wrong in mistakes.items() if close(bias, wrong)), other)
        raise WrongAnswer("the weight is right, the bias is not", factor, _BIAS)


def _small_network() -> tuple[nn.Conv2d, nn.BatchNorm2d, nn.Sequential]:
    """A convolution, its batch norm, and the rest of a network in evaluation mode, always the same."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):  # layers draw their first weights, which are written over
        conv, norm = nn.Conv2d(1, 4, 3, padding=1).eval(), nn.BatchNorm2d(4).eval()
        head = nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(324, 2)).eval()
    assert conv.bias is not None
    with torch.no_grad():
        for value in (*conv.parameters(), *head.parameters()):
            value.normal_(0, 0.4, generator=generator)
        conv.bias.uniform_(0.2, 0.4, generator=generator)
        # The mean is larger than the convolution's bias: folded, the bias has the other sign.
        for name, low in {"running_mean": 0.9, "running_var": 0.2, "weight": 0.5, "bias": 0.1}.items():
            getattr(norm, name).uniform_(low, low + 0.3, generator=generator)
    return conv, norm, head
