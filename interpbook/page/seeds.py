"""What experiments over seeds repeat: a generator for each, one measurement of every network, some of the results."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

Measurement = Tensor | dict[Any, Tensor]
N = TypeVar("N", bound=Hashable)
R = TypeVar("R")


def generator(seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A new source of random numbers, the same for the same seed.

    >>> a, b = torch.randn(3, generator=generator(0)), torch.randn(3, generator=generator(0))
    >>> bool((a == b).all())
    True
    """
    return torch.Generator(device).manual_seed(seed)


def over_seeds(
    measure: Callable[[Any], Any], families: Iterable[Any] | Mapping[str, Iterable[Any]]
) -> Measurement | dict[str, Measurement]:
    """The same measurement of the networks of all seeds, one after another, for a table or a claim.

    Args:
        measure: takes a network, or a seed, and returns a number, a tensor, or a dictionary of numbers and tensors.
        families: the networks, or the seeds; or several such families by name.

    Returns:
        A tensor whose first axis runs over the networks. Where `measure` returns a dictionary, one with such tensors;
        where there are several families, a dictionary with what was measured of each.

    Raises:
        ValueError: a family is empty, or a measurement has another shape or other names than that of the first network.

    >>> over_seeds(lambda weight: weight**2, {"small": [1.0, 2.0]})
    {'small': tensor([1., 4.], dtype=torch.float64)}
    >>> over_seeds(lambda seed: {"first": seed, "twice": 2 * seed}, range(3))
    {'first': tensor([0., 1., 2.], dtype=torch.float64), 'twice': tensor([0., 2., 4.], dtype=torch.float64)}
    """
    if isinstance(families, Mapping):
        return {name: _measured(measure, networks, f"families[{name!r}]") for name, networks in families.items()}
    return _measured(measure, families, "families")


def only(results: Mapping[N, R], *names: N) -> dict[N, R]:
    """Some of the results, in the order in which they are named: a claim is about these.

    Raises:
        KeyError: no result has that name.

    >>> only({"LIME": 0.2, "occlusion": 0.1, "gradient": 0.4}, "gradient", "LIME")
    {'gradient': 0.4, 'LIME': 0.2}
    """
    unknown = [name for name in names if name not in results]
    if unknown:
        raise KeyError(f"names has {unknown}, expected some of {list(results)}")
    return {name: results[name] for name in names}


def _measured(measure: Callable[[Any], Any], networks: Iterable[Any], where: str) -> Measurement:
    found = [measure(network) for network in networks]
    if not found:
        raise ValueError(f"{where} is empty, expected at least one network or seed")
    if not isinstance(found[0], Mapping):
        return _stacked(found, f"measure on {where}")
    for number, result in enumerate(found):
        if not isinstance(result, Mapping) or result.keys() != found[0].keys():
            raise ValueError(f"measure on {where} returned {result!r} for network {number}, expected {list(found[0])}")
    stacked: dict[Any, Tensor] = {}
    for name in found[0]:
        stacked[name] = _stacked([result[name] for result in found], f"measure on {where}, {name!r}")
    return stacked


def _stacked(found: list[Any], where: str) -> Tensor:
    tensors = [torch.as_tensor(value).detach().to("cpu", torch.float64) for value in found]
    shapes = {tuple(tensor.shape): None for tensor in tensors}
    if len(shapes) > 1:
        raise ValueError(f"{where} returned the shapes {', '.join(map(str, shapes))}, expected one for all networks")
    return torch.stack(tensors)
