"""The stored networks are those that training gives, and those of the lesson; each has people of its own."""

import notebook_rules as rules
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parameters_to_vector

from interpbook import datasets, training
from interpbook.chapters.attribution.function_approximation import trained


@pytest.mark.parametrize(("table", "largest"), [("breast_cancer", 1e-3), ("adult", 0.05)])
def test_training_gives_the_stored_weights(table: str, largest: float) -> None:
    """Another processor rounds differently, and on Adult, with most steps, that grows most."""
    for again, stored in zip(trained.train(table), trained.networks(table), strict=True):
        kept = parameters_to_vector(stored.parameters()).float()
        torch.testing.assert_close(parameters_to_vector(again.parameters()).detach(), kept, atol=largest, rtol=0)


def test_what_is_stored_is_what_training_gave(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    models = [trained._untrained("diabetes", seed) for seed in trained.SEEDS]
    monkeypatch.setattr(trained, "train", lambda table: models)
    monkeypatch.setattr(trained, "EPOCHS", ["diabetes"])
    monkeypatch.setattr(trained, "FILE", tmp_path / "networks.npz")
    trained.store()
    x = trained.people("diabetes", 0)
    for model, loaded in zip(models, trained.networks.__wrapped__("diabetes"), strict=True):
        assert torch.equal(model.double()(x), loaded(x))


@pytest.mark.parametrize(("table", "seed"), [("breast_cancer", 3), ("diabetes", 1)])
def test_the_networks_are_those_of_the_lesson(table: str, seed: int) -> None:
    lesson = rules.ROOT / "notebooks" / "attribution" / "function_approximation.ipynb"
    cells = ["".join(cell["source"]) for cell in rules.read(lesson)["cells"] if cell["cell_type"] == "code"]
    [recipe] = [source for source in cells if "def trained(" in source]
    [counts] = [source.splitlines()[0] for source in cells if source.startswith("epochs = ")]
    names: dict = {"torch": torch, "nn": nn, "F": F, "datasets": datasets, "training": training}
    exec(f"{recipe}\n{counts}", names)
    alone = names["trained"](table, seed, names["epochs"][table])
    x = trained.people(table, seed)
    torch.testing.assert_close(trained.networks(table)[seed](x), alone(x), atol=1e-4, rtol=0)
    assert names["epochs"] == trained.EPOCHS


@pytest.mark.parametrize("table", trained.EPOCHS)
def test_each_person_of_the_test_table_belongs_to_one_network(table: str) -> None:
    shared = torch.cat([trained.people(table, seed) for seed in trained.SEEDS])
    whole = datasets.load_table(table, "test").x.double()
    assert sorted(shared.tolist()) == sorted(whole.tolist())


def test_a_group_of_breast_cancer_is_one_measurement() -> None:
    features = datasets.load_table("breast_cancer").features
    for group in range(10):
        members = (trained.groups("breast_cancer") == group).nonzero().flatten().tolist()
        words = [set(features[k].split()) - {"mean", "error", "worst"} for k in members]
        assert len(words) == 3
        assert words[0] == words[1] == words[2]
