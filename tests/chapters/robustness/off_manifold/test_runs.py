"""The stored results on flat data are those of the protocol; data and schemes are what they are called."""

from dataclasses import replace

import pytest
import torch

from interpbook.chapters.robustness.off_manifold import runs
from interpbook.chapters.robustness.off_manifold.runs import RUNS, Setting
from interpbook.models import MLP


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_every_run_of_the_protocol_is_stored_and_nothing_else():
    assert list(RUNS.load()) == list(runs.protocol())


@pytest.mark.parametrize("setting", [Setting(seed=3), Setting("attack", 0.01, seed=3)])
def test_a_run_is_the_stored_one(setting):
    again, stored = runs.run(setting), RUNS.load()[setting]
    assert again.share == pytest.approx(stored.share, abs=0.01)
    assert again.accuracy == pytest.approx(stored.accuracy, abs=0.005)


def test_the_basis_is_orthonormal_and_the_projection_its_own():
    eye = torch.eye(runs.DIMENSIONS)
    torch.testing.assert_close(runs.BASIS.T @ runs.BASIS, eye, atol=1e-6, rtol=0)
    torch.testing.assert_close(runs.PROJECTION @ runs.BASIS, runs.BASIS, atol=1e-6, rtol=0)


def test_noise_beside_the_subspace_has_its_deviation_and_the_heaps_their_centers():
    x, classes = runs.draw(20_000, seeded(), beside=0.5)
    off = x - x @ runs.PROJECTION
    # 45 directions are left beside the subspace.
    torch.testing.assert_close(off.square().sum(1).mean(), torch.tensor(45 * 0.25), rtol=0.02, atol=0)
    torch.testing.assert_close((off @ runs.BASIS).abs().max(), torch.tensor(0.0), atol=1e-5, rtol=0)
    for sign in (-1, 1):
        heap = x[2 * classes - 1 == sign] @ runs.BASIS
        torch.testing.assert_close(heap.mean(0), sign * runs.CENTER, atol=0.05, rtol=0)
        # Normal with deviation one: the noise adds nothing on the subspace.
        torch.testing.assert_close(heap.var(0), torch.ones(runs.DIMENSIONS), atol=0.06, rtol=0)


def test_the_share_is_that_of_the_trained_network_on_new_data(monkeypatch):
    """Of a network whose gradient does not leave the subspace it is one."""
    net = MLP((8,), inputs=runs.INPUTS, classes=2).eval()
    monkeypatch.setattr(runs, "train", lambda setting: net)
    before = runs.run(Setting())
    net.fc1.weight.data = net.fc1.weight.data @ runs.PROJECTION
    assert before.share < 0.5
    assert runs.run(Setting()).share == pytest.approx(1, abs=1e-5)


def test_each_field_of_a_setting_changes_the_network():
    small = Setting("noise", 0.3, 0.1, examples=200, epochs=2)
    others = [
        replace(small, **{name: value})
        for name, value in (
            ("scheme", "attack"),
            ("strength", 3.0),
            ("beside", 1.0),
            ("examples", 400),
            ("epochs", 3),
            ("seed", 1),
        )
    ]
    weights = [runs.train(setting).fc1.weight for setting in (small, *others)]
    assert torch.equal(weights[0], runs.train(small).fc1.weight)
    assert not any(torch.equal(weights[0], other) for other in weights[1:])


def test_results_of_seeds_are_the_stored_rows():
    found = runs.of_seeds(scheme="attack", strength=3.0)
    rows = [RUNS.load()[Setting("attack", 3.0, seed=seed)] for seed in runs.SEEDS]
    assert found["share"].tolist() == [row.share for row in rows]
    assert found["accuracy"].tolist() == [row.accuracy for row in rows]
