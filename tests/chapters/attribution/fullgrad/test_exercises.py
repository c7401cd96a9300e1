"""Right answers pass; every stored wrong answer is refused with the hint for its mistake."""

import jaxtyping
import pytest
import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, check

X = torch.tensor([[1.0, 2.0]])


def norm_bias(norm) -> Tensor:
    scale = (norm.running_var + norm.eps).rsqrt() * (1 if norm.weight is None else norm.weight)
    return ((0 if norm.bias is None else norm.bias) - norm.running_mean * scale).detach()


def tangent_intercept(eta, z: Tensor) -> Tensor:
    value, slope = torch.func.jvp(eta, (z,), (torch.ones_like(z),))
    return value - slope * z


def layers(weight: Tensor, bias: Tensor, v: Tensor, c: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    slope = (x @ weight.T + bias > 0) * v
    return x * (slope @ weight), slope * bias, c.expand(len(x))


RIGHT = {
    "counterexample": (lambda x: x.relu().sum(1), lambda x: x.relu().sum(1) + 1, X),
    "batch_norm_bias": (norm_bias,),
    "implicit_bias": (tangent_intercept,),
    "two_layers": (layers,),
}

WRONG_ANSWERS = [
    ("counterexample", (lambda x: x.sum(1), lambda x: 2 * x.sum(1), X), "different gradients"),
    ("counterexample", (lambda x: x.sum(1), lambda x: x.relu().sum(1), X), "same value"),
    ("counterexample", (lambda x: x.square().sum(1), lambda x: x.square().sum(1) + 1, X), "not linear"),
    ("counterexample", (lambda x: x, lambda x: x + 1, X), "one number per example"),
    ("counterexample", (lambda x: x.sum(1), lambda x: x.sum(1) + 1, X[0]), "shape (1, D)"),
    ("batch_norm_bias", (lambda n: n.bias.detach(),), "explicit bias only"),
    ("batch_norm_bias", (lambda n: 2 * n.bias.detach() - norm_bias(n),), "sign"),
    ("batch_norm_bias", (lambda n: norm_bias(n) - n.bias.detach(),), "explicit bias is missing"),
    ("batch_norm_bias", (lambda n: (n.bias - n.running_mean * n.weight / n.running_var.sqrt()).detach(),), "eps"),
    ("batch_norm_bias", (lambda n: norm_bias(n).sum(),), "one number per channel"),
    ("batch_norm_bias", (lambda n: (n.bias - n.running_mean * n.weight).detach(),), "root of variance"),
    ("implicit_bias", (lambda eta, z: eta(z),), "ReLU"),
    ("implicit_bias", (lambda eta, z: eta(torch.zeros_like(z)),), "z ** 2"),
    ("implicit_bias", (lambda eta, z: tangent_intercept(eta, z).sum(),), "shape of z"),
    ("implicit_bias", (lambda eta, z: torch.zeros_like(z),), "bias 3"),
    ("two_layers", (lambda w, b, v, c, x: (layers(w, b, v, c, x)[0], v * b, c.expand(len(x))),), "over the batch"),
    ("two_layers", (lambda w, b, v, c, x: (x * (v @ w), v * b + 0 * x @ w.T, c.expand(len(x))),), "unit that is off"),
    (
        "two_layers",
        (lambda w, b, v, c, x: (layers(w, b, v, c, x)[0] / x, *layers(w, b, v, c, x)[1:]),),
        "gradient alone",
    ),
    ("two_layers", (lambda w, b, v, c, x: (*layers(w, b, v, c, x)[:2], 0 * x[:, 0]),), "exactly c"),
    ("two_layers", (lambda w, b, v, c, x: (layers(w, b, v, c, x)[0] * 2, *layers(w, b, v, c, x)[1:]),), "add up to"),
    ("two_layers", (lambda w, b, v, c, x: layers(w, b, v, c, x)[:2],), "three terms"),
    (
        "two_layers",
        (lambda w, b, v, c, x: (x * (((x @ w.T + b > 0) * v) @ w) + c / 3, layers(w, b, v, c, x)[1], 0 * x[:, 0]),),
        "output's term",
    ),
    (
        "two_layers",
        (lambda w, b, v, c, x: (layers(w, b, v, c, x)[0].flip(1), *layers(w, b, v, c, x)[1:]),),
        "each coordinate",
    ),
    ("two_layers", (3,), "function"),
    ("batch_norm_bias", (torch.ones(5),), "function"),
    ("counterexample", (lambda x: torch.ones(len(x)), lambda x: torch.ones(len(x)), X), "same value"),
    ("counterexample", (lambda x: x.sum(1), lambda x: x.sum(1) + 1, X.long()), "floating"),
    ("two_layers", (lambda w, b, v, c, x: 1 / 0,), "ZeroDivisionError"),
]


@pytest.mark.parametrize("name", RIGHT)
def test_right_answers_pass(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    getattr(check.fullgrad, name)(*RIGHT[name])
    assert capsys.readouterr().out.startswith("Correct")


@pytest.mark.parametrize(("name", "answer", "hint"), WRONG_ANSWERS)
def test_wrong_answers_get_their_hint(monkeypatch, name: str, answer: tuple[object, ...], hint: str) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(WrongAnswer, match=hint.replace("(", r"\(").replace(")", r"\)").replace("*", r"\*")):
        getattr(check.fullgrad, name)(*answer)
