"""The nearest weights with k non-zeros: the projection that all magnitude pruning consists of."""

import math
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from interpbook.checks import check_number

__all__ = ["check_sparsity", "count_kept", "project_sparsity", "prunable"]

# How many weights are looked at to guess between which two magnitudes the k-th largest lies, and by how many standard
# deviations of such a guess it may be wrong before all weights are looked at.
SAMPLE = 2**16
DEVIATIONS = 5
# Two numbers between which all finite magnitudes are.
EVERYTHING = (-1.0, math.inf)
# How many weights are worked on at a time: what is computed of them stays in the processor's cache.
PIECE = 2**18


def project_sparsity(
    parameters: nn.Module | Tensor | Iterable[Tensor], sparsity: float | int, layerwise: bool = False
) -> int:
    """Set all but the k weights of largest magnitude to zero, in place: the Euclidean projection

        P_k(w) = argmin ||v - w||  over all v with at most k non-zeros,    k = round(n (1 - sparsity)),

    where n counts the weights of all tensors together, or with `layerwise` those of each. Exactly k are left, unless
    fewer than k were non-zero, which then stay as they are. Of weights of the same magnitude the first are kept, in
    the order of the tensors and of their entries. No gradient flows through, and no `.grad` is changed.

    The k-th magnitude is found without sorting: a random sample says between which two it most likely lies, and only
    what lies there is looked through; if it lies elsewhere, everything is. The memory needed is a small part of the
    largest tensor's, or a copy of it where the strides of that one allow no flat view.

    Args:
        parameters: a module, of which the weights of its layers are meant and neither biases nor the scales of
            normalization layers (`prunable`); or a tensor, or some, of which all entries are meant, biases too.
        sparsity: the fraction of zeros, in [0, 1).
        layerwise: the same sparsity in each tensor, in place of one threshold for all.

    Returns:
        The number of non-zeros that are left.

    Raises:
        TypeError: something that is no floating tensor.
        ValueError: no tensors, or empty ones, the same tensor twice, several dtypes or devices; a sparsity outside of
            [0, 1), or so high that fewer weights are left than there are tensors (with `layerwise`: none in one);
            NaN or infinite weights; nothing but zeros (with `layerwise`: in one). No weight is changed then.

    Source: [srinivas2022cyclical].

    >>> weights = torch.tensor([3.0, -1.0, 0.5, -2.0])
    >>> project_sparsity(weights, 0.5), weights
    (2, tensor([ 3.,  0.,  0., -2.]))
    """
    weights = _weights(parameters)
    sparsity = check_sparsity(sparsity)
    groups = [[weight] for weight in weights] if layerwise else [weights]
    counts = [_count(group, sparsity) for group in groups]
    _check_values(weights, layerwise)
    with torch.no_grad():
        # All thresholds first: if one cannot be found, nothing has been changed.
        cuts = [_cut(group, k) for group, k in zip(groups, counts, strict=True)]
        for group, cut in zip(groups, cuts, strict=True):
            _keep(group, *cut)
    # Where the k-th magnitude is zero, fewer than k were non-zero.
    return sum(k - ties * (threshold == 0) for k, (threshold, _, ties) in zip(counts, cuts, strict=True))


def prunable(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that pruning is about: those with two axes or more, the weights of linear and convolutional
    layers. Biases, and the scales and shifts of normalization layers, are never pruned.

    Raises:
        TypeError: `model` is no module.
        ValueError: it has no such parameters.

    >>> [tuple(weight.shape) for weight in prunable(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)))]
    [(2, 3)]
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model: expected a torch.nn.Module, got {type(model).__name__}")
    # A layer norm over several axes has scales and shifts with as many.
    norms = [module for module in model.modules() if isinstance(module, nn.LayerNorm | nn.RMSNorm)]
    exempt = {parameter for norm in norms for parameter in norm.parameters()}
    weights = [parameter for parameter in model.parameters() if parameter.dim() > 1 and parameter not in exempt]
    if not weights:
        raise ValueError("model: expected parameters with two axes or more, got none")
    return weights


def check_sparsity(sparsity: object, name: str = "sparsity") -> float:
    """Check that a fraction of zeros is a number in [0, 1), and return it as a float.

    >>> check_sparsity(1)
    Traceback (most recent call last):
        ...
    ValueError: sparsity: expected a number in [0, 1), got 1
    """
    number = check_number(sparsity, name)
    if not 0 <= number < 1:
        raise ValueError(f"{name}: expected a number in [0, 1), got {sparsity}")
    return number


def count_kept(size: int, sparsity: float) -> int:
    """How many of `size` weights are not zero at a sparsity: round(size (1 - sparsity)).

    >>> count_kept(1000, 0.9)
    100
    """
    return round(size * (1 - sparsity))


def _weights(parameters: object) -> list[Tensor]:
    if isinstance(parameters, nn.Module):
        return [*prunable(parameters)]
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    if not isinstance(parameters, Iterable):
        raise TypeError(f"parameters: expected a module or tensors, got {type(parameters).__name__}")
    weights = list(parameters)
    if not weights:
        raise ValueError("parameters: expected at least one tensor, got an empty list")
    for place, weight in enumerate(weights):
        name = f"parameters[{place}]"
        if not isinstance(weight, Tensor) or not weight.is_floating_point():
            got = weight.dtype if isinstance(weight, Tensor) else type(weight).__name__
            raise TypeError(f"{name}: expected a floating tensor, got {got}")
        if weight.numel() == 0:
            raise ValueError(f"{name}: expected at least one weight, got shape {tuple(weight.shape)}")
        if any(weight is other for other in weights[:place]):
            raise ValueError(f"{name}: expected each tensor once, got one a second time")
        for what in ("device", "dtype"):
            first, own = getattr(weights[0], what), getattr(weight, what)
            if own != first:
                raise ValueError(f"{name}: expected the {what} of the first, {first}, got {own}")
    return weights


def _count(group: Sequence[Tensor], sparsity: float) -> int:
    """How many weights of a group are kept."""
    size = sum(weight.numel() for weight in group)
    kept = count_kept(size, sparsity)
    if kept < len(group):
        what = f"{len(group)} tensors" if len(group) > 1 else "a tensor"
        raise ValueError(
            f"sparsity: expected at least one weight for each tensor, got {sparsity:g}, "
            f"which leaves {kept} of the {size} weights of {what}"
        )
    return kept


def _check_values(weights: Sequence[Tensor], layerwise: bool) -> None:
    largest = []
    for place, weight in enumerate(weights):
        low, high = weight.detach().aminmax()
        if not bool(torch.isfinite(low) & torch.isfinite(high)):
            raise ValueError(f"parameters[{place}]: expected finite weights, got NaN or infinite ones")
        largest.append(max(-float(low), float(high)))
    zero = [place for place, size in enumerate(largest) if size == 0]
    if len(zero) == len(weights) or (layerwise and zero):
        raise ValueError(f"parameters[{zero[0]}]: expected weights that are not all zero, got nothing but zeros")


def _cut(group: Sequence[Tensor], k: int) -> tuple[float, int, int]:
    """The k-th largest magnitude of a group, how many weights have just that one, and how many of these are kept."""
    low, high = _bracket(group, k)
    top, inner = _between(group, low, high)
    if not top < k <= top + len(inner):
        # One of the ends, if many weights are equal; if not, a guess was wrong.
        threshold = high if k <= top else low
        above, equal = _at(group, threshold)
        if above < k <= above + equal:
            return threshold, equal, k - above
        top, inner = _between(group, *EVERYTHING)
    threshold = float(inner.kthvalue(top + len(inner) - k + 1).values)
    above, equal = _at([inner], threshold)
    return threshold, equal, k - top - above


def _bracket(group: Sequence[Tensor], k: int) -> tuple[float, float]:
    """Two magnitudes between which, by a random sample, the k-th largest most likely lies."""
    size = sum(weight.numel() for weight in group)
    if size <= SAMPLE:
        return EVERYTHING
    generator = torch.Generator(group[0].device).manual_seed(0)
    parts = []
    for weight in group:
        count = math.ceil(weight.numel() * SAMPLE / size)
        places = torch.randint(weight.numel(), (count,), generator=generator, device=weight.device)
        parts.append(weight.detach().flatten()[places].abs())
    sample = torch.cat(parts)
    # By rounding up, each tensor has up to one place more than its share.
    margin = DEVIATIONS * (len(sample) * k / size * (1 - k / size)) ** 0.5 + len(group)
    below = len(sample) * (1 - k / size)
    ranks = math.floor(below - margin), math.ceil(below + margin) + 1
    low = float(sample.kthvalue(ranks[0]).values) if ranks[0] >= 1 else EVERYTHING[0]
    high = float(sample.kthvalue(ranks[1]).values) if ranks[1] <= len(sample) else EVERYTHING[1]
    return low, high


def _pieces(group: Sequence[Tensor]) -> Iterator[Tensor]:
    """The magnitudes of all weights, some at a time."""
    for weight in group:
        for piece in weight.detach().flatten().split(PIECE):
            yield piece.abs()


def _between(group: Sequence[Tensor], low: float, high: float) -> tuple[int, Tensor]:
    """How many magnitudes are at least `high`, and those that are below it and above `low`."""
    top, inner = 0, []
    for magnitude in _pieces(group):
        least = magnitude >= high
        top += int(least.count_nonzero())
        inner.append(magnitude.masked_select(least ^ (magnitude > low)))
    return top, torch.cat(inner)


def _at(group: Sequence[Tensor], threshold: float) -> tuple[int, int]:
    """How many magnitudes are above the threshold, and how many are just there."""
    above = equal = 0
    for magnitude in _pieces(group):
        above += int((magnitude > threshold).count_nonzero())
        equal += int((magnitude == threshold).count_nonzero())
    return above, equal


def _keep(group: Sequence[Tensor], threshold: float, equal: int, ties: int) -> None:
    """Zero what is below the threshold, and of the `equal` weights just there all but the first `ties`."""
    if threshold == 0:
        return
    for weight in group:
        # The weights themselves, or a copy of them where their strides allow no such view.
        flat = weight.detach().flatten()
        for piece in flat.split(PIECE):
            # Zero at most the largest number below the threshold: one pass without masks.
            torch.hardshrink(piece, _previous(threshold, weight.dtype), out=piece)
            if ties < equal:
                here = piece.abs() == threshold
                piece.masked_fill_(here & (here.cumsum(0) > ties), 0)
                found = int(here.count_nonzero())
                ties, equal = max(ties - found, 0), equal - found
        if not weight.is_contiguous():
            weight.copy_(flat.view(weight.shape))


def _previous(number: float, dtype: torch.dtype) -> float:
    """The largest number of a dtype below a positive one."""
    value = torch.tensor([number], dtype=dtype)
    bits = value.view({2: torch.int16, 4: torch.int32, 8: torch.int64}[dtype.itemsize])
    return float((bits - 1).view(dtype))
