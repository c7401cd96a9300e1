"""The largest margin without a look at the input: what bias-free networks can do with +-e_j, and what a bias changes.

The data are the 2r points e_j and -e_j, j = 1 .. r, in R^d, and the label of a point is its sign. The networks have one
hidden layer, f(x) = sum_i a_i relu(<w_i, x> + b_i) + c, and the size N(f) = sum_i |a_i| ||w_i||, in which biases cost
nothing. As relu(u) - relu(-u) = u, without hidden biases f(x) - f(-x) is linear in x, whatever the weights.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import skip_init

from interpbook.checks import check_count, check_number

__all__ = [
    "Leak",
    "bump_network",
    "free_bias_network",
    "linear_network",
    "margin_at_worst_corner",
    "margins",
    "max_margin_leak",
    "network_size",
    "relu_network",
    "signed_units",
]


@dataclass(frozen=True, eq=False)
class Leak:
    """What bias-free networks of size 1 can reach, and what it does to their gradient. Made by `max_margin_leak`.

    Attributes:
        margin: the largest that the smallest of the 2r margins can be.
        gradient: Float[r], of every network that reaches it, the same at every x.
        share: of the gradient's absolute values that lies on the one coordinate that tells the label.
    """

    margin: float
    gradient: Float[Tensor, "r"]
    share: float


def max_margin_leak(r: int) -> Leak:
    """The largest margin, 1 / (2 sqrt r), the gradient 1_r / (2 sqrt r) that goes with it, and its share 1 / r.

    The margins at e_j and -e_j add up to v_j, v = sum_i a_i w_i, and ||v|| <= N(f) <= 1: the smallest of the 2r margins
    is at most min_j v_j / 2 <= 1 / (2 sqrt r). With equality v = 1_r / sqrt r, each a_i w_i points that way, and half
    of the size belongs to units with a_i > 0, which alone answer at e_j, half to those with a_i < 0, which alone answer
    at -e_j: so f(x) = <1_r, x> / (2 sqrt r), which is linear.

    Raises:
        TypeError, ValueError: `r` is not an int of at least 1.

    >>> max_margin_leak(4)
    Leak(margin=0.25, gradient=tensor([0.2500, 0.2500, 0.2500, 0.2500], dtype=torch.float64), share=0.25)
    """
    margin = 1 / (2 * math.sqrt(check_count(r, "r")))
    return Leak(margin, torch.full((r,), margin, dtype=torch.float64), 1 / r)


def signed_units(r: int, d: int | None = None) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n"]]:
    """The n = 2r points: e_1 .. e_r with label 1, then -e_1 .. -e_r with label -1.

    Args:
        r: coordinates that say something.
        d: all coordinates, at least r; by default r.

    Raises:
        TypeError, ValueError: `r` or `d` is not an int of at least 1, or `d` is less than `r`.

    >>> x, y = signed_units(2, d=3)
    >>> x.tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]
    >>> y.tolist()
    [1.0, 1.0, -1.0, -1.0]
    """
    r = check_count(r, "r")
    d = r if d is None else check_count(d, "d")
    if d < r:
        raise ValueError(f"d: expected at least r = {r}, got {d}")
    units = torch.eye(d, dtype=torch.float64)[:r]
    ones = torch.ones(r, dtype=torch.float64)
    # 0 - units, as -units has negative zeros, which would show.
    return torch.cat([units, 0 - units]), torch.cat([ones, -ones])


def relu_network(
    w: Float[Tensor, "h d"],
    a: Float[Tensor, "h"],
    b: Float[Tensor, "h"] | None = None,
    c: Float[Tensor, "1"] | None = None,
) -> nn.Sequential:
    """f(x) = sum_i a_i relu(<w_i, x> + b_i) + c, from (B, d) to (B,), with weights that stay as they are.

    Without `b` and `c` there are no biases.

    >>> f = relu_network(torch.tensor([[1.0], [-1.0]]), torch.tensor([2.0, 3.0]))
    >>> f(torch.tensor([[1.0], [-1.0]])).tolist()
    [2.0, 3.0]
    """
    network = nn.Sequential(_linear(w, b), nn.ReLU(), _linear(a[None], c), nn.Flatten(0))
    return network.requires_grad_(False).eval()


def linear_network(r: int) -> nn.Sequential:
    """The bias-free network of size 1 with the largest margin: two units that look in opposite directions.

        f(x) = relu(<u, x>) / 2 - relu(-<u, x>) / 2 = <1_r, x> / (2 sqrt r),    u = 1_r / sqrt r.

    Raises:
        TypeError, ValueError: `r` is not an int of at least 1.

    >>> margins(linear_network(4), *signed_units(4)).tolist()
    [0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25]
    """
    u = torch.ones(check_count(r, "r"), dtype=torch.float64) / math.sqrt(r)
    return relu_network(torch.stack([u, -u]), torch.tensor([0.5, -0.5], dtype=torch.float64))


def bump_network(r: int, eps: float) -> nn.Sequential:
    """With hidden biases: flat where |x_j| < eps, so that only the coordinate that tells the label is heard.

        f(x) = sum_j [relu(x_j - eps) - relu(-x_j - eps)].

    Its gradient at e_j and at -e_j is e_j, and its margins are still 1 - 2 eps when each coordinate moves by up to eps.

    Args:
        r: coordinates.
        eps: above 0, where the other coordinates would stand on a kink, and below 1/2, where the margin ends.

    Raises:
        TypeError, ValueError: `r` is not an int of at least 1, or `eps` not a number above 0 and below 1/2.

    >>> f, (x, y) = bump_network(4, 0.375), signed_units(4)
    >>> margins(f, x, y)[0].item(), margin_at_worst_corner(f, x, y, 0.375)[0].item()
    (0.625, 0.25)
    """
    if not 0 < check_number(eps, "eps") < 0.5:
        raise ValueError(f"eps: expected above 0 and below 1/2, got {eps}")
    units = torch.eye(check_count(r, "r"), dtype=torch.float64)
    ones = torch.ones(r, dtype=torch.float64)
    return relu_network(torch.cat([units, -units]), torch.cat([ones, -ones]), b=ones.new_full((2 * r,), -eps))


def free_bias_network(r: int) -> nn.Sequential:
    """Of size 1, with biases that cost nothing: twice the margin of `linear_network`, and the same share of 1 / r.

        f(x) = relu(<u, x> + 2) - 2 = <1_r, x> / sqrt r  on the data,    u = 1_r / sqrt r.

    No network has more: |relu(s + b) - relu(-s + b)| <= 2 |s|, so the 2r margins add up to at most
    2 sum_i |a_i| ||w_i||_1 <= 2 sqrt r. With equality each a_i w_i points along 1_r and no unit is off on the data:
    the gradient there is 1_r / sqrt r.

    Raises:
        TypeError, ValueError: `r` is not an int of at least 1.

    >>> round(margins(free_bias_network(4), *signed_units(4)).min().item(), 12)
    0.5
    """
    u = torch.ones(check_count(r, "r"), dtype=torch.float64) / math.sqrt(r)
    return relu_network(u[None], u.new_ones(1), b=u.new_tensor([2]), c=u.new_tensor([-2]))


def network_size(network: nn.Sequential) -> float:
    """N(f) = sum_i |a_i| ||w_i|| of a `relu_network`: what stays when a unit's scale moves from one layer to the other.

    >>> round(network_size(linear_network(3)), 12)
    1.0
    """
    w, a = (layer.weight for layer in network if isinstance(layer, nn.Linear))
    return float(a[0].abs() @ w.norm(dim=1))


def margins(f: Callable[[Tensor], Tensor], x: Float[Tensor, "n d"], y: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    """y f(x): above 0 where the sign of f is the label, y = 1 or -1.

    >>> margins(lambda x: x[:, 0], torch.tensor([[2.0], [3.0]]), torch.tensor([1.0, -1.0]))
    tensor([ 2., -3.])
    """
    return y * f(x)


def margin_at_worst_corner(
    f: Callable[[Tensor], Tensor], x: Float[Tensor, "n d"], y: Float[Tensor, "n"], eps: float
) -> Float[Tensor, "n"]:
    """y f(x - y eps 1_d): the margin after every coordinate has moved by eps against the label.

    When each coordinate may move by up to eps, this is the smallest margin if f never falls where a coordinate rises,
    as in the networks of this module; another f may have a worse move.

    Raises:
        TypeError, ValueError: `eps` is not a number of at least 0.

    >>> x, y = signed_units(4)
    >>> margin_at_worst_corner(linear_network(4), x, y, 0.25).abs().max().item()
    0.0
    """
    return margins(f, x - check_number(eps, "eps", minimum=0) * y[:, None], y)


def _linear(weight: Float[Tensor, "k d"], bias: Float[Tensor, "k"] | None) -> nn.Linear:
    outputs, inputs = weight.shape
    layer = skip_init(nn.Linear, inputs, outputs, bias=bias is not None, dtype=weight.dtype)
    layer.load_state_dict({"weight": weight} if bias is None else {"weight": weight, "bias": bias})
    return layer
