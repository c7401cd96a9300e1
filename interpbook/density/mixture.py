"""Mixtures of Gaussians: log density, score and class probabilities in closed form, as the truth in two dimensions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from interpbook.checks import check_count, check_finite, check_generator, check_input, check_integers, check_target
from interpbook.equality import EqualByValue
from interpbook.functions import Classes, standard_normal

__all__ = ["GaussianMixture"]


@dataclass(frozen=True, eq=False)
class GaussianMixture(EqualByValue):
    """Data with a known density: K Gaussians, each of which belongs to a class,

        p(x, y) = sum over the components k of class y of w_k N(x; m_k, S_k).

    Attributes:
        means: m, Float[K d].
        covariances: S, Float[K d d], symmetric and positive definite; a number s stands for s times the
            identity, and Float[K] for one such number each.
        classes: the class of each component, Int[K], given as any K integers; every class from 0 to C - 1 has
            at least one. By default each component is a class of its own.
        weights: w, Float[K], positive; scaled to add up to 1. By default all equal.

    Raises:
        TypeError, ValueError: an attribute of the wrong kind, shape or value.

    All methods work in the dtype of `means`, and can be differentiated in x.

    >>> corners = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])
    >>> mixture = GaussianMixture(corners, 0.25)
    >>> mixture.posterior(torch.zeros(1, 2)), mixture.score(torch.tensor([[0.0, 1.0]]), 0)
    (tensor([[0.5000, 0.5000]]), tensor([[-4., -4.]]))
    """

    means: Float[Tensor, "K d"]
    covariances: Float[Tensor, "..."] | float | int
    classes: Int[Tensor, " K"] | Int[np.ndarray, " K"] | Sequence[int] | None = None
    weights: Float[Tensor, " K"] | None = None
    _precisions: Tensor = field(init=False, repr=False)
    _log_scales: Tensor = field(init=False, repr=False)
    _factors: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_input(self.means, "means")
        if self.means.dim() != 2:
            raise ValueError(f"means: expected shape (K, d), got {tuple(self.means.shape)}")
        count, d = self.means.shape
        covariances = _check_covariances(self.covariances, self.means)
        classes = _check_classes(self.classes, count, self.means.device)
        weights = _check_weights(self.weights, self.means)
        factors = torch.linalg.cholesky(covariances)
        log_volumes = factors.diagonal(dim1=1, dim2=2).log().sum(1) + d / 2 * math.log(2 * math.pi)
        values = {"covariances": covariances, "classes": classes, "weights": weights, "_factors": factors}
        values |= {"_precisions": torch.cholesky_inverse(factors), "_log_scales": weights.log() - log_volumes}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def class_count(self) -> int:
        """C, the number of classes."""
        return int(self._classes.max()) + 1

    def log_joint(self, x: Float[Tensor, "B d"]) -> Float[Tensor, "B C"]:
        """log p(x, y) of every class: the logits of the best classifier, whose implicit density is the true one.

        Raises:
            TypeError, ValueError: `x` is not a finite batch of points with d coordinates.
        """
        components = self._log_components(x)
        of_class = [components[:, self._classes == y].logsumexp(1) for y in range(self.class_count)]
        return torch.stack(of_class, 1)

    def posterior(self, x: Float[Tensor, "B d"]) -> Float[Tensor, "B C"]:
        """p(y | x) = p(x, y) / p(x), rows that add up to 1.

        Raises:
            TypeError, ValueError: as `log_joint`.
        """
        return self.log_joint(x).softmax(1)

    def log_density(self, x: Float[Tensor, "B d"], target: int | Classes | None = None) -> Float[Tensor, "B"]:
        """log p(x), or log p(x | y) for a class or one class per example, as `select` takes them.

        Raises:
            TypeError, ValueError: as `log_joint`, or a `target` that is no class.
        """
        chosen, log_prior = self._chosen(x, target)
        return chosen.logsumexp(1) - log_prior

    def score(self, x: Float[Tensor, "B d"], target: int | Classes | None = None) -> Float[Tensor, "B d"]:
        """The gradient in x of `log_density`, in closed form: with r_k = p(k | x), or p(k | x, y),

            sum over k of r_k S_k^-1 (m_k - x).

        Raises:
            TypeError, ValueError: as `log_density`.
        """
        chosen, _ = self._chosen(x, target)
        pulls = torch.einsum("kij,bkj->bki", self._precisions, self.means - x[:, None])
        return torch.einsum("bk,bki->bi", chosen.softmax(1), pulls)

    def sample(
        self, count: int, generator: torch.Generator | None = None
    ) -> tuple[Float[Tensor, "n d"], Int[Tensor, " n"]]:
        """`count` independent points and their classes; without a generator, from one with seed 0.

        Raises:
            TypeError, ValueError: a wrong `count` or `generator`.

        >>> x, y = GaussianMixture(torch.zeros(2, 3), 1.0).sample(5)
        >>> x.shape, y.shape
        (torch.Size([5, 3]), torch.Size([5]))
        """
        count, generator = check_count(count, "count"), check_generator(generator)
        weights = self._weights.to(generator.device, torch.float64)
        k = torch.multinomial(weights, count, replacement=True, generator=generator).to(self.means.device)
        noise = standard_normal((count, self.means.shape[1]), self.means, generator)
        return self.means[k] + torch.einsum("nij,nj->ni", self._factors[k], noise), self._classes[k]

    def _log_components(self, x: Tensor) -> Tensor:
        """log w_k N(x; m_k, S_k), (B, K)."""
        check_input(x)
        if x.dim() != 2 or x.shape[1] != self.means.shape[1]:
            raise ValueError(f"x: expected shape (B, {self.means.shape[1]}), got {tuple(x.shape)}")
        away = x[:, None] - self.means
        return self._log_scales - torch.einsum("bki,kij,bkj->bk", away, self._precisions, away) / 2

    def _chosen(self, x: Tensor, target: int | Classes | None) -> tuple[Tensor, Tensor | float]:
        """The log components of the class of each example, others at minus infinity, and log p(y)."""
        components = self._log_components(x)
        if target is None:
            return components, 0.0
        y = torch.as_tensor(check_target(target, len(x), self.class_count), device=x.device).expand(len(x))
        mine = self._classes == y[:, None]
        prior = (mine * self._weights).sum(1).log()
        return components.masked_fill(~mine, -math.inf), prior

    # What __post_init__ has filled in, for the type checker.
    @property
    def _classes(self) -> Tensor:
        assert isinstance(self.classes, Tensor)
        return self.classes

    @property
    def _weights(self) -> Tensor:
        assert self.weights is not None
        return self.weights


def _check_covariances(value: object, means: Tensor) -> Tensor:
    count, d = means.shape
    if not isinstance(value, (Tensor, float, int)) or isinstance(value, bool):
        raise TypeError(f"covariances: expected a number or a tensor, got {type(value).__name__}")
    given = torch.as_tensor(value, dtype=means.dtype, device=means.device)
    if given.dim() < 2:
        given = given[..., None, None] * torch.eye(d, dtype=means.dtype, device=means.device)
    if given.shape not in ((count, d, d), (d, d)):
        raise ValueError(
            f"covariances: expected a number, ({count},) of them or shape {(count, d, d)}, got "
            f"{tuple(value.shape) if isinstance(value, Tensor) else value}"
        )
    check_finite(given, "covariances")
    matrices = given.expand(count, d, d)
    if not torch.allclose(matrices, matrices.mT) or int(torch.linalg.cholesky_ex(matrices).info.abs().max()):
        raise ValueError("covariances: expected symmetric positive definite matrices (or positive numbers)")
    return matrices


def _check_classes(value: object, count: int, device: torch.device) -> Tensor:
    if value is None:
        return torch.arange(count, device=device)
    value = check_integers(value, "classes")
    if value.shape != (count,):
        raise ValueError(f"classes: expected an integer for each of {count} components, got shape {tuple(value.shape)}")
    if value.unique().tolist() != list(range(int(value.max()) + 1)):
        raise ValueError(f"classes: expected each class from 0 on to have a component, got {value.tolist()}")
    return value.to(device)


def _check_weights(value: object, means: Tensor) -> Tensor:
    if value is None:
        return means.new_full((len(means),), 1 / len(means))
    if not isinstance(value, Tensor) or not value.is_floating_point():
        raise TypeError(f"weights: expected a floating tensor of shape ({len(means)},), got {value!r}")
    if value.shape != (len(means),) or not bool((value > 0).all()) or not bool(value.isfinite().all()):
        raise ValueError(f"weights: expected {len(means)} positive numbers, got {value.tolist()}")
    return (value / value.sum()).to(means)
