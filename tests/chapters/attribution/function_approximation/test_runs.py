"""The stored errors are those of the protocol, the networks those of the lesson, and an error is what it is called."""

from collections.abc import Iterator

import notebook_rules as rules
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interpbook import datasets, training
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


@pytest.mark.parametrize(("table", "seed"), [("breast_cancer", 3), ("diabetes", 1)])
def test_the_networks_are_those_of_the_lesson(table: str, seed: int) -> None:
    lesson = rules.ROOT / "notebooks" / "attribution" / "function_approximation.ipynb"
    cells = ["".join(cell["source"]) for cell in rules.read(lesson)["cells"] if cell["cell_type"] == "code"]
    [recipe] = [source for source in cells if "def trained(" in source]
    [counts] = [source.splitlines()[0] for source in cells if source.startswith("epochs = ")]
    names: dict = {"torch": torch, "nn": nn, "F": F, "datasets": datasets, "training": training}
    exec(f"{recipe}\n{counts}", names)
    alone = names["trained"](table, seed, names["epochs"][table])
    x = runs.people(table, seed)
    torch.testing.assert_close(runs.networks(table)[seed](x), alone(x), atol=1e-4, rtol=0)
    assert names["epochs"] == runs.EPOCHS


@pytest.mark.parametrize("table", runs.EPOCHS)
def test_each_person_of_the_test_table_belongs_to_one_network(table: str) -> None:
    shared = torch.cat([runs.people(table, seed) for seed in runs.SEEDS])
    whole = datasets.load_table(table, "test").x.double()
    assert sorted(shared.tolist()) == sorted(whole.tolist())


def test_a_group_of_breast_cancer_is_one_measurement() -> None:
    features = datasets.load_table("breast_cancer").features
    for group in range(10):
        members = (runs.groups("breast_cancer") == group).nonzero().flatten().tolist()
        words = [set(features[k].split()) - {"mean", "error", "worst"} for k in members]
        assert len(words) == 3
        assert words[0] == words[1] == words[2]


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
