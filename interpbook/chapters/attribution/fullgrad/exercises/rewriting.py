"""Exercises on what rewriting a network does to its full-gradients: products, and batch norm that is folded."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from interpbook.attribution import full_gradients
from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, number

Fold = Callable[[nn.Conv2d, nn.BatchNorm2d], tuple[Tensor, Tensor]]


@exercise(rating=1, minutes=5)
def product_of_three(prediction: object) -> str:
    """The implicit bias of `u * v * w` at u = 2, v = 3, w = 5."""
    predicted = number(prediction, "the prediction")
    if predicted == -60:
        return "the derivative along (u, v, w) is three times the product, so the bias is minus twice the product."
    factor = {
        0: "a product is not homogeneous of degree one: twice the inputs give eight times the output",
        30: "this is the product itself; what is the derivative along (u, v, w)?",
        60: "the size is right; is it the value minus the derivative, or the other way round?",
        90: "this is the derivative along (u, v, w); the bias is what the value differs from it by",
        -30: "this is minus the product, which is right for two factors; each factor adds one term to the derivative",
        -31: "each factor is multiplied by the derivative for it, and that is the product of the other two",
    }.get(predicted, "the product rule gives the derivative along (u, v, w) as three terms; each is the product")
    raise WrongAnswer(
        "the implicit bias is the value minus the derivative in the direction of the inputs",
        factor,
        "z = u v w, the derivative along the inputs is v w * u + u w * v + u v * w = 3 z, and b = z - 3 z",
    )


@exercise(rating=2, minutes=15)
def fold(answer: Fold) -> str:
    """A function of a convolution and a batch norm in evaluation mode: weight and bias of one convolution for both."""
    expect_function(answer)
    model, x = _small_network(), torch.rand((20, 1, 9, 9), generator=torch.Generator().manual_seed(1))
    conv, norm = model[0], model[1]
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    pair = answer(copy.deepcopy(conv), copy.deepcopy(norm))
    if not isinstance(pair, tuple | list) or len(pair) != 2 or not all(isinstance(part, Tensor) for part in pair):
        raise WrongAnswer("the answer should be two tensors, the weight and the bias of one convolution")
    weight, bias = (part.detach() for part in pair)
    _check_weight(weight, conv, norm)
    _check_bias(bias, conv, norm)

    folded = copy.deepcopy(model)
    folded[0].weight.data, folded[0].bias.data = weight.float(), bias.float()
    folded[1] = nn.Identity().eval()
    row, row_folded = (full_gradients(net, x, target=0).per_layer()["0"] for net in (model, folded))
    signs = int(((row > 0) != (row_folded > 0)).sum())
    return f"the outputs are the same, and the convolution's row changes its sign for {signs} of {len(x)} images."


def _check_weight(weight: Tensor, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    """Raise the hint for the mistake in a folded weight."""
    if weight.shape != conv.weight.shape:
        raise WrongAnswer(
            "the weight should have the shape of the convolution's own",
            "a channel keeps its filter, multiplied by one number",
            _WEIGHT,
        )
    scale = _scale(norm)
    if close(weight, conv.weight.detach() * scale):
        return
    factors = {
        "the convolution's weight is as it was: batch norm multiplies it": conv.weight.detach(),
        "the root is missing: batch norm divides by the root of variance plus eps": conv.weight.detach()
        * (norm.weight.detach() / (norm.running_var + norm.eps))[:, None, None, None],
        "batch norm's own weight is missing: it multiplies, too": conv.weight.detach()
        * (norm.running_var + norm.eps).rsqrt()[:, None, None, None],
    }
    found = [factor for factor, wrong in factors.items() if close(weight, wrong)]
    factor = (found or ["each output channel, the weight's first dimension, is multiplied by one number"])[0]
    raise WrongAnswer("the outputs differ, and the weight is already wrong", factor, _WEIGHT)


def _check_bias(bias: Tensor, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    """Raise the hint for the mistake in a folded bias."""
    assert conv.bias is not None
    assert norm.running_mean is not None
    if bias.shape != conv.bias.shape:
        raise WrongAnswer("the bias should be one number per channel, a tensor of shape (C,)")
    scale, own = _scale(norm).flatten(), conv.bias.detach()
    shift = norm.bias.detach() - norm.running_mean * scale
    if close(bias, own * scale + shift):
        return
    factors = {
        "the convolution's own bias is missing": shift,
        "the convolution's bias goes through batch norm, too: it is multiplied by the scale": own + shift,
        "the running mean is missing: batch norm subtracts it": own * scale + norm.bias.detach(),
        "batch norm's own bias is missing": own * scale + shift - norm.bias.detach(),
    }
    found = [factor for factor, wrong in factors.items() if close(bias, wrong)]
    factor = (found or ["put the convolution's bias into batch norm, and see what comes out"])[0]
    raise WrongAnswer("the weight is right, the bias is not", factor, _BIAS)


_WEIGHT = "scale = norm.weight / (norm.running_var + norm.eps).sqrt(), and weight * scale[:, None, None, None]"
_BIAS = "(conv.bias - norm.running_mean) * scale + norm.bias"


def _scale(norm: nn.BatchNorm2d) -> Tensor:
    """What batch norm multiplies each channel by, to be multiplied with a weight."""
    assert norm.running_var is not None
    return (norm.weight.detach() * (norm.running_var + norm.eps).rsqrt())[:, None, None, None]


def _small_network() -> nn.Sequential:
    """A network with one batch norm, in evaluation mode, always the same."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):  # layers draw their first weights, which are written over
        layers = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(324, 2)
    model = nn.Sequential(*layers).eval()
    with torch.no_grad():
        for value in model.parameters():
            value.normal_(0, 0.4, generator=generator)
        model[0].bias.uniform_(0.2, 0.4, generator=generator)
        # The mean is larger than the convolution's bias: folded, the bias has the other sign.
        for name, low in {"running_mean": 0.9, "running_var": 0.2, "weight": 0.5, "bias": 0.1}.items():
            getattr(model[1], name).uniform_(low, low + 0.3, generator=generator)
    return model
