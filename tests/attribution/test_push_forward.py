"""The product of an operation's Jacobian with a vector, and whether going back agrees with it."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from interpbook.attribution.push_forward import agree, push_forward


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


W = drawn(4, 3)
CASES: dict[str, tuple[Callable[..., tuple[Tensor, ...]], Callable[[Tensor, Tensor], Tensor]]] = {
    "linear": (lambda u: (u @ W.T,), lambda u, t: t @ W.T),
    "quadratic": (lambda u: (u * (u @ W.T).sum(),), lambda u, t: t * (u @ W.T).sum() + u * (t @ W.T).sum()),
    "softmax": (lambda u: (u.softmax(-1),), lambda u, t: u.softmax(-1) * (t - (u.softmax(-1) * t).sum())),
}


@pytest.mark.parametrize(("operation", "product"), CASES.values(), ids=CASES)
def test_the_product_is_the_closed_form(operation, product) -> None:
    u, t = drawn(3), torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)
    (z,), (found,) = push_forward(operation, (u,), (t,))
    torch.testing.assert_close(z, operation(u)[0])
    torch.testing.assert_close(found, product(u, t), rtol=1e-12, atol=1e-14)


def test_going_back_once_is_enough_for_operations_on_elements() -> None:
    u, v, t = drawn(5), 2 + drawn(1).abs(), drawn(5).flip(0)
    elements = torch.Size([5])
    (_,), (found,) = push_forward(lambda a, b: (a**2 * b,), (u, v), (t, torch.ones_like(v)), elements)
    torch.testing.assert_close(found, 2 * u * v * t + u**2, rtol=1e-12, atol=1e-14)


def test_an_operation_of_two_inputs_adds_both_products() -> None:
    u, v = drawn(3), drawn(3).flip(0)
    (_,), (found,) = push_forward(lambda a, b: ((a * b).sum(),), (u, v), (u, v))
    torch.testing.assert_close(found, 2 * (u * v).sum())


class WrongWayBack(torch.autograd.Function):
    """The square, whose derivative is given as 3 u."""

    @staticmethod
    def forward(u: Tensor) -> Tensor:
        return u**2

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        (u,) = ctx.saved_tensors
        return 3 * u * gradient


def test_a_derivative_that_is_wrong_does_not_agree() -> None:
    u = drawn(4)
    assert agree(lambda a: (a**2,), (u,), [2 * u * u])
    assert not agree(lambda a: (WrongWayBack.apply(a),), (u,), [2 * u * u])
