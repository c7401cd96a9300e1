"""Games of features: what each adds to the coalitions of the others, and the linear fits that say the same."""

import torch
from torch import Tensor


def all_masks(d: int) -> Tensor:
    """All 2^d masks; the first feature changes fastest."""
    return (torch.arange(2**d)[:, None] >> torch.arange(d)) % 2 == 1


def value(game: Tensor, share: list[float]) -> Tensor:
    """What each feature adds to the coalitions of the others, weighted by `share` of their size."""
    d, weight = len(share), torch.tensor(share, dtype=torch.float64)
    masks, values = all_masks(d), []
    for i in range(d):
        without = torch.arange(2**d)[~masks[:, i]]
        values.append((weight[masks[without].sum(1)] * (game[without + 2**i] - game[without])).sum())
    return torch.stack(values)


def constrained_fit(game: Tensor, weight: Tensor) -> Tensor:
    """The slopes of the fit to all coalitions, weighted by size, that is exact for none and for all of the features."""
    d = len(weight) + 1
    masks = all_masks(d)[1:-1]
    inner, w = masks.double(), weight[masks.sum(1) - 1]
    total, y = game[-1] - game[0], game[1:-1] - game[0]
    free = inner[:, :-1] - inner[:, -1:]  # the last slope is what the others leave of the total
    root = w.sqrt()[:, None]
    slopes = torch.linalg.lstsq(root * free, root * (y - inner[:, -1] * total)[:, None]).solution[:, 0]
    return torch.cat([slopes, (total - slopes.sum())[None]])
