"""The projection is a nearest point with k non-zeros, whatever the ties, the sizes, the dtypes and the strides."""

from itertools import combinations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from traces import leaves_no_trace

from interpbook.pruning import project_sparsity, projection, prunable
from interpbook.pruning.projection import SAMPLE, check_sparsity

LARGE = 8 * SAMPLE + 3


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def flat(weights):
    return torch.cat([weight.detach().flatten() for weight in weights])


def by_sorting(values, k):
    """The k largest magnitudes by a stable sort of all: of equal ones the first."""
    kept = torch.zeros_like(values)
    order = values.abs().sort(descending=True, stable=True).indices[:k]
    kept[order] = values[order]
    return kept


def nearest(values, k):
    """The least squared distance to a vector that is zero outside of k places, over all k places."""
    places = range(len(values))
    distances = [float(values[[p for p in places if p not in kept]].square().sum()) for kept in combinations(places, k)]
    return min(distances)


def projected(weights, sparsity, layerwise=False):
    copies = [weight.clone() for weight in weights]
    count = project_sparsity(copies, sparsity, layerwise)
    assert count == sum(int(copy.count_nonzero()) for copy in copies)
    return copies


@pytest.mark.parametrize("shapes", [[(12,)], [(3, 4)], [(2, 3), (5,)], [(1,), (2, 2), (3,), (4,)]])
@pytest.mark.parametrize("seed", range(3))
def test_no_point_with_k_non_zeros_is_nearer(shapes, seed):
    weights = [normal(*shape, seed=seed + place) for place, shape in enumerate(shapes)]
    before = flat(weights)
    for k in range(len(shapes), len(before) + 1):
        after = flat(projected(weights, 1 - k / len(before)))
        assert int(after.count_nonzero()) == k
        assert float((before - after).square().sum()) == pytest.approx(nearest(before, k), abs=1e-15)
        assert torch.equal(after[after != 0], before[after != 0])


@pytest.mark.parametrize("sparsity", [0.25, 0.5, 0.8])
def test_layerwise_each_tensor_goes_to_its_nearest_point(sparsity):
    weights = [normal(10, seed=1), 100 * normal(3, 4, seed=2), normal(8, seed=3) / 100]
    for before, after in zip(weights, projected(weights, sparsity, layerwise=True), strict=True):
        k = round(before.numel() * (1 - sparsity))
        assert int(after.count_nonzero()) == k
        assert float((before - after).square().sum()) == pytest.approx(nearest(before.flatten(), k), rel=1e-12)
    together = projected(weights, sparsity)
    assert int(together[1].count_nonzero()) > int(together[2].count_nonzero())


@given(
    values=st.lists(st.integers(-2, 2), min_size=2, max_size=40).filter(any),
    cut=st.integers(0, 39),
    sparsity=st.integers(0, 19).map(lambda twentieths: twentieths / 20),
    layerwise=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_of_equal_magnitudes_the_first_are_kept_and_no_more_than_k(values, cut, sparsity, layerwise):
    whole = torch.tensor(values, dtype=torch.float64)
    cut = 1 + cut % (len(values) - 1)
    parts = [whole[:cut], whole[cut:]]
    groups = parts if layerwise else [whole]
    counts = [round(len(group) * (1 - sparsity)) for group in groups]
    least = 1 if layerwise else 2
    if min(counts) < least or not all(group.any() for group in groups):
        with pytest.raises(ValueError, match=r"sparsity|parameters\[[01]\]"):
            project_sparsity(parts, sparsity, layerwise)
        return
    after = flat(projected(parts, sparsity, layerwise))
    expected = torch.cat([by_sorting(group, k) for group, k in zip(groups, counts, strict=True)])
    assert torch.equal(after, expected)


def test_all_weights_equal_keeps_the_first_k_in_the_order_of_tensors_and_entries():
    first, second = projected([torch.full((2, 3), -0.5), torch.full((2, 2), 0.5)], 0.2)
    assert int(first.count_nonzero()) == 6
    assert torch.equal(second, torch.tensor([[0.5, 0.5], [0.0, 0.0]]))
    (transposed,) = projected([torch.ones(3, 2).T], 0.5)
    assert torch.equal(transposed, torch.tensor([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]))


@pytest.mark.parametrize("layerwise", [False, True])
@pytest.mark.parametrize("sparsity", [0.0, 0.3, 0.5, 0.9])
def test_a_second_projection_changes_nothing(sparsity, layerwise):
    weights = [normal(6, 5), normal(20, seed=1).round()]
    once = projected(weights, sparsity, layerwise)
    for first, second in zip(once, projected(once, sparsity, layerwise), strict=True):
        assert torch.equal(first, second)


def test_fewer_non_zeros_than_k_stay_as_they_are():
    weights = torch.tensor([0.0, 3.0, 0.0, -1e-300, 0.0, 0.0], dtype=torch.float64)
    before = weights.clone()
    assert project_sparsity(weights, 0.5) == 2
    assert torch.equal(weights, before)


def test_scale_and_signs_choose_no_other_weights():
    weights = normal(9, 7)
    after = projected([weights], 0.7)[0]
    for factor in (-1.0, 2.0**-40, 2.0**40):
        assert torch.equal(projected([factor * weights], 0.7)[0], factor * after)
    signs = normal(9, 7, seed=1).sign()
    assert torch.equal(projected([signs * weights], 0.7)[0], signs * after)


def test_zeros_are_the_nearest_integer_to_n_times_the_sparsity():
    for size in (1, 7, 50, 101):
        for sparsity in (0.0, 0.1, 0.5, 0.9, 0.99):
            kept = round(size * (1 - sparsity))
            if kept:
                assert project_sparsity(normal(size), sparsity) == kept


def periodic():
    """Every eighth is large: a sample at equal steps would see the large ones alone."""
    values = normal(LARGE, dtype=torch.float32) / 1000
    values[::8] += 10
    return values


def periodic_small():
    """The other way round."""
    values = 10 + normal(LARGE, dtype=torch.float32) / 1000
    values[::8] /= 1e4
    return values


def one_huge():
    values = normal(LARGE, dtype=torch.float32)
    values[5] = 1e38
    return values


def half_zeros():
    values = normal(LARGE, dtype=torch.float32)
    values[: LARGE // 2] = 0
    return values


def few_values():
    return normal(LARGE, dtype=torch.float32).mul(2).round() / 2


def sorted_values():
    return normal(LARGE, dtype=torch.float32).sort().values


def mostly_zeros():
    values = torch.zeros(LARGE)
    values[1::3] = normal(len(values[1::3]), dtype=torch.float32)
    return values


def all_equal():
    return torch.full((LARGE,), -0.25)


MANY = [periodic, periodic_small, one_huge, half_zeros, few_values, sorted_values, mostly_zeros, all_equal]


@pytest.mark.parametrize("make", MANY)
def test_large_tensors_are_cut_as_a_full_sort_cuts_them(make):
    values = make()
    for sparsity in (0.05, 0.5, 0.874, 0.99):
        expected = by_sorting(values, round(LARGE * (1 - sparsity)))
        whole = values.clone()
        assert project_sparsity(whole, sparsity) == int(expected.count_nonzero())
        assert torch.equal(whole, expected)
        parts = [part.clone() for part in values.split([SAMPLE, 5, LARGE - SAMPLE - 5])]
        project_sparsity(parts, sparsity)
        assert torch.equal(torch.cat(parts), expected)


@pytest.mark.parametrize("make", [few_values, sorted_values, periodic])
@pytest.mark.parametrize("guess", [(1e-9, 2e-9), (0.5, 1.0), (0.7, 0.8), (50.0, 60.0)])
def test_a_wrong_guess_of_the_sample_costs_time_alone(make, guess, monkeypatch):
    monkeypatch.setattr(projection, "_bracket", lambda group, k: guess)
    values = make()[::101][:5000]
    for sparsity in (0.05, 0.5, 0.874, 0.99):
        parts = [part.clone() for part in values.split([1500, 500, 3000])]
        project_sparsity(parts, sparsity)
        assert torch.equal(torch.cat(parts), by_sorting(values, round(5000 * (1 - sparsity))))


@pytest.mark.parametrize("make", [few_values, all_equal, mostly_zeros])
def test_pieces_that_are_worked_on_one_by_one_do_not_show(make, monkeypatch):
    monkeypatch.setattr(projection, "PIECE", 7)
    values = make()[::101][:500]
    for sparsity in (0.5, 0.874):
        parts = [part.clone() for part in values.split([150, 50, 300])]
        project_sparsity(parts, sparsity)
        assert torch.equal(torch.cat(parts), by_sorting(values, round(500 * (1 - sparsity))))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("size", [60, 2 * SAMPLE + 1])
def test_every_floating_dtype_is_cut_as_a_full_sort_cuts_it(dtype, size):
    values = normal(size).to(dtype)
    for sparsity in (0.5, 0.9):
        (after,) = projected([values], sparsity)
        assert after.dtype == dtype
        assert torch.equal(after, by_sorting(values, round(size * (1 - sparsity))))


@pytest.mark.parametrize(
    "view",
    [
        lambda t: t[:, ::2],
        lambda t: t.T,
        lambda t: t[1:, 3:],
        lambda t: t.view(6, 5, 2, 2).permute(3, 1, 0, 2),
        lambda t: t.view(6, 5, 2, 2).to(memory_format=torch.channels_last),
    ],
)
def test_strides_and_the_shape_of_convolutions_change_nothing(view):
    weights = view(normal(6, 20).mul(3).round())
    expected = by_sorting(weights.flatten(), round(0.4 * weights.numel()))
    shape, stride = weights.shape, weights.stride()
    project_sparsity(weights, 0.6)
    assert (weights.shape, weights.stride()) == (shape, stride)
    assert torch.equal(weights.flatten(), expected)


def test_a_view_leaves_the_rest_of_its_memory_alone():
    whole = normal(40, 30)
    before = whole.clone()
    project_sparsity(whole[:, ::3], 0.9)
    rest = torch.ones(30, dtype=torch.bool)
    rest[::3] = False
    assert torch.equal(whole[:, rest], before[:, rest])


def convolutional():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.GroupNorm(2, 4), nn.Flatten()]
        model = nn.Sequential(*layers, nn.LayerNorm(4 * 6 * 6), nn.Linear(4 * 6 * 6, 3))
    for parameter in model.parameters():
        nn.init.normal_(
            parameter, std=1e-3 if parameter.dim() == 1 else 1.0, generator=torch.Generator().manual_seed(1)
        )
    return model


def test_of_a_module_only_weights_with_two_axes_are_pruned():
    model = convolutional()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    weights = [model[0].weight, model[-1].weight]
    assert all(found is weight for found, weight in zip(prunable(model), weights, strict=True))
    expected = by_sorting(flat(weights), round(0.1 * flat(weights).numel()))
    assert project_sparsity(model, 0.9) == int(expected.count_nonzero())
    assert torch.equal(flat(weights), expected)
    for name, value in model.state_dict().items():
        if name not in ("0.weight", "6.weight"):
            assert torch.equal(value, before[name]), name


def test_scales_and_shifts_of_a_normalization_are_not_pruned_whatever_their_shape():
    norm = nn.LayerNorm((4, 6))
    model = nn.Sequential(nn.Linear(6, 6), norm)
    assert [weight is model[0].weight for weight in prunable(model)] == [True]
    project_sparsity(model, 0.9)
    assert torch.equal(norm.weight, torch.ones(4, 6))


def test_a_weight_that_two_layers_share_is_pruned_once():
    model = nn.Sequential(nn.Linear(5, 5), nn.Linear(5, 5))
    model[1].weight = model[0].weight
    assert len(prunable(model)) == 1
    assert project_sparsity(model, 0.8) == 5


def test_a_list_of_tensors_is_taken_as_it_is_biases_too():
    layer = nn.Linear(3, 4).double()
    nn.init.constant_(layer.bias, 1e-6)
    project_sparsity(layer.parameters(), 0.5)
    assert int(layer.bias.count_nonzero()) == 0
    assert int(layer.weight.count_nonzero()) == 8


def test_no_gradient_is_recorded_or_changed():
    frozen, learned = nn.Parameter(normal(5), requires_grad=False), nn.Parameter(normal(5, seed=1))
    learned.grad = torch.arange(5, dtype=torch.float64)
    gradient = learned.grad
    project_sparsity([frozen, learned], 0.5)
    assert (frozen.requires_grad, learned.requires_grad, learned.is_leaf) == (False, True, True)
    assert learned.grad is gradient
    assert torch.equal(gradient, torch.arange(5, dtype=torch.float64))
    assert frozen.grad is None
    assert torch.is_grad_enabled()


WEIGHTS = normal(4, 5)
BAD_WEIGHTS = {
    "no tensors": ([], ValueError, "parameters: "),
    "no weights": (nn.ReLU(), ValueError, "model: "),
    "only a bias": (nn.BatchNorm1d(3), ValueError, "model: "),
    "a number": (3, TypeError, "parameters: "),
    "a word": ("weights", TypeError, r"parameters\[0\]: "),
    "integers": ([WEIGHTS, torch.arange(3)], TypeError, r"parameters\[1\]: "),
    "booleans": (torch.ones(3, dtype=torch.bool), TypeError, r"parameters\[0\]: "),
    "complex numbers": (torch.ones(3, dtype=torch.complex64), TypeError, r"parameters\[0\]: "),
    "nothing inside": ([WEIGHTS, WEIGHTS.new_zeros(0, 3)], ValueError, r"parameters\[1\]: "),
    "one tensor twice": ([WEIGHTS, normal(3), WEIGHTS], ValueError, r"parameters\[2\]: .*once"),
    "two dtypes": ([WEIGHTS, WEIGHTS.float()], ValueError, r"parameters\[1\]: .*dtype"),
    "two devices": ([WEIGHTS, WEIGHTS.to("meta")], ValueError, r"parameters\[1\]: .*device"),
    "nothing but zeros": ([torch.zeros(3), torch.zeros(2)], ValueError, r"parameters\[0\]: .*zeros"),
}


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("name", BAD_WEIGHTS)
@pytest.mark.parametrize("layerwise", [False, True])
def test_weights_that_cannot_be_projected_are_refused(name, layerwise):
    parameters, error, message = BAD_WEIGHTS[name]
    before = WEIGHTS.clone()
    with pytest.raises(error, match=message):
        project_sparsity(parameters, 0.5, layerwise)
    assert torch.equal(WEIGHTS, before)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("sparsity", "error"),
    [
        *[(value, ValueError) for value in (1, 1.5, -0.1, float("nan"), float("inf"))],
        *[(value, TypeError) for value in (True, "0.5", None, torch.tensor(0.5))],
    ],
)
def test_a_sparsity_is_a_number_from_0_to_below_1(sparsity, error):
    weights = normal(10)
    before = weights.clone()
    with pytest.raises(error, match="sparsity: expected"):
        project_sparsity(weights, sparsity)
    with pytest.raises(error, match="start: expected"):
        check_sparsity(sparsity, "start")
    assert torch.equal(weights, before)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("layerwise", [False, True])
def test_weights_that_are_not_finite_are_refused_and_none_is_changed(bad, layerwise):
    weights = [normal(6), normal(2, 3, seed=1), normal(4, seed=2)]
    weights[1][1, 2] = bad
    before = [weight.numpy().tobytes() for weight in weights]
    with pytest.raises(ValueError, match=r"parameters\[1\]: .*finite"):
        project_sparsity(weights, 0.5, layerwise)
    assert [weight.numpy().tobytes() for weight in weights] == before


def test_layerwise_a_tensor_of_zeros_is_refused_and_none_is_changed():
    weights = [normal(6), torch.zeros(4, dtype=torch.float64)]
    before = flat(weights)
    with pytest.raises(ValueError, match=r"parameters\[1\]: .*zeros"):
        project_sparsity(weights, 0.5, layerwise=True)
    assert torch.equal(flat(weights), before)
    assert project_sparsity(weights, 0.5) == 5


def test_fewer_weights_than_tensors_are_refused_and_none_is_changed():
    weights = [normal(6), normal(4, seed=1), normal(3, seed=2)]
    before = flat(weights)
    with pytest.raises(ValueError, match=r"sparsity: .*leaves 2 of the 13 weights of 3 tensors"):
        project_sparsity(weights, 0.85)
    with pytest.raises(ValueError, match=r"sparsity: .*leaves 0 of the 4 weights of a tensor"):
        project_sparsity(weights, 0.88, layerwise=True)
    assert torch.equal(flat(weights), before)
    assert project_sparsity(weights, 0.77) == 3


def test_a_module_stays_as_it_was_when_it_is_refused():
    model = convolutional()
    with torch.no_grad():
        model[-1].weight[0, 0] = torch.nan
    with leaves_no_trace(model), pytest.raises(ValueError, match=r"parameters\[1\]"):
        project_sparsity(model, 0.5)
