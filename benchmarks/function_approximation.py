"""KernelSHAP and LIME beside captum, shap, shapiq and lime, in one run: error at equal evaluations, and overhead.

    python benchmarks/function_approximation.py [--quick]

Error: a network d-32-32-1 with random weights and d = 7, 10 or 14, five inputs, eight seeds; the root mean square of
the difference to what all 2^d masks give, relative to that of the values, and its standard error over inputs and seeds
at the end of the row. Every library gets the same number of model evaluations, counted while it runs. LIME has no
penalty and a kernel of width 0.25, once between inputs, as in captum, and once between masks, as in lime.
Overhead: CPU time of one explanation of a sum, which costs nothing, from 1000 masks. Ratios are the other library's
number over ours: above 1, it is behind.

What features do together is set aside by ours in Shapley values and in LIME of masks, not in LIME of inputs: there the
kernel is another for every input, and to take from products of two what a linear fit takes of them would need all 2^d
kernel weights of each. With few masks that one is level with captum.

Where masks hardly determine the weights, about three for each of ten features, shapiq's kADDSHAP has less error in
Shapley values: with fewer masks than terms its solution of smallest norm shrinks them. The price of doing so is that a
linear model would no longer come back as it is, and that standard errors would not see the bias.
"""

import argparse
import contextlib
import io
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from captum.attr import KernelShap, Lime, ShapleyValueSampling
from captum.attr._core.lime import get_exp_kernel_similarity_function
from lime.lime_image import LimeImageExplainer
from shap import KernelExplainer
from shapiq import KernelSHAP as ShapiqKernel
from shapiq import kADDSHAP
from sklearn.linear_model import LinearRegression
from torch import Tensor, nn
from versions import versions

from interpbook.attribution import METHODS, BinaryExponential, SquaredError, lfa

INPUTS, SEEDS, WIDTH = 5, 8, 0.25
LIME_INPUT = BinaryExponential(WIDTH, distance="input")
Explainer = Callable[[Callable[[Tensor], Tensor], Tensor, int, int], Tensor]


def network(d: int) -> nn.Module:
    """Random weights, large enough that features do more together than each alone."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(d, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1)).double().eval()
    with torch.no_grad():
        for layer in model[::2]:
            nn.init.normal_(layer.weight, std=2 * (2 / layer.in_features) ** 0.5)
            nn.init.normal_(layer.bias, std=0.5)
    return model


def numpy_model(f: Callable[[Tensor], Tensor]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda rows: f(torch.as_tensor(rows, dtype=torch.float64)).numpy()


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# What each library returns for one input (1, d), a number of evaluations and a seed.


def our_shap(f: Callable[[Tensor], Tensor], x: Tensor, n: int, seed: int) -> Tensor:
    return lfa(f, x, **METHODS["KernelSHAP"], samples=n - 2, generator=seeded(seed)).weights


def captum_shap(f: Callable[[Tensor], Tensor], x: Tensor, n: int, seed: int) -> Tensor:
    torch.manual_seed(seed)
    return KernelShap(f).attribute(x, n_samples=n, perturbations_per_eval=n)


def captum_sampling(f: Callable[[Tensor], Tensor], x: Tensor, n: int, seed: int) -> Tensor:
    torch.manual_seed(seed)
    return ShapleyValueSampling(f).attribute(x, n_samples=max(1, n // x.shape[1]))


def shap_kernel(f: Callable[[Tensor], Tensor], x: Tensor, n: int, seed: int) -> Tensor:
    explainer = KernelExplainer(numpy_model(f), np.zeros((1, x.shape[1])), seed=seed)
    np.random.seed(seed)  # noqa: NPY002 - shap draws from here
    return torch.tensor(explainer.shap_values(x.numpy(), nsamples=n - 2, l1_reg=0, silent=True)).view(1, -1)


def shapiq_with(approximator: type[kADDSHAP] | type[ShapiqKernel], **options: object) -> Explainer:
    """An approximator of shapiq, which asks for the worth of coalitions, those of none and of all among them."""

    def explain(f: Callable[[Tensor], Tensor], x: Tensor, n: int, seed: int) -> Tensor:
        def game(coalitions: np.ndarray) -> np.ndarray:
            return f(torch.as_tensor(coalitions) * x).numpy()

        found = approximator(x.shape[1], random_state=seed, **options).approximate(n, game)
        return torch.tensor([[found[(i,)] for i in range(x.shape[1])]])

    return explain


def our_lime_input(f: Callable[[Tensor], Tensor], x: Tensor, n: int, seed: int) -> Tensor:
    return lfa(f, x, neighborhood=LIME_INPUT, loss=SquaredError(), samples=n, generator=seeded(seed)).weights


def our_lime_mask(f: Callable[[Tensor], Tensor], x: Tensor, n: int, seed: int) -> Tensor:
    near = BinaryExponential(WIDTH, distance="mask")
    return lfa(f, x, neighborhood=near, loss=SquaredError(), samples=n, generator=seeded(seed)).weights


def captum_lime(f: Callable[[Tensor], Tensor], x: Tensor, n: int, seed: int) -> Tensor:
    from captum._utils.models.linear_model import SkLearnLinearRegression

    torch.manual_seed(seed)
    kernel = get_exp_kernel_similarity_function("cosine", kernel_width=WIDTH)
    explainer = Lime(f, interpretable_model=SkLearnLinearRegression(), similarity_func=kernel)
    return explainer.attribute(x, n_samples=n, perturbations_per_eval=n)


def lime_image(f: Callable[[Tensor], Tensor], x: Tensor, n: int, seed: int) -> Tensor:
    """The features are the pixels of one row, each a segment."""
    d = x.shape[1]
    image = np.repeat(x.numpy().reshape(1, d, 1), 3, axis=2)
    with contextlib.redirect_stderr(io.StringIO()):  # a progress bar
        explained = LimeImageExplainer(kernel_width=WIDTH, random_state=seed).explain_instance(
            image,
            lambda images: numpy_model(f)(np.stack(images)[:, 0, :, 0])[:, None],
            labels=(0,),
            top_labels=None,
            hide_color=0,
            num_samples=n,
            batch_size=n,
            segmentation_fn=lambda image: np.arange(d).reshape(1, d),
            model_regressor=LinearRegression(),
        )
    values = dict(explained.local_exp[0])
    return torch.tensor([[values[i] for i in range(d)]])


SHAP: dict[str, Explainer] = {
    "ours": our_shap,
    "shap KernelExplainer": shap_kernel,
    "shapiq kADDSHAP": shapiq_with(kADDSHAP),
    "shapiq KernelSHAP": shapiq_with(ShapiqKernel),
    "shapiq KernelSHAP, paired": shapiq_with(ShapiqKernel, pairing_trick=True),
    "captum KernelShap": captum_shap,
    "captum ShapleyValueSampling": captum_sampling,
}
LIME_OF_INPUTS: dict[str, Explainer] = {"ours": our_lime_input, "captum Lime": captum_lime}
LIME_OF_MASKS: dict[str, Explainer] = {"ours": our_lime_mask, "lime LimeImageExplainer": lime_image}


def errors(title: str, explainers: dict[str, Explainer], d: int, budgets: tuple[int, ...], seeds: int) -> None:
    """A row for each library: its relative error at each budget, how many times ours, its standard error in hundredths
    of it at the first and the last, and the evaluations."""
    model, x = network(d), inputs(d)
    whole = next(iter(explainers.values()))
    truth = torch.cat([whole(lambda points: model(points)[:, 0].detach(), one[None], 2**d, 0) for one in x])
    print(f"\n{title}, {d} features: relative error (ratio to ours) at a number of evaluations")
    print(f"{'':<30}" + "".join(f"{n:>16}" for n in budgets) + f"{'+- % at both ends':>20}{'evaluations':>32}")
    ours: list[float] = []
    for name, explain in explainers.items():
        found, counts, spread = [], [], []
        for n in budgets:
            count = [0]

            def f(points: Tensor, count: list[int] = count) -> Tensor:
                count[0] += len(points)
                with torch.no_grad():
                    return model(points)[:, 0]

            runs = [torch.cat([explain(f, one[None], n, seed) for one in x]) for seed in range(seeds)]
            counts.append(count[0] // (seeds * len(x)))
            square = (torch.stack(runs) - truth).square().mean(2).flatten()
            found.append(float((square.mean() / truth.square().mean()).sqrt()))
            # Of a root, half the relative error of what is under it.
            spread.append(50 * float(square.std() / square.mean()) / len(square) ** 0.5)
        ours = ours or found
        cells = [f"{e:.4f} ({e / o:.1f})" if o > 1e-9 else f"{e:.1e}" for e, o in zip(found, ours, strict=True)]
        ends = f"{spread[0]:.0f} {spread[-1]:.0f}" if found[-1] > 1e-9 else f"{spread[0]:.0f} -"
        print(
            f"{name:<30}" + "".join(f"{c:>16}" for c in cells) + f"{ends:>20}{' '.join(map(str, counts)):>32}",
            flush=True,
        )


def inputs(d: int) -> Tensor:
    return 2 * torch.randn(INPUTS, d, dtype=torch.float64, generator=seeded(1))


def overhead(features: int, repeats: int) -> None:
    """CPU milliseconds of one explanation of a sum, the median of some, and how many times ours."""
    x = torch.rand(1, features, dtype=torch.float64, generator=seeded(2)) + 0.5
    print(f"\noverhead with {features} features: CPU ms per explanation of 1000 evaluations (ratio to ours)")
    for group in (SHAP, LIME_OF_INPUTS, LIME_OF_MASKS):
        ours = 0.0
        for name, explain in group.items():
            times = []
            for seed in range(repeats + 1):
                start = time.process_time()
                explain(lambda points: points.sum(1), x, 1000, seed)
                times.append(1000 * (time.process_time() - start))
            typical = statistics.median(times[1:])  # the first call imports and compiles
            ours = ours or typical
            label = f"{name} ({'SHAP' if group is SHAP else 'LIME'})"
            print(f"{label:<40}{typical:>9.2f} ({typical / ours:.1f})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="two budgets and seeds, fewer repeats")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print(versions("numpy", "captum", "shap", "shapiq", "lime", "scikit-learn"))
    cases = {7: (30, 50, 100), 10: (30, 50, 100, 200, 500, 1000, 2000), 14: (50, 200, 1000, 4000)}
    if quick:
        cases = {10: (50, 500), 14: (1000,)}
    for d, budgets in cases.items():
        for title, explainers in (
            ("Shapley values", SHAP),
            ("LIME of inputs", LIME_OF_INPUTS),
            ("LIME of masks", LIME_OF_MASKS),
        ):
            errors(title, explainers, d, budgets, 2 if quick else SEEDS)
    for features in (10, 49):
        overhead(features, repeats=3 if quick else 9)


if __name__ == "__main__":
    main()
