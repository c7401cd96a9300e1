"""Checks of options: counts, numbers and generators."""

from numbers import Integral, Real

import torch

__all__ = ["check_count", "check_generator", "check_number"]


def check_count(value: object, name: str) -> int:
    """Check that an option counts something, an int of at least 1, and return it.

    Raises:
        TypeError: not an int (booleans are refused).
        ValueError: smaller than 1.

    >>> check_count(0, "steps")
    Traceback (most recent call last):
        ...
    ValueError: steps: expected an int of at least 1, got 0
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name}: expected an int of at least 1, got {value!r}")
    if int(value) < 1:
        raise ValueError(f"{name}: expected an int of at least 1, got {value}")
    return int(value)


def check_number(value: object, name: str, minimum: float | int = -float("inf")) -> float:
    """Check that an option is one finite real number of at least `minimum`, and return it as a float.

    Raises:
        TypeError: not a real number (booleans and tensors are refused).
        ValueError: NaN, infinite, or smaller than `minimum`.

    >>> check_number(-0.1, "sigma", minimum=0)
    Traceback (most recent call last):
        ...
    ValueError: sigma: expected a finite number of at least 0, got -0.1
    """
    wanted = "a finite number" if minimum == -float("inf") else f"a finite number of at least {minimum}"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name}: expected {wanted}, got {value!r}")
    number = float(value)
    if not minimum <= number < float("inf") or number == -float("inf"):
        raise ValueError(f"{name}: expected {wanted}, got {value}")
    return number


def check_generator(generator: object) -> torch.Generator:
    """The generator that was given, or a new one with seed 0: without one the same call gives the same answer.

    Raises:
        TypeError: neither a `torch.Generator` nor None.

    >>> check_generator(0)
    Traceback (most recent call last):
        ...
    TypeError: generator: expected a torch.Generator or None, got int
    """
    if generator is None:
        return torch.Generator().manual_seed(0)
    if not isinstance(generator, torch.Generator):
        raise TypeError(f"generator: expected a torch.Generator or None, got {type(generator).__name__}")
    return generator
