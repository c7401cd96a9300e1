"""A budget is shared out as trying all thresholds does, counted as the smaller network has it, and never exceeded."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from least_squares import explained_by_rows, normal
from networks import randomize
from torch import nn
from traces import leaves_no_trace

from interpbook.pruning import accuracy_curves, allocate, explained_curves, find_couplings, prune_structured
from interpbook.pruning.activations import input_of, weights_of
from interpbook.pruning.allocation import count_parameters
from interpbook.training import accuracy


def linear():
    layers = [nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 5, bias=False), nn.ReLU(), nn.Linear(5, 7), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(7, 3))


def convolutional():
    """Batch norms before and after flattening, one without parameters, and pooling."""
    before = [nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 5, 3, padding=1, bias=False), nn.ReLU()]
    norms = [nn.MaxPool2d(2), nn.BatchNorm2d(5, affine=False), nn.Flatten(), nn.BatchNorm1d(5 * 2 * 2)]
    return nn.Sequential(*before, *norms, nn.Linear(5 * 2 * 2, 4), nn.ReLU(), nn.Linear(4, 3))


NETWORKS = {"linear": (linear, (6,)), "convolutional": (convolutional, (2, 6, 6))}


def network(name):
    make, shape = NETWORKS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = randomize(make())
    return model, normal(20, *shape)


def sizes(model):
    return {c.producer: len(model.get_submodule(c.producer).weight) for c in find_couplings(model)}


def parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


def rising(model, seed):
    """A curve of each layer, for all numbers of channels, that need not rise everywhere."""
    curves = {}
    for place, (name, channels) in enumerate(sizes(model).items()):
        values = normal(channels, seed=100 * seed + place).cumsum(0).tolist()
        curves[name] = dict(enumerate(values, start=1))
    return curves


def by_all_thresholds(model, curves, budget):
    """The counts of the largest threshold that fits, tried one after another, before what remains is spent."""
    best = None
    for threshold in sorted({value for curve in curves.values() for value in curve.values()}):
        counts = {}
        for name, curve in curves.items():
            reaching = [count for count in curve if max(v for c, v in curve.items() if c <= count) >= threshold]
            counts[name] = min(reaching, default=max(curve))
        if count_parameters(model, find_couplings(model), counts) <= budget:
            best = counts
    return best


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("fraction", [0.05, 0.3, 0.6, 1.0])
def test_parameters_are_counted_as_the_smaller_network_has_them(name, fraction):
    model, x = network(name)
    counts = {layer: max(1, round(fraction * channels)) for layer, channels in sizes(model).items()}
    pruned = prune_structured(model, x, counts)
    assert count_parameters(model, find_couplings(model), counts) == parameters(pruned.model) == pruned.parameters[1]
    for layer, count in counts.items():
        alone = prune_structured(model, x, {layer: count})
        assert count_parameters(model, find_couplings(model, [layer]), {layer: count}) == parameters(alone.model)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", range(2))
def test_the_threshold_is_the_largest_of_all_that_fit_and_what_remains_is_spent(name, seed):
    model, _ = network(name)
    couplings, channels = find_couplings(model), sizes(model)
    curves = rising(model, seed)
    least = count_parameters(model, couplings, dict.fromkeys(channels, 1))
    for budget in range(least, parameters(model) + 5, parameters(model) // 15):
        counts = allocate(model, curves, budget)
        expected = by_all_thresholds(model, curves, budget)
        assert count_parameters(model, couplings, counts) <= budget
        for layer in channels:
            assert expected[layer] <= counts[layer] <= channels[layer]
            # Nothing is left that one more channel could have.
            if counts[layer] < channels[layer]:
                assert count_parameters(model, couplings, {**counts, layer: counts[layer] + 1}) > budget
        # What remains goes to the largest fraction first: a layer got some only if those before it can take no more.
        order = sorted(channels, key=lambda layer: -expected[layer] / channels[layer])
        spent = dict(expected)
        for layer in order:
            while spent[layer] < channels[layer]:
                spent[layer] += 1
                if count_parameters(model, couplings, spent) > budget:
                    spent[layer] -= 1
                    break
        assert counts == spent
    assert allocate(model, curves, parameters(model)) == channels


def test_the_order_and_the_gaps_of_a_curve_do_not_matter():
    model, _ = network("linear")
    curves = rising(model, 9)
    backwards = {layer: dict(reversed(curve.items())) for layer, curve in reversed(curves.items())}
    for budget in (60, 90, 120):
        assert allocate(model, backwards, budget) == allocate(model, curves, budget)
    few = {"0": {8: 1.0, 2: 0.5}, "2": {1: 0.9, 5: 1.0}}
    counts = allocate(model, few, 80)
    assert counts == allocate(model, {"2": {5: 1.0, 1: 0.9}, "0": {2: 0.5, 8: 1.0}}, 80)


@given(values=st.lists(st.integers(0, 3), min_size=8, max_size=8), budget=st.integers(1, 150))
@settings(max_examples=60, deadline=None)
def test_more_channels_count_as_at_least_as_good(values, budget):
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    curve = {count: float(value) for count, value in enumerate(values, start=1)}
    envelope = {count: max(curve[c] for c in range(1, count + 1)) for count in curve}
    if budget < count_parameters(model, find_couplings(model), {"0": 1}):
        with pytest.raises(ValueError, match=rf"budget: expected at least 13 parameters.*got {budget}$"):
            allocate(model, {"0": curve}, budget)
    else:
        found = allocate(model, {"0": curve}, budget)
        assert found == allocate(model, {"0": envelope}, budget)
        # With one layer all is spent on it.
        assert found == {"0": min(8, (budget - 3) // 10)}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_larger_budget_never_lowers_the_value_that_every_layer_keeps(name):
    model, _ = network(name)
    curves = {layer: {n: max(c[i] for i in range(1, n + 1)) for n in c} for layer, c in rising(model, 3).items()}
    least = []
    for budget in range(100, parameters(model), 20):
        counts = allocate(model, curves, budget)
        least.append(min(curves[layer][count] for layer, count in counts.items()))
    assert least == sorted(least)


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_allocated_can_be_pruned(name):
    model, x = network(name)
    budget = round(0.6 * parameters(model))
    with leaves_no_trace(model, x):
        counts = allocate(model, explained_curves(model, x), budget)
    pruned = prune_structured(model, x, counts)
    assert {layer: len(kept) for layer, kept in pruned.kept.items()} == counts
    assert 0.6 * budget < parameters(pruned.model) <= budget


# --- curves ---


def test_explained_curves_are_what_pruning_one_layer_explains():
    for name in NETWORKS:
        model, x = network(name)
        with leaves_no_trace(model, x):
            curves = explained_curves(model, x)
        assert {layer: [*curve] for layer, curve in curves.items()} == {
            layer: [*range(1, channels + 1)] for layer, channels in sizes(model).items()
        }
        for layer, curve in curves.items():
            assert [*curve.values()] == sorted(curve.values())
            assert curve[max(curve)] == pytest.approx(1, abs=1e-9)
            for count in curve:
                pruned = prune_structured(model, x, {layer: count})
                assert curve[count] == pytest.approx(pruned.explained[layer], abs=1e-9)
        for size in (1, 7, 20):
            for layer, curve in explained_curves(model, x, batch_size=size).items():
                assert [*curve.values()] == pytest.approx([*curves[layer].values()], abs=1e-9)


def test_explained_curves_are_those_of_least_squares_on_rows():
    model, x = network("linear")
    curve = explained_curves(model, x)["0"]
    with torch.no_grad():
        B = input_of(model, "2", x)
    T = B @ weights_of(model[2])
    for count in (1, 4, 8):
        kept = prune_structured(model, x, {"0": count}).kept["0"]
        assert curve[count] == pytest.approx(explained_by_rows(B, T, kept) / float(T.square().sum()), abs=1e-9)


def test_a_layer_that_gives_nothing_is_explained_by_any_channel():
    model, x = network("linear")
    with torch.no_grad():
        model[2].weight.zero_()
    assert explained_curves(model, x)["0"] == dict.fromkeys(range(1, 9), 1.0)


def test_accuracy_curves_are_the_accuracy_with_one_layer_pruned():
    model, x = network("convolutional")
    held_out = normal(40, 2, 6, 6, seed=5)
    options = {"method": "weight_norm", "reweight": False}
    # Classes that a smaller network gets right, and the whole one does not.
    smaller = prune_structured(model, x, {"0": 3}, **options).model
    with torch.no_grad():
        data = held_out, smaller(held_out).argmax(1)
    assert accuracy(smaller, *data) == 1
    with leaves_no_trace(model, x, *data):
        curves = accuracy_curves(model, x, data, (0.01, 0.5, 0.5, 1.0), options)
    whole = accuracy(model, *data)
    for layer, channels in sizes(model).items():
        counts = {max(1, round(fraction * channels)) for fraction in (0.01, 0.5, 1.0)}
        assert {*curves[layer]} == counts
        assert curves[layer][channels] == whole
        for count in counts - {channels}:
            pruned = prune_structured(model, x, {layer: count}, **options)
            assert curves[layer][count] == min(whole, accuracy(pruned.model, *data))
    assert whole < 1
    assert any(value < whole for curve in curves.values() for value in curve.values())


# --- what is refused ---

BAD_CURVES = {
    "none": ({}, "curves: expected those of at least one layer, got none"),
    "no such layer": ({"0": {1: 0.1}, "1": {1: 0.5}}, "layers: 1: "),
    "the last layer": ({"6": {1: 0.1}}, "layers: 6: its output is an output of the model"),
    "no values": ({"0": {}}, r"curves: expected numbers from 1 to 8 for 0, got \[\]"),
    "no channels": ({"0": {0: 0.1, 8: 1.0}}, r"curves: expected numbers from 1 to 8 for 0, got \[0, 8\]"),
    "too many channels": ({"2": {6: 0.1}}, r"curves: expected numbers from 1 to 5 for 2, got \[6\]"),
    "fractions": ({"0": {0.5: 0.1}}, r"curves: expected numbers from 1 to 8 for 0, got \[0\.5\]"),
    "NaN": ({"0": {1: float("nan"), 8: 1.0}}, r"curves: expected finite values for 0, got nan"),
    "infinite": ({"0": {1: 0.0, 8: float("inf")}}, r"curves: expected finite values for 0, got inf"),
}


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("name", BAD_CURVES)
def test_curves_that_are_none_are_refused(name):
    curves, message = BAD_CURVES[name]
    with pytest.raises(ValueError, match=message):
        allocate(network("linear")[0], curves, 100)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("budget", [5.5, "100", None, True])
def test_a_budget_is_a_count(budget):
    model, _ = network("linear")
    with pytest.raises(TypeError, match="budget: expected an int of at least 1, got"):
        allocate(model, rising(model, 0), budget)


def test_a_budget_below_the_fewest_channels_is_refused_and_the_least_is_said():
    model, _ = network("linear")
    curves = {"0": {2: 0.3, 8: 1.0}, "2": {1: 0.9, 5: 1.0}}
    least = count_parameters(model, find_couplings(model, [*curves]), {"0": 2, "2": 1})
    with pytest.raises(ValueError, match=f"budget: expected at least {least} parameters, .*, got {least - 1}"):
        allocate(model, curves, least - 1)
    assert allocate(model, curves, least) == {"0": 2, "2": 1}


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("fraction", [0, 1.5, -0.5, float("nan")])
def test_fractions_of_channels_are_above_0_and_up_to_1(fraction):
    model, x = network("linear")
    with pytest.raises(ValueError, match="fractions: expected"):
        accuracy_curves(model, x, (x, torch.zeros(20, dtype=torch.int64)), (0.5, fraction))


@pytest.mark.usefixtures("without_shape_checks")
def test_what_curves_are_measured_with_is_checked():
    model, x = network("linear")
    for size, error in ((0, ValueError), (2.0, TypeError)):
        with pytest.raises(error, match="batch_size: expected an int of at least 1"):
            explained_curves(model, x, size)
    with pytest.raises(ValueError, match=r"inputs: .*NaN"):
        explained_curves(model, x * torch.nan)
    with pytest.raises(ValueError, match="model: expected evaluation mode"):
        explained_curves(network("linear")[0].train(), x)
    with pytest.raises(ValueError, match=r"inputs: .*NaN"):
        accuracy_curves(model, x * torch.nan, (x, torch.zeros(20, dtype=torch.int64)), [0.5])
