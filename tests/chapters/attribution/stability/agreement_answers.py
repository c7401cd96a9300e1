"""Answers to the exercise on top entries of equal sign."""

import numpy as np
import torch


def refuse_zeros(a, b):
    for name, values in (("a", a), ("b", b)):
        if not values.any(1).all():
            raise ValueError(f"{name} has a row of zeros")


def by_sets(a, b, k):
    """Row by row, with Python's sets."""
    refuse_zeros(a, b)
    shares = []
    for first, second in zip(a, b, strict=True):
        top, other = (set(row.abs().topk(k).indices.tolist()) for row in (first, second))
        same = [i for i in top & other if first[i] * second[i] > 0]
        shares.append(len(same) / k)
    return torch.tensor(shares)


def by_masks(a, b, k):
    refuse_zeros(a, b)
    mask_a = torch.zeros_like(a).scatter(1, a.abs().topk(k, 1).indices, 1.0) * a.sign()
    mask_b = torch.zeros_like(b).scatter(1, b.abs().topk(k, 1).indices, 1.0) * b.sign()
    return ((mask_a * mask_b) > 0).sum(1) / k


def by_places(a, b, k):
    """Every place of one against every place of the other."""
    refuse_zeros(a, b)
    first, second = a.abs().topk(k, 1).indices, b.abs().topk(k, 1).indices
    same_feature = first[:, :, None] == second[:, None, :]
    same_sign = a.gather(1, first).sign()[:, :, None] == b.gather(1, second).sign()[:, None, :]
    return (same_feature & same_sign).sum((1, 2)) / k


def by_numpy(a, b, k):
    a, b = a.numpy(), b.numpy()
    if (np.abs(a).sum(1) == 0).any() or (np.abs(b).sum(1) == 0).any():
        raise ValueError("zeros")
    shares = []
    for first, second in zip(a, b, strict=True):
        top, other = (set(np.argsort(-np.abs(row), kind="stable")[:k]) for row in (first, second))
        shares.append(sum(np.sign(first[i]) == np.sign(second[i]) for i in top & other) / k)
    return shares


def own_error(a, b, k):
    class ZeroRow(ValueError):
        pass

    if not (a.any(1) & b.any(1)).all():
        raise ZeroRow("zeros")
    return by_sets(a, b, k)


def top(values, k):
    return torch.zeros_like(values, dtype=torch.bool).scatter(1, values.topk(k, 1).indices, True)


def counted(measure):
    """A mistake of counting, that refuses zero rows as it should."""

    def answer(a, b, k):
        refuse_zeros(a, b)
        return measure(a, b, k, top(a.abs(), k), top(b.abs(), k), a.sign() == b.sign())

    return answer


def of_signed_values(a, b, k, of_a, of_b, same):
    return (top(a, k) & top(b, k) & same).sum(1) / k


def of_smallest(a, b, k, of_a, of_b, same):
    return (top(-a.abs(), k) & top(-b.abs(), k) & same).sum(1) / k


def of_the_shared(a, b, k, of_a, of_b, same):
    shared = of_a & of_b
    return (shared & same).sum(1) / shared.sum(1).clamp(min=1)


def in_the_same_order(a, b, k, of_a, of_b, same):
    first, second = a.abs().topk(k, 1).indices, b.abs().topk(k, 1).indices
    return ((first == second) & same.gather(1, first)).sum(1) / k


def all_or_nothing(a, b, k, of_a, of_b, same):
    return (same | ~(of_a | of_b)).all(1).float()


def less_the_opposed(a, b, k, of_a, of_b, same):
    return ((of_a & of_b) * (a * b).sign()).sum(1) / k


def one_feature_more(a, b, k):
    return by_sets(a, b, k + 1) * (k + 1) / k


def zeros_agree(a, b, k):
    """Sorted in the same way, two zero rows have the same first k."""
    return (top(a.abs(), k) & top(b.abs(), k) & (a.sign() == b.sign())).sum(1) / k


def zeros_of_a_alone(a, b, k):
    refuse_zeros(a, a)
    return zeros_agree(a, b, k)


def zeros_of_both_alone(a, b, k):
    if not (a.any(1) | b.any(1)).all():
        raise ValueError("both are zero")
    return zeros_agree(a, b, k)


def zeros_asserted(a, b, k):
    assert a.any(1).all(), "a has a row of zeros"
    assert b.any(1).all(), "b has a row of zeros"
    return zeros_agree(a, b, k)


def zeros_are_nan(a, b, k):
    return zeros_agree(a, b, k).where(a.any(1) & b.any(1), torch.nan)


def any_zero_refused(a, b, k):
    if (a == 0).any() or (b == 0).any():
        raise ValueError("zeros")
    return by_sets(a, b, k)


def over_the_batch(a, b, k):
    """The k largest of all rows together."""
    flat = by_sets(a.reshape(1, -1), b.reshape(1, -1), k)
    return flat.expand(len(a))


RIGHT = {
    "agreement": {
        "by masks": by_masks,
        "by sets": by_sets,
        "by places": by_places,
        "by numpy": by_numpy,
        "an error of one's own": own_error,
    },
}

WRONG = {
    "agreement": {
        "signed values": (counted(of_signed_values), "sort by size"),
        "smallest": (counted(of_smallest), "these are the smallest entries"),
        "signs ignored": (counted(lambda a, b, k, of_a, of_b, same: (of_a & of_b).sum(1) / k), "signs are not looked"),
        "union": (
            counted(lambda a, b, k, of_a, of_b, same: (of_a & of_b & same).sum(1) / (of_a | of_b).sum(1)),
            "the union of the sets (Jaccard): divide by k",
        ),
        "union, signs ignored": (
            counted(lambda a, b, k, of_a, of_b, same: (of_a & of_b).sum(1) / (of_a | of_b).sum(1)),
            "(Jaccard), and signs",
        ),
        "of the shared": (counted(of_the_shared), "divide by what the sets share"),
        "of a's set": (counted(lambda a, b, k, of_a, of_b, same: (of_a & same).sum(1) / k), "a's set alone"),
        "in order": (counted(in_the_same_order), "place by place"),
        "all or nothing": (counted(all_or_nothing), "one sign that differs"),
        "minus one": (counted(less_the_opposed), "not as minus one"),
        "by d": (
            counted(lambda a, b, k, of_a, of_b, same: (of_a & of_b & same).float().mean(1)),
            "you divide by d",
        ),
        "not divided": (counted(lambda a, b, k, of_a, of_b, same: (of_a & of_b & same).sum(1)), "a number of features"),
        "all features": (counted(lambda a, b, k, of_a, of_b, same: same.double().mean(1)), "only the k largest count"),
        "cosine": (
            counted(lambda a, b, k, of_a, of_b, same: torch.cosine_similarity(a, b, dim=1)),
            "your function says -0.289, not 0.5",
        ),
        "one more": (lambda a, b, k: one_feature_more(a, b, min(k, a.shape[1] - 1)), "your function says"),
        "over the batch": (over_the_batch, "your function says"),
        "one number": (lambda a, b, k: by_sets(a, b, k).mean(), "no mean over the examples"),
        "zeros agree": (zeros_agree, "row 2 of a is zero"),
        "zeros of a alone": (zeros_of_a_alone, "row 2 of b is zero"),
        "zeros of both alone": (zeros_of_both_alone, "row 2 of a is zero"),
        "zeros asserted": (zeros_asserted, "you raise AssertionError"),
        "zeros are nan": (zeros_are_nan, "nan"),
        "any zero refused": (any_zero_refused, "some zeros in them"),
        "everything refused": (lambda a, b, k: int("no"), "you refuse rows"),
        "text": (lambda a, b, k: "half", "should be a tensor of shape (2,)"),
    },
}
