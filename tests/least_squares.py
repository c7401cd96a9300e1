"""Columns, targets, and what is explained of them: by rows, one set at a time, as slow as the definition."""

import torch
from torch import Tensor

__all__ = ["best_weights", "explained_by_rows", "normal", "products", "regression"]


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def regression(n: int, d: int, m: int, seed: int = 0, asymmetric: bool = False) -> tuple[Tensor, Tensor]:
    """B and T = A W of a layer after a ReLU: A is B, or B before something was lost of it."""
    B = (normal(n, d, seed=seed) @ normal(d, d, seed=seed + 1000) / d**0.5 + 0.3).relu()
    A = B + 0.5 * normal(n, d, seed=seed + 2000) if asymmetric else B
    return B, A @ normal(d, m, seed=seed + 3000)


def products(B: Tensor, T: Tensor) -> tuple[Tensor, Tensor]:
    return B.T @ B, B.T @ T


def best_weights(B: Tensor, T: Tensor, kept: list[int] | Tensor) -> Tensor:
    """Of the best weights of these columns those of the least norm."""
    return torch.linalg.lstsq(B[:, kept], T, driver="gelsd").solution


def explained_by_rows(B: Tensor, T: Tensor, kept: list[int] | Tensor) -> float:
    if len(kept) == 0:
        return 0.0
    return float(T.square().sum() - (T - B[:, kept] @ best_weights(B, T, kept)).square().sum())
