"""Values of f at a batch: checked, and a batch of how many copies at a time."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from interpbook.checks import check_count, check_values

__all__ = ["copies_per_call", "values_of"]

#: Takes a batch `(B, *dims)` to one number for each example, `(B,)`.
Function = Callable[[Tensor], Tensor]


def values_of(f: Function, x: Float[Tensor, "B *dims"], *, finite: bool = True) -> Float[Tensor, "B"]:
    """f(x), checked to be of shape (B,) and, unless `finite` is False, without NaN and infinite values.

    f gets a copy, which it may overwrite.

    Raises:
        TypeError, ValueError: as `check_values`.

    >>> import torch
    >>> values_of(lambda x: x.sum(1), torch.ones(2, 3))
    tensor([3., 3.])
    """
    values = f(x.clone())
    if not finite and isinstance(values, Tensor) and values.is_floating_point() and values.shape == (len(x),):
        return values
    return check_values(values, len(x))


def copies_per_call(x: Tensor, chunk: int | None) -> int:
    """How many copies of the batch `x` one call of f gets: `chunk`, or what fits 2**14 values, at least one.

    Copies of a large batch go one at a time, because on a CPU more are not faster and cost memory in
    proportion.

    >>> import torch
    >>> copies_per_call(torch.zeros(4, 3, 224, 224), None), copies_per_call(torch.zeros(1, 1, 28, 28), None)
    (1, 20)
    """
    return max(1, 2**14 // x.numel()) if chunk is None else check_count(chunk, "chunk")
