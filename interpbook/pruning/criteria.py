"""Ways to choose the channels of a layer that stay: greedy selection, and what it is compared with."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from interpbook.pruning.activations import Moments, input_of, pieces_of, rows_of, weights_of
from interpbook.pruning.coupling import Coupling, Parametric, layer_of
from interpbook.pruning.selection import greedy_select
from interpbook.pruning.submodularity import explained
from interpbook.pruning.surgery import columns_kept

__all__ = ["CRITERIA", "Layer"]

# How many numbers of examples, channels and outputs are worked on at a time.
AT_A_TIME = 2**22


@dataclass(frozen=True)
class Layer:
    """What a criterion may look at.

    Attributes:
        model: the network, with the layers before this one pruned or not.
        coupling: which layers of it.
        batches: of inputs.
        labels: for each batch, the classes for whose loss gradients are taken.
        moments: of what reaches the consumer.
        generator: of what is drawn.
    """

    model: nn.Module
    coupling: Coupling
    batches: Sequence[Tensor]
    labels: Sequence[Tensor]
    moments: Moments
    generator: torch.Generator

    @property
    def producer(self) -> Parametric:
        """The layer that makes the channels."""
        return layer_of(self.model, self.coupling.producer)

    @property
    def consumer(self) -> Parametric:
        """The layer that reads them."""
        return layer_of(self.model, self.coupling.consumer)

    @property
    def groups(self) -> Int[Tensor, "d"]:
        """The channel of each column."""
        gram = self.moments.gram
        return torch.arange(len(gram), device=gram.device) // self.coupling.group

    def by_channel(self, columns: Float[Tensor, "d ..."]) -> Float[Tensor, "c ..."]:
        """Sums over the columns of each channel."""
        return columns.unflatten(0, (-1, self.coupling.group)).sum(1)


def greedy(layer: Layer, k: int) -> Int[Tensor, "k"]:
    """The channels whose part of the next layer's input the others replace worst, one after another.

    Source: [elhalabi2022data].
    """
    return greedy_select(layer.moments.gram, layer.moments.cross, k, layer.groups)[0]


def greedy_untargeted(layer: Layer, k: int) -> Int[Tensor, "k"]:
    """Greedy selection for the activations themselves, T = B, which does not look at the next layer: a control."""
    return greedy_select(layer.moments.gram, layer.moments.gram, k, layer.groups)[0]


def alone(layer: Layer, k: int) -> Int[Tensor, "k"]:
    """The channels that explain most each by itself: greedy selection without looking at what is kept already."""
    columns = columns_kept(torch.arange(len(layer.producer.weight)), layer.coupling.group)
    score = explained(layer.moments.gram, layer.moments.cross, columns.view(-1, layer.coupling.group))
    return _largest(score, k)


def part_norm(layer: Layer, k: int) -> Int[Tensor, "k"]:
    """The largest parts ||B_j W_j||^2 of what the next layer receives: the size of activations times weights."""
    inner, _ = parts_of(layer)
    return _largest(inner.diagonal(), k)


def random(layer: Layer, k: int) -> Int[Tensor, "k"]:
    """All sets of k channels are as likely."""
    channels = layer.producer.weight.shape[0]
    return torch.randperm(channels, generator=layer.generator)[:k].to(layer.moments.gram.device)


def weight_norm(layer: Layer, k: int) -> Int[Tensor, "k"]:
    """The largest sums of absolute weights of the producer.

    Source: [li2017pruning].
    """
    return _largest(layer.producer.weight.detach().abs().flatten(1).sum(1), k)


def activation_gradient(layer: Layer, k: int) -> Int[Tensor, "k"]:
    """The largest |a g|, of activations and the gradient of the loss, summed over positions, averaged over examples:
    to first order, how the loss changes when the channel is removed.

    Source: [molchanov2017pruning].
    """
    score = layer.moments.gram.new_zeros(layer.producer.weight.shape[0])
    for x, y in zip(layer.batches, layer.labels, strict=True):
        product = _activation_times_gradient(layer, x, y)
        if isinstance(layer.consumer, nn.Linear):
            product = product.reshape(len(x), -1, product.shape[-1]).sum(1)
        # A flattened layer holds the positions of a channel side by side.
        score += product.reshape(len(x), len(score), -1).sum(2).abs().sum(0)
    return _largest(score, k)


def _activation_times_gradient(layer: Layer, x: Tensor, y: Tensor) -> Float[Tensor, "B c *positions"]:
    seen: list[Tensor] = []

    def watch(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        seen.append(inputs[0].detach().requires_grad_())
        return (seen[0], *inputs[1:])

    hook = layer.consumer.register_forward_pre_hook(watch)
    try:
        with torch.enable_grad():
            loss = F.cross_entropy(layer.model(x.clone()), y, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, seen[0])
    finally:
        hook.remove()
    return seen[0].detach() * gradient


def sampling(layer: Layer, k: int) -> Int[Tensor, "k"]:
    """Draw channels without replacement, with probabilities in proportion to their *sensitivity*: the largest share
    that a channel has of any input of the next layer, of positive and negative parts apart.

    Source: [liebenwein2020provable], whose own weights of the drawn channels are not used.
    """
    weights = weights_of(layer.consumer).unflatten(0, (-1, layer.coupling.group))
    channels, _, outputs = weights.shape
    sensitivity = torch.zeros(channels, dtype=torch.float64, device=weights.device)
    for x in layer.batches:
        for piece in pieces_of(layer.consumer, input_of(layer.model, layer.coupling.consumer, x)):
            for rows in rows_of(layer.consumer, piece).split(max(1, AT_A_TIME // (channels * outputs))):
                parts = torch.einsum("ncr,crm->ncm", rows.unflatten(1, (channels, -1)), weights)
                sensitivity = sensitivity.maximum(_largest_share(parts))
    # Where fewer than k reach anything, the others are as likely as each other.
    chances = sensitivity.clamp(min=torch.finfo(torch.float32).eps).cpu()
    return chances.multinomial(k, generator=layer.generator).to(weights.device)


def _largest_share(parts: Float[Tensor, "n c m"]) -> Float[Tensor, "c"]:
    """Of the positive parts of any row and output, or of its negative parts."""
    largest = parts.new_zeros(parts.shape[1])
    for sign in (1, -1):
        own = (sign * parts).clamp(min=0)
        share = own / own.sum(1, keepdim=True).clamp(min=torch.finfo(own.dtype).tiny)
        largest = largest.maximum(share.amax((0, 2)))
    return largest


def removal(layer: Layer, k: int) -> Int[Tensor, "k"]:
    """Remove, one after another, the channel without which ||sum of the removed channels' parts of B W||^2 is least:
    as if nothing could make up for them.

    Source: [luo2017thinet].
    """
    inner, _ = parts_of(layer)
    removed = torch.zeros(len(inner), dtype=torch.bool, device=inner.device)
    for _ in range(len(inner) - k):
        error = inner.diagonal() + 2 * inner[removed].sum(0)
        removed[error.where(~removed, torch.inf).argmin()] = True
    return (~removed).nonzero()[:, 0]


def lasso(layer: Layer, k: int) -> Int[Tensor, "k"]:
    """The first k channels that are not zero together on the path of the LASSO as its penalty falls,

        min_beta ||T - sum_j beta_j B_j W_j||^2 / 2 + alpha ||beta||_1,

    with one beta a channel, by scikit-learn. If the path never has k, those that explain most alone fill up.

    Source: [he2017channel].
    """
    from sklearn.linear_model import lars_path_gram  # here, because it takes a second to import

    inner, onto = parts_of(layer)
    with warnings.catch_warnings():
        # Of channels that depend on each other it says that it leaves some out.
        warnings.simplefilter("ignore")
        _, _, path = lars_path_gram(
            onto.cpu().numpy(),
            inner.cpu().numpy(),
            n_samples=layer.moments.rows,
            max_iter=10 * len(inner),
            method="lasso",
        )
    present = torch.from_numpy(path != 0).to(inner.device)
    steps = (present.sum(0) >= k).nonzero()[:, 0]
    first = present[:, steps[0] if len(steps) else -1]
    alone = onto.abs() * inner.diagonal().clamp(min=torch.finfo(inner.dtype).tiny).rsqrt()
    return _largest(torch.where(first, alone.max() + alone, alone), k)


def parts_of(layer: Layer) -> tuple[Float[Tensor, "c c"], Float[Tensor, "c"]]:
    """The inner products of the parts B_j W_j of channels with each other, and with T."""
    weights, moments = weights_of(layer.consumer), layer.moments
    products = layer.by_channel(moments.gram * (weights @ weights.mT))
    return layer.by_channel(products.mT), layer.by_channel(moments.cross * weights).sum(1)


def _largest(score: Float[Tensor, "c"], k: int) -> Int[Tensor, "k"]:
    """Of equal scores the first."""
    return score.argsort(descending=True, stable=True)[:k]


CRITERIA: Mapping[str, Callable[[Layer, int], Int[Tensor, "k"]]] = MappingProxyType(
    {
        "greedy": greedy,
        "greedy_untargeted": greedy_untargeted,
        "alone": alone,
        "part_norm": part_norm,
        "random": random,
        "weight_norm": weight_norm,
        "activation_gradient": activation_gradient,
        "sampling": sampling,
        "removal": removal,
        "lasso": lasso,
    }
)
