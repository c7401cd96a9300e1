"""The stored errors are those of the protocol, and an error is what it is called."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from interpbook.chapters.attribution.function_approximation import runs
from interpbook.chapters.attribution.function_approximation.runs import RUNS, SAMPLES, Setting


@pytest.fixture
def instead(monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """Puts a function in the place of each network."""

    def put(f: object) -> None:
        monkeypatch.setattr(runs, "networks", lambda table: [f] * 5)
        runs._limit.cache_clear()

    yield put
    runs._limit.cache_clear()


def test_every_run_of_the_protocol_is_stored_and_nothing_else() -> None:
    assert list(RUNS.load()) == list(runs.protocol())


@pytest.mark.parametrize(
    "setting",
    [
        Setting("diabetes", "C-LIME", 400, seed=3),
        Setting("diabetes", "SmoothGrad", 100, seed=3),
        Setting("diabetes", "integrated gradients", 100, seed=1),
        Setting("breast_cancer", "LIME", 300, seed=2),
        Setting("breast_cancer", "KernelSHAP", 100, seed=4),
    ],
)
def test_a_run_is_the_stored_one(setting: Setting) -> None:
    assert runs.run(setting).error == pytest.approx(RUNS.load()[setting].error, rel=0.02)


@pytest.mark.parametrize("method", SAMPLES)
def test_of_a_linear_function_no_method_errs(instead, method: str) -> None:
    slope = torch.arange(30, dtype=torch.float64)
    instead(lambda x: x @ slope - 3)
    assert runs.run(Setting("breast_cancer", method, 100)).error < 1e-9


@pytest.mark.parametrize("samples", [100, 1600])
def test_the_error_of_smoothgrad_on_cubes_is_known(instead, samples: int) -> None:
    """Gradients at a pair are 3 (x + n)^2 and 3 (x - n)^2, their mean 3 x^2 + 3 n^2; n^2 has variance 2 sigma^4."""

    def cubes(x: Tensor) -> Tensor:
        return (x**3).sum(1)

    instead(cubes)
    known = (10 * 9 * 2 * 0.1**4 / (samples / 2)) ** 0.5
    assert runs.run(Setting("diabetes", "SmoothGrad", samples)).error == pytest.approx(known, rel=0.2)


def test_errors_are_the_stored_rows_by_seed() -> None:
    rows = [RUNS.load()[Setting("adult", "LIME", 300, seed)].error for seed in range(5)]
    assert runs.errors("adult", "LIME", 300).tolist() == rows
