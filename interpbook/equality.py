"""Results that can be compared: `==` of two records of tensors says whether they hold the same values."""

from collections.abc import Mapping
from dataclasses import fields

from torch import Tensor

__all__ = ["EqualByValue"]


class EqualByValue:
    """A base for dataclasses of tensors, declared with `eq=False`: two of one class are equal if all fields are.

    Tensors are equal if shape, dtype, device and every value are; NaN equals NaN, so that a result equals a second one
    that was computed in the same way. How close two results are is a question for `torch.testing.assert_close`.

    Such a record has no hash, because its tensors can be changed in place.

    >>> from dataclasses import dataclass
    >>> import torch
    >>> @dataclass(frozen=True, eq=False)
    ... class Point(EqualByValue):
    ...     at: Tensor
    >>> Point(torch.zeros(2)) == Point(torch.zeros(2)), Point(torch.zeros(2)) == Point(torch.ones(2))
    (True, False)
    """

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(_same(getattr(self, field.name), getattr(other, field.name)) for field in fields(self))  # type: ignore[arg-type]


def _same(one: object, two: object) -> bool:
    if isinstance(one, Tensor) and isinstance(two, Tensor):
        kinds = [(tensor.shape, tensor.dtype, tensor.device) for tensor in (one, two)]
        return kinds[0] == kinds[1] and bool(((one == two) | (one.isnan() & two.isnan())).all())
    if isinstance(one, Tensor) or isinstance(two, Tensor):
        return False
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        return one.keys() == two.keys() and all(_same(one[name], two[name]) for name in one)
    return bool(one == two)
