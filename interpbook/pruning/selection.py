"""Which columns explain a target best, greedily, and the weights that do it: all from two small matrices."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interpbook.checks import check_finite, check_integers, check_number

__all__ = ["check_gram", "columns_of", "greedy_select", "read_groups", "reweight"]

#: A column of which less than this share of its square is left beside the columns that are kept adds nothing: what is
#: left is rounding. Least squares on columns of length 1 leaves out directions with eigenvalues below it.
NEGLIGIBLE = 1e-10
#: A gain that is a smaller share than this of what is explained already is rounding.
NOTHING = 1e-14


def greedy_select(
    gram: Float[Tensor, "d d"], cross: Float[Tensor, "d m"], k: int, groups: Int[Tensor, "d"] | None = None
) -> tuple[Int[Tensor, "k"], Float[Tensor, "k"]]:
    """Pick k of the columns of B, one after another, each the one that explains most of a target T beside the others:

        F(S) = ||T||^2 - min_V ||T - B_S V||^2 = tr(C_S^T G_SS^-1 C_S),    G = B^T B,  C = B^T T.

    A *sweep* makes it cheap. Where G and C are those of what the picked columns leave unexplained, the gain of
    column i is ||C_i||^2 / G_ii, and picking it takes a matrix of rank one off both, the Schur complement:

        C -= G_i C_i^T / G_ii,    G -= G_i G_i^T / G_ii.

    After the Gram matrix the number of rows of B no longer matters, and since picks do not depend on k, one run with
    the largest k holds all smaller ones. A group of columns, as all weights of a channel, is picked as one, with the
    pseudo-inverse of its block in place of 1 / G_ii.

    Args:
        gram: G, symmetric and positive semi-definite; worked on in float64.
        cross: C.
        k: how many columns or groups, from 0 to all.
        groups: the number of the group of each column, from 0 without gaps; by default each column is its own.

    Returns:
        The picks in their order, and their gains, float64, which add up to F. Groups that add nothing (duplicates,
        dead neurons, more columns than rows) have gain 0 and come last: the selection then begins anew with those that
        are left, as if nothing were kept.

    Raises:
        TypeError, ValueError: shapes that do not fit, NaN or infinite values, a diagonal with negative entries, groups
            with gaps, or k that is no count up to the number of groups.

    Source: [elhalabi2022data] for the objective; the sweep is a pivoted Cholesky decomposition by blocks.

    >>> order, gains = greedy_select(torch.eye(3), torch.tensor([[1.0], [3.0], [2.0]]), 2)
    >>> order, gains
    (tensor([1, 2]), tensor([9., 4.], dtype=torch.float64))
    """
    gram, cross = check_gram(gram, cross)
    columns = columns_of(read_groups(groups, len(gram)).to(gram.device))
    check_k(k, len(columns), "groups")
    # A column of zeros stands where a group has fewer columns than the largest.
    start = torch.nn.functional.pad(gram, (0, 1, 0, 1)), torch.nn.functional.pad(cross, (0, 0, 0, 1))
    G, C = (matrix.clone() for matrix in start)
    scale = G.diagonal().clamp(min=torch.finfo(G.dtype).tiny).rsqrt()
    order = torch.zeros(k, dtype=torch.int64, device=gram.device)
    gains = torch.zeros(k, dtype=torch.float64, device=gram.device)
    left = torch.ones(len(columns), dtype=torch.bool, device=gram.device)
    anew = False
    for place in range(k):
        inverse, gain = _gains(G, C, columns, scale)
        gain = gain.where(left & (gain > NOTHING * gains.sum()), 0)
        if not gain.any():
            # Nothing is gained any more: as if nothing were kept, with those that are left.
            anew = True
            G, C = (matrix.clone() for matrix in start)
            inverse, gain = _gains(G, C, columns, scale)
        # The first of equals.
        wanted = gain.where(left, -1)
        pick = (wanted == wanted.max()).nonzero()[0, 0]
        order[place] = pick
        if not anew:
            gains[place] = gain[pick]
        left[pick] = False
        inside, root = columns[pick], inverse[pick]
        P, Q = G[:, inside] @ root, root.mT @ C[inside]
        C.addmm_(P, Q, alpha=-1)
        G.addmm_(P, P.mT, alpha=-1)
    return order, gains


def _inverse_roots(
    G: Float[Tensor, "d d"], columns: Int[Tensor, "g r"], scale: Float[Tensor, "d"]
) -> Float[Tensor, "g r r"]:
    """U of each group's block of G, with U U^T its pseudo-inverse.

    The block is measured against what its columns were at the beginning: a direction of which nothing but rounding
    is left counts as none.
    """
    inside = scale[columns]
    if columns.shape[1] == 1:
        values, vectors = (G.diagonal()[columns] * inside.square()), 1
    else:
        blocks = G[columns[:, :, None], columns[:, None, :]] * inside[:, :, None] * inside[:, None, :]
        values, vectors = torch.linalg.eigh(blocks)
    roots = torch.where(values > NEGLIGIBLE, values.clamp(min=NEGLIGIBLE).rsqrt(), 0)
    return inside[:, :, None] * vectors * roots[:, None, :]


def _gains(
    G: Float[Tensor, "d d"], C: Float[Tensor, "d m"], columns: Int[Tensor, "g r"], scale: Float[Tensor, "d"]
) -> tuple[Float[Tensor, "g r r"], Float[Tensor, "g"]]:
    """U of each group, with U U^T the pseudo-inverse of its block, and its gain ||U^T C_I||^2."""
    inverse = _inverse_roots(G, columns, scale)
    if columns.shape[1] == 1:
        # Without a copy of C.
        return inverse, (torch.linalg.vector_norm(C, dim=1)[columns[:, 0]] * inverse[:, 0, 0]).square()
    return inverse, (inverse.mT @ C[columns]).square().sum((1, 2))


def reweight(
    gram: Float[Tensor, "d d"],
    cross: Float[Tensor, "d m"],
    kept: Int[Tensor, "k"],
    weights: Float[Tensor, "d m"],
    ridge: float | int = 0.0,
) -> Float[Tensor, "k m"]:
    """The weights of kept columns that replace all columns best, near to the old ones W:

        argmin_V ||T - B_S V||^2 + lambda (tr G_SS / k) ||V - W_S||^2
            = W_S + (G_SS + lambda (tr G_SS / k) I)^-1 (C_S - G_SS W_S),    G = B^T B,  C = B^T T.

    Without a ridge the residual T - B_S V is orthogonal to every kept column; where several V have the least error
    (dependent columns, fewer rows than columns), it is the one nearest to W_S.

    Args:
        gram, cross: G and C; worked on in float64.
        kept: S, the places of the kept columns, each once, in the order of the rows of the result.
        weights: W, of all columns.
        ridge: lambda, at least 0, in units of the mean square of a kept column.

    Returns:
        V, float64.

    Raises:
        TypeError, ValueError: shapes that do not fit, NaN or infinite values, places outside of the columns or twice,
            a negative ridge.

    Source: [elhalabi2022data]; the ridge is ours.

    >>> B = torch.tensor([[1.0, 1.0], [1.0, 1.0]])
    >>> reweight(B.T @ B, B.T @ B @ torch.ones(2, 1), torch.tensor([0]), torch.ones(2, 1))
    tensor([[2.]], dtype=torch.float64)
    """
    gram, cross = check_gram(gram, cross)
    ridge = check_number(ridge, "ridge", minimum=0)
    kept = check_columns(kept, len(gram)).to(gram.device)
    if not isinstance(weights, Tensor) or weights.shape != cross.shape:
        got = tuple(weights.shape) if isinstance(weights, Tensor) else type(weights).__name__
        raise ValueError(f"weights: expected the shape of cross, {tuple(cross.shape)}, got {got}")
    check_finite(weights, "weights")
    old = weights.detach().to(gram.device, torch.float64)[kept]
    if len(kept) == 0:
        return old
    inner = gram[kept][:, kept]
    ridged = inner + (ridge * inner.diagonal().mean()).expand(len(kept)).diag()
    # Which columns depend on others is asked of columns of the same length: a neuron may be small, its weights large.
    lengths = ridged.diagonal().sqrt()
    scale = torch.where(lengths > 0, 1 / lengths, 1)[:, None]
    values, vectors = torch.linalg.eigh(ridged * scale * scale.mT)
    vectors, free = scale * vectors[:, values > NEGLIGIBLE], scale * vectors[:, values <= NEGLIGIBLE]
    change = vectors @ ((vectors.mT @ (cross[kept] - inner @ old)) / values[values > NEGLIGIBLE, None])
    unneeded = torch.linalg.qr(free).Q
    return old + change - unneeded @ (unneeded.mT @ change)


def check_gram(gram: object, cross: object) -> tuple[Float[Tensor, "d d"], Float[Tensor, "d m"]]:
    """Check that two matrices may be B^T B and B^T T, and return them in float64, without gradients.

    >>> check_gram(torch.eye(2), torch.ones(3, 1))
    Traceback (most recent call last):
        ...
    ValueError: cross: expected shape (2, m), as many rows as gram, got (3, 1)
    """
    for value, name in ((gram, "gram"), (cross, "cross")):
        if not isinstance(value, Tensor) or not value.is_floating_point():
            got = value.dtype if isinstance(value, Tensor) else type(value).__name__
            raise TypeError(f"{name}: expected a floating tensor, got {got}")
    assert isinstance(gram, Tensor)
    assert isinstance(cross, Tensor)
    if gram.dim() != 2 or gram.shape[0] != gram.shape[1] or len(gram) == 0:
        raise ValueError(f"gram: expected shape (d, d) with at least one column, got {tuple(gram.shape)}")
    if cross.dim() != 2 or len(cross) != len(gram):
        raise ValueError(f"cross: expected shape ({len(gram)}, m), as many rows as gram, got {tuple(cross.shape)}")
    check_finite(gram, "gram")
    check_finite(cross, "cross")
    if bool((gram.diagonal() < 0).any()):
        raise ValueError("gram: expected sums of squares on the diagonal, got negative ones")
    return gram.detach().double(), cross.detach().double()


def check_k(k: object, most: int, what: str) -> None:
    """Check that k of `most` columns or groups can be picked: an int from 0 to all of them."""
    if isinstance(k, bool) or not isinstance(k, int) or not 0 <= k <= most:
        raise ValueError(f"k: expected an int from 0 to {most}, the number of {what}, got {k!r}")


def check_columns(kept: object, d: int, name: str = "kept") -> Int[Tensor, "k"]:
    """Check that places of columns are different ones from 0 to d - 1, and return them as int64."""
    if isinstance(kept, Sequence) and not kept:
        return torch.zeros(0, dtype=torch.int64)
    places = check_integers(kept, name)
    if places.dim() != 1 or (len(places) and not 0 <= int(places.min()) <= int(places.max()) < d):
        raise ValueError(f"{name}: expected places of columns, from 0 to {d - 1}, got {kept}")
    if len(places.unique()) < len(places):
        raise ValueError(f"{name}: expected each column once, got one twice")
    return places


def read_groups(groups: object, d: int) -> Int[Tensor, "d"]:
    """The group of each of d columns: each its own, or as given and checked.

    >>> read_groups([0, 0, 2], 3)
    Traceback (most recent call last):
        ...
    ValueError: groups: expected numbers from 0 without gaps, got 0, 2
    """
    if groups is None:
        return torch.arange(d)
    numbers = check_integers(groups, "groups")
    if numbers.shape != (d,):
        raise ValueError(f"groups: expected one number for each of {d} columns, got shape {tuple(numbers.shape)}")
    found = numbers.unique()
    if not torch.equal(found, torch.arange(len(found), device=found.device)):
        raise ValueError(f"groups: expected numbers from 0 without gaps, got {', '.join(map(str, found.tolist()))}")
    return numbers


def columns_of(groups: Int[Tensor, "d"]) -> Int[Tensor, "g r"]:
    """The columns of each group, in ascending order; smaller groups are filled up with d, one past the last.

    >>> columns_of(torch.tensor([1, 0, 1]))
    tensor([[1, 3],
            [0, 2]])
    """
    sizes = groups.bincount()
    order = groups.argsort(stable=True)
    first = sizes.cumsum(0) - sizes
    places = torch.arange(int(sizes.max()), device=groups.device)
    inside = places < sizes[:, None]
    at = (first[:, None] + places).clamp(max=len(groups) - 1)
    return order[at].where(inside, len(groups))
