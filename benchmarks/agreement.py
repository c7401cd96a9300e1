"""Agreement of explanations beside quantus and beside plain loops, in one run: values, time, and the awkward cases.

    python benchmarks/agreement.py [--quick]

(1) 200 and 2,000 pairs of explanations of 64 features, without ties. *sets* is the definition of the top k in Python's
sets, a row at a time. Quantus has a cosine distance and a correlation of ranks, of values with their signs,
and one measure with a top k, the share of it inside a mask; it gets |a|, and the top k of b as the mask. The rows say
how long each takes and by how much its values differ from ours at most. (2) What each says where there is nothing right
to say, or where rounding decides: opposite signs, explanations of zeros, ties, directions that are nearly equal. Each
is asked twice, with the features in reverse order the second time; two numbers in one place are two answers.

Seconds are of the processor on one thread, the least of some runs that take turns, after one to warm up.

OpenXAI has the agreement of features, ranks and signs, too, but is on no package index and asks for torch 1.11, so it
is not run. As its published code reads, it takes the first k of an argsort of -|value|: ties go by the order of the
features, and an explanation of zeros has a top k like any other. A zero's sign equals that of another zero only, as
here.
"""

import argparse
import math
import time
import warnings
from collections.abc import Callable, Mapping
from importlib.util import find_spec

import numpy as np
import torch
from torch import Tensor
from versions import versions

from interpbook.attribution import (
    angle,
    consistent_direction,
    normalized_change,
    sign_agreement,
    signed_set_agreement,
    top_k_agreement,
)

K = 4
Measure = Callable[[Tensor, Tensor], np.ndarray]


def of_ours(measure: Callable[..., Tensor], *options: int) -> Measure:
    return lambda a, b: measure(a, b, *options).numpy()


# --- The definitions, a row at a time ---


def top(row: np.ndarray) -> set[int]:
    return {*np.argsort(-np.abs(row))[:K].tolist()}


def by_sets(a: Tensor, b: Tensor) -> np.ndarray:
    """Top-k agreement, sign agreement, consistent direction and signed-set agreement of each row."""
    out = []
    for x, y in zip(a.numpy(), b.numpy(), strict=True):
        one, two = top(x), top(y)
        same = {i for i in one | two if np.sign(x[i]) == np.sign(y[i])}
        out.append([len(one & two) / K, len(one & two & same) / K, one | two == same, one == two == same])
    return np.array(out, dtype=float)


def ours(a: Tensor, b: Tensor) -> np.ndarray:
    """The same four."""
    measures = (top_k_agreement, sign_agreement, consistent_direction, signed_set_agreement)
    return torch.stack([measure(a, b, K) for measure in measures], 1).numpy()


# --- Quantus ---


def quantus_top_k(a: Tensor, b: Tensor) -> np.ndarray:
    from quantus import TopKIntersection

    metric = TopKIntersection(k=K, disable_warnings=True)
    mask = np.zeros(b.shape, dtype=bool)
    np.put_along_axis(mask, np.argsort(-b.abs().numpy(), axis=1)[:, :K], True, axis=1)
    return np.array(metric.evaluate_batch(a_batch=a.abs().numpy(), s_batch=mask))


def quantus_angle(a: Tensor, b: Tensor) -> np.ndarray:
    """arccos of 1 minus its cosine distance, which takes one row at a time."""
    from quantus import similarity_func

    distances = [similarity_func.cosine(x, y) for x, y in zip(a.numpy(), b.numpy(), strict=True)]
    return np.arccos(1 - np.array(distances))


def quantus_change(a: Tensor, b: Tensor) -> np.ndarray:
    from quantus import similarity_func

    return similarity_func.distance_euclidean(a.numpy(), b.numpy()) / np.linalg.norm(a.numpy(), axis=1)


def quantus_ranks(a: Tensor, b: Tensor) -> np.ndarray:
    """The correlation of ranks of signed values."""
    from quantus import similarity_func

    # A row at a time: its form for batches fails for a batch of one.
    return np.array([similarity_func.correlation_spearman(x, y) for x, y in zip(a.numpy(), b.numpy(), strict=True)])


# --- (1) ---


def draw(rows: int, d: int = 64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    a, noise = torch.randn(2, rows, d, generator=generator, dtype=torch.float64)
    return a, a + noise


def least(methods: Mapping[str, Measure], a: Tensor, b: Tensor, repeats: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in methods}
    for turn in range(repeats + 1):
        for name, method in methods.items():
            start = time.process_time()
            method(a, b)
            if turn:
                times[name].append(time.process_time() - start)
    return {name: min(each) for name, each in times.items()}


def compare(name: str, methods: Mapping[str, Measure], repeats: int) -> None:
    """The first is ours; the others say by how much they differ from it."""
    for rows in (200, 2000):
        a, b = draw(rows)
        expected = next(iter(methods.values()))(a, b)
        for peer, seconds in least(methods, a, b, repeats).items():
            apart = float(np.abs(methods[peer](a, b) - expected).max())
            print(f"{name:<18}{rows:>6}  {peer:<8}{1e3 * seconds:>10.2f} ms   differs by {apart:.0e}", flush=True)


# --- (2) ---


def cases() -> dict[str, tuple[Tensor, Tensor]]:
    a = torch.tensor([[9.0, -8, 7, 6, 5, 4, 3, 2]], dtype=torch.float64)
    ties, one = torch.ones_like(a), torch.tensor([[9.0, 8, 7, 6, 1, 1, 1, 1]], dtype=torch.float64)
    turned = torch.zeros_like(a)
    turned[:, :2] = torch.tensor([math.cos(1e-9), math.sin(1e-9)])
    return {
        "opposite signs": (a, -a),
        "b is zeros": (a, 0 * a),
        "both are zeros": (0 * a, 0 * a),
        "b is constant": (one, ties),
        "1e-9 rad apart": (torch.eye(1, 8, dtype=torch.float64), turned),
    }


def answer(measure: Measure, a: Tensor, b: Tensor) -> str:
    """What it says of the features in this order and in reverse, or the error that it raises."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = {f"{float(measure(x, y)[0]):.3g}" for x, y in ((a, b), (a.flip(1), b.flip(1)))}
    except ValueError:
        return "refused"
    return " or ".join(sorted(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="three repeats instead of fifteen")
    repeats = 3 if parser.parse_args().quick else 15
    torch.set_num_threads(1)
    print(versions("quantus"))
    installed = find_spec("quantus") is not None
    if not installed:
        print("quantus is not installed, so nothing beside ours but the loops")

    top_k, turn, change = of_ours(top_k_agreement, K), of_ours(angle), of_ours(normalized_change)
    print(f"(1) pairs of 64 features, k = {K}")
    compare("four measures", {"ours": ours, "sets": by_sets}, repeats)
    if installed:
        compare("top-k agreement", {"ours": top_k, "quantus": quantus_top_k}, repeats)
        compare("angle", {"ours": turn, "quantus": quantus_angle}, repeats)
        compare("normalized change", {"ours": change, "quantus": quantus_change}, repeats)

    print("(2) what is said of the features in one order, or in two if that matters")
    signs, sets = of_ours(sign_agreement, K), of_ours(signed_set_agreement, K)
    columns = {"top k": top_k, "with sign": signs, "signed set": sets, "sets": lambda a, b: by_sets(a, b)[:, 0]}
    columns |= {"angle": turn, "change": change}
    if installed:
        columns |= {"q. top k": quantus_top_k, "q. angle": quantus_angle, "q. change": quantus_change}
        columns |= {"q. ranks": quantus_ranks}
    print(f"{'':<16}" + "".join(f"{name:>12}" for name in columns))
    for name, (a, b) in cases().items():
        print(f"{name:<16}" + "".join(f"{answer(measure, a, b):>12}" for measure in columns.values()), flush=True)


if __name__ == "__main__":
    main()
