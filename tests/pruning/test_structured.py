"""Networks with fewer channels: against lstsq by hand, and what must not matter, does not."""

import copy
import itertools

import numpy as np
import pytest
import torch
from networks import randomize
from torch import nn
from traces import leaves_no_trace

from interpbook.models import MLP, SmallCNN
from interpbook.pruning import CRITERIA, Coupling, prune_structured
from interpbook.pruning.activations import rows_of, weights_of
from interpbook.pruning.structured import TARGETS

COUPLINGS = [Coupling("fc1", "fc2"), Coupling("fc2", "fc3"), Coupling("fc3", "fc")]


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def mlp(hidden=(9, 8, 7), seed=0, **options):
    return randomize(MLP(hidden, inputs=6, classes=3, seed=seed, **options), seed)


def images():
    """Convolutions with batch norms on both sides of the activation, flattened into a linear layer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        first = [nn.Conv2d(2, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU()]
        second = [nn.Conv2d(6, 5, 2, stride=2, bias=False), nn.ReLU(), nn.BatchNorm2d(5)]
        model = nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(45, 3))
    return randomize(model), normal(60, 2, 6, 6)


def vectors():
    return mlp(), normal(60, 6)


BOTH = pytest.mark.parametrize("case", [images, vectors])


def outputs(model, x):
    with torch.no_grad():
        return model(x)


def made_by(model, name, x):
    """What a module of a model makes when the model computes with x."""
    seen = []
    hook = model.get_submodule(name).register_forward_hook(lambda module, inputs, output: seen.append(output))
    try:
        outputs(model, x)
    finally:
        hook.remove()
    return seen[0]


def assert_same(first, second, tolerance=1e-10):
    """The same kept channels, shares and weights."""
    assert {name: kept.tolist() for name, kept in first.kept.items()} == {
        name: kept.tolist() for name, kept in second.kept.items()
    }
    assert first.explained == pytest.approx(second.explained, abs=tolerance)
    for one, other in zip(first.model.parameters(), second.model.parameters(), strict=True):
        assert torch.allclose(one, other, rtol=tolerance, atol=tolerance)


def solved_by_hand(model, x, kept, target):
    """A plain network with ReLU, layer by layer, with lstsq; its outputs and the shares that are explained."""
    layers = [module for module in model if isinstance(module, nn.Linear)]
    old = [layer.weight.detach().T for layer in layers]
    biases = [layer.bias.detach() for layer in layers]
    new, new_biases = [*old], [*biases]

    def reaching(weights, shifts, place):
        out = x
        for weight, shift in zip(weights[:place], shifts[:place], strict=True):
            out = (out @ weight + shift).relu()
        return out

    shares = {}
    for place, (name, channels) in enumerate(kept.items()):
        whole, pruned = reaching(old, biases, place + 1), reaching(new, new_biases, place + 1)
        B = whole if target == "layerwise" else pruned
        T = (pruned if target == "sequential" else whole) @ old[place + 1]
        best = torch.linalg.lstsq(B[:, channels], T).solution
        shares[name] = 1 - float((T - B[:, channels] @ best).square().sum() / T.square().sum())
        new[place], new_biases[place] = new[place][:, channels], biases[place][channels]
        new[place + 1] = best
    last = len(layers) - 1
    return reaching(new, new_biases, last) @ new[last] + biases[last], shares


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("method", ["greedy", "random"])
def test_weights_and_shares_are_those_of_lstsq_on_the_rows(target, method):
    model, x = vectors()
    pruned = prune_structured(model, x, {"fc1": 5, "fc2": 4, "fc3": 3}, method, target=target)
    expected, shares = solved_by_hand(model, x, pruned.kept, target)
    assert torch.allclose(outputs(pruned.model, x), expected, rtol=0, atol=1e-11)
    assert pruned.explained == pytest.approx(shares, abs=1e-12)


@pytest.mark.parametrize("reweight", [False, True])
def test_a_share_of_a_convolution_is_that_of_lstsq_on_its_patches(reweight):
    model, x = images()
    pruned = prune_structured(model, x, {"0": 3, "3": 2}, reweight=reweight, target="layerwise")
    for producer, consumer, group in (("0", "3", 4), ("3", "7", 9)):
        layer = model.get_submodule(consumer)
        B, W = rows_of(layer, outputs(model[: int(consumer)], x)), weights_of(layer)
        T = B @ W
        kept = B.unflatten(1, (-1, group))[:, pruned.kept[producer]].flatten(1)
        best = torch.linalg.lstsq(kept, T).solution
        share = 1 - float((T - kept @ best).square().sum() / T.square().sum())
        assert pruned.explained[producer] == pytest.approx(share, abs=1e-10)


@BOTH
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("reweight", [False, True])
@pytest.mark.parametrize("examples", [60, 2])
def test_all_channels_kept_leave_the_network_as_it_was(case, target, reweight, examples):
    model, x = case()
    for keep in (1, 1.0):
        pruned = prune_structured(model, x[:examples], keep, reweight=reweight, target=target)
        assert torch.allclose(outputs(pruned.model, x), outputs(model, x), rtol=0, atol=1e-11)
        assert pruned.parameters == (count(model), count(model)) == (count(pruned.model),) * 2
        assert [*pruned.explained.values()] == pytest.approx([1] * len(pruned.kept), abs=1e-10)


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


@BOTH
def test_of_one_layer_all_targets_are_the_same(case):
    model, x = case()
    for layer in ("0", "3") if case is images else ("fc1", "fc2", "fc3"):
        first, *others = (prune_structured(model, x, 0.5, target=target, layers=[layer]) for target in TARGETS)
        for other in others:
            assert_same(first, other, 1e-9)


@BOTH
@pytest.mark.parametrize("method", ["greedy", "weight_norm"])
def test_weights_that_are_solved_again_bring_the_next_layer_nearer(case, method):
    model, x = case()
    for layer, reader in (("0", "3"), ("3", "7")) if case is images else (("fc1", "fc2"), ("fc3", "fc")):
        errors = []
        for reweight in (True, False):
            small = prune_structured(model, x, 0.5, method, reweight, layers=[layer]).model
            errors.append(float((made_by(small, reader, x) - made_by(model, reader, x)).norm()))
        assert errors[0] < errors[1]


@pytest.mark.parametrize("seed", range(5))
def test_of_two_layers_with_the_same_channels_the_asymmetric_target_is_nearest_to_the_outputs(seed):
    # Up to the last solution all do the same, and that is the best for the error of the outputs by definition. With a
    # third layer no theorem says so: what is nearest before a ReLU need not be nearest behind it.
    model, x = mlp((9, 8), seed), normal(40, 6, seed=seed)
    errors = {}
    for target in TARGETS:
        small = prune_structured(model, x, 0.5, "random", target=target).model
        errors[target] = float((outputs(small, x) - outputs(model, x)).norm())
    assert errors["asymmetric"] < min(errors["sequential"], errors["layerwise"])


def test_without_new_weights_the_target_is_no_matter_of_the_network():
    model, x = vectors()
    small = [prune_structured(model, x, 0.5, "random", False, target=target).model for target in TARGETS]
    assert torch.equal(outputs(small[0], x), outputs(small[1], x))
    assert torch.equal(outputs(small[0], x), outputs(small[2], x))


def test_of_neurons_that_stand_twice_half_go_at_no_cost():
    model = mlp((10,))
    with torch.no_grad():
        for parameter in (model.fc1.weight, model.fc1.bias):
            parameter[5:] = parameter[:5]
    x = normal(50, 6)
    pruned = prune_structured(model, x, 0.5)
    assert sorted((pruned.kept["fc1"] % 5).tolist()) == [0, 1, 2, 3, 4]
    assert torch.allclose(outputs(pruned.model, x), outputs(model, x), rtol=0, atol=1e-12)
    assert pruned.explained["fc1"] == pytest.approx(1, abs=1e-12)
    other = normal(20, 6, seed=1)
    assert torch.allclose(outputs(pruned.model, other), outputs(model, other), rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", ["greedy", "activation_gradient", "sampling", "removal", "lasso"])
def test_neurons_that_are_never_on_go_first(method):
    model, x = vectors()
    with torch.no_grad():
        model.fc1.bias[[1, 4, 6]] = -100
    pruned = prune_structured(model, x, {"fc1": 6}, method)
    assert pruned.kept["fc1"].tolist() == [0, 2, 3, 5, 7, 8]
    assert torch.allclose(outputs(pruned.model, x), outputs(model, x), rtol=0, atol=1e-12)


def test_a_network_without_any_activation_is_explained_by_nothing():
    model, x = vectors()
    with torch.no_grad():
        model.fc2.bias.fill_(-100)
    pruned = prune_structured(model, x, {"fc2": 2})
    assert pruned.explained == {"fc2": 1.0}
    assert torch.equal(outputs(pruned.model, x), outputs(model, x))


@pytest.mark.parametrize("target", TARGETS)
def test_the_scale_of_a_neuron_changes_nothing(target):
    model, x = vectors()
    scaled = copy.deepcopy(model)
    factors = 10 ** normal(9)
    with torch.no_grad():
        scaled.fc1.weight.mul_(factors[:, None])
        scaled.fc1.bias.mul_(factors)
        scaled.fc2.weight.div_(factors)
    first, second = (prune_structured(each, x, 0.5, target=target) for each in (model, scaled))
    assert {name: kept.tolist() for name, kept in first.kept.items()} == {
        name: kept.tolist() for name, kept in second.kept.items()
    }
    assert torch.allclose(outputs(first.model, x), outputs(second.model, x), rtol=0, atol=1e-10)


def test_the_order_of_channels_changes_nothing():
    model, x = images()
    order = torch.tensor([3, 5, 0, 2, 1, 4])
    other = copy.deepcopy(model)
    with torch.no_grad():
        for part in [*other[0].parameters(), *other[1].parameters(), other[1].running_mean, other[1].running_var]:
            part.copy_(part[order])
        other[3].weight.copy_(other[3].weight[:, order])
    first, second = (prune_structured(each, x, 0.5) for each in (model, other))
    assert order[second.kept["0"]].sort().values.tolist() == first.kept["0"].tolist()
    assert torch.allclose(outputs(first.model, x), outputs(second.model, x), rtol=0, atol=1e-10)


@BOTH
@pytest.mark.parametrize("method", CRITERIA)
def test_neither_batches_nor_the_order_of_inputs_matter(case, method):
    model, x = case()
    x = x[:20]
    whole = prune_structured(model, x, 0.5, method)
    for size in (1, 7):
        assert_same(whole, prune_structured(model, x, 0.5, method, batch_size=size))
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    assert_same(whole, prune_structured(model, x[order], 0.5, method, batch_size=9))


@BOTH
@pytest.mark.parametrize("target", TARGETS)
def test_float32_is_float64_up_to_rounding(case, target):
    model, x = case()
    exact = prune_structured(model, x, 0.5, target=target)
    rounded = prune_structured(copy.deepcopy(model).float(), x.float(), 0.5, target=target)
    assert {parameter.dtype for parameter in rounded.model.parameters()} == {torch.float32}
    scale = outputs(model, x).abs().max()
    assert float((outputs(rounded.model, x.float()) - outputs(exact.model, x)).abs().max() / scale) < 1e-4


@pytest.mark.parametrize("method", CRITERIA)
@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_left_behind(method, target):
    model, x = images()
    model[0].weight.requires_grad_(False)
    labels = torch.zeros(60, dtype=torch.int64)
    with leaves_no_trace(model, x, labels):
        pruned = prune_structured(model, x, 0.5, method, target=target, labels=labels, batch_size=25)
    learns = [parameter.requires_grad for parameter in model.parameters()]
    assert [parameter.requires_grad for parameter in pruned.model.parameters()] == learns
    memory = {parameter.data_ptr() for parameter in [*model.parameters(), *model.buffers()]}
    assert memory.isdisjoint(parameter.data_ptr() for parameter in pruned.model.parameters())


class Interrupted(Exception):
    """A model gives up."""


class GivesUp(nn.Module):
    """A model that computes a few times."""

    def __init__(self, model, times):
        super().__init__()
        self.model, self.times = model, times

    def forward(self, x):
        self.times -= 1
        if self.times < 0:
            raise Interrupted
        return self.model(x)


@pytest.mark.parametrize("method", ["greedy", "activation_gradient", "sampling"])
def test_nothing_is_left_behind_when_the_model_gives_up(method):
    inner, x = images()
    for times in range(2, 8):
        model = GivesUp(inner, times).eval()
        with leaves_no_trace(model, x), pytest.raises(Interrupted):
            prune_structured(model, x, 0.5, method, target="layerwise", batch_size=20)


@pytest.mark.parametrize("method", ["random", "sampling"])
def test_draws_are_those_of_the_generator(method):
    model, x = vectors()

    def drawn(seed):
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        kept = prune_structured(model, x, 0.5, method, generator=generator).kept
        return [channels.tolist() for channels in kept.values()]

    assert drawn(None) == drawn(None) == drawn(0)
    assert drawn(1) == drawn(1)
    assert len({str(drawn(seed)) for seed in range(5)}) > 1


@pytest.mark.usefixtures("without_shape_checks")
def test_the_classes_are_those_that_the_network_predicts_unless_told():
    model, x = vectors()
    model.fc.bias.data -= outputs(model, x).mean(0)
    predicted = outputs(model, x).argmax(1)
    assert len(predicted.unique()) == 3
    default = prune_structured(model, x, 0.5, "activation_gradient")
    for labels in (predicted, predicted.tolist(), predicted.to(torch.int32).numpy()):
        assert_same(default, prune_structured(model, x, 0.5, "activation_gradient", labels=labels, batch_size=7))
    other = prune_structured(model, x, 0.5, "activation_gradient", labels=(predicted + 1) % 3)
    assert any(not torch.equal(other.kept[name], kept) for name, kept in default.kept.items())


@pytest.mark.parametrize("method", CRITERIA)
def test_one_example_is_enough(method):
    for model, x in (images(), vectors()):
        pruned = prune_structured(model, x[:1], 0.5, method)
        assert bool(torch.isfinite(outputs(pruned.model, x)).all())


@pytest.mark.parametrize("examples", [1, 2, 3])
def test_fewer_examples_than_channels_are_all_remembered(examples):
    model, x = mlp((9, 8), activation="tanh"), normal(examples, 6)
    pruned = prune_structured(model, x, {"fc1": 4, "fc2": 3})
    assert torch.allclose(outputs(pruned.model, x), outputs(model, x), rtol=0, atol=1e-9)
    assert pruned.explained == pytest.approx({"fc1": 1, "fc2": 1}, abs=1e-9)


def test_a_ridge_keeps_weights_near_to_the_old_ones():
    model, x = vectors()
    distances = []
    for ridge in (0.0, 0.01, 1.0, 1e9):
        pruned = prune_structured(model, x, {"fc3": 2}, ridge=ridge)
        old = model.fc.weight[:, pruned.kept["fc3"]]
        distances.append(float((pruned.model.fc.weight - old).detach().norm()))
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 1.1 * distances[2] > 0
    assert distances[-1] < 1e-6


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        (0.5, (4, 4, 4)),
        (1e-9, (1, 1, 1)),
        (np.float64(0.5), (4, 4, 4)),
        (np.float32(1), (9, 8, 7)),
        ({"fc2": 3}, (9, 3, 7)),
        ({"fc3": np.int64(2), "fc1": 9}, (9, 8, 2)),
    ],
)
def test_parameters_are_counted(keep, kept):
    model, x = vectors()
    with leaves_no_trace(model, x):
        pruned = prune_structured(model, x, keep)
    sizes = (6, *kept, 3)
    expected = sum((before + 1) * after for before, after in itertools.pairwise(sizes))
    assert pruned.parameters == (count(model), expected) == (230, count(pruned.model))
    assert {name: len(channels) for name, channels in pruned.kept.items()} == {
        f"fc{place}": size
        for place, size in enumerate(kept, start=1)
        if not isinstance(keep, dict) or f"fc{place}" in keep
    }
    assert all(bool((channels.diff() > 0).all()) for channels in pruned.kept.values())
    assert pruned.seconds > 0


def test_layers_that_are_not_named_keep_their_channels():
    model, x = vectors()
    pruned = prune_structured(model, x, 0.5, layers=["fc2"])
    assert [*pruned.kept] == ["fc2"]
    assert_same(pruned, prune_structured(model, x, {"fc2": 4}))
    assert_same(pruned, prune_structured(model, x, 0.5, couplings=COUPLINGS[1:2]))


class Chooses(MLP):
    """The same network, of which the way depends on the data: on no data torch.fx does not know it."""

    def forward(self, x):
        return super().forward(x) if bool(x.sum() > -1e9) else x


def test_where_the_way_depends_on_the_data_couplings_say_it():
    model, x = vectors()
    chooses = Chooses((9, 8, 7), inputs=6, classes=3).double().eval()
    chooses.load_state_dict(model.state_dict())
    with pytest.raises(ValueError, match=r"model: torch.fx cannot follow it, say `couplings=`"):
        prune_structured(chooses, x, 0.5)
    assert_same(prune_structured(model, x, 0.5), prune_structured(chooses, x, 0.5, couplings=iter(COUPLINGS)), 0)


class Several(nn.Module):
    """Returns more than logits."""

    def __init__(self):
        super().__init__()
        self.inner = mlp()

    def forward(self, x):
        return self.inner(x), x


def test_only_gradients_need_logits():
    model, x = Several().eval(), normal(60, 6)
    pruned = prune_structured(model, x, 0.5)
    assert torch.equal(pruned.model(x)[0], prune_structured(model.inner, x, 0.5).model(x))
    with pytest.raises(TypeError, match=r"model output: expected a floating tensor"):
        prune_structured(model, x, 0.5, "activation_gradient")


class Tokens(nn.Module):
    """Linear layers on every token, then the mean over tokens."""

    def __init__(self):
        super().__init__()
        self.inner = mlp((9,))[1:]

    def forward(self, x):
        return self.inner(x).mean(1)


def test_the_gradient_of_a_token_is_that_of_its_own_neuron():
    model, x = Tokens().eval(), normal(30, 5, 6)
    labels = outputs(model, x).argmax(1)
    scores = torch.zeros(9, dtype=torch.float64)
    for example, label in zip(x, labels, strict=True):
        hidden = outputs(model.inner[:2], example).requires_grad_()
        logits = model.inner.fc(hidden).mean(0)
        nn.functional.cross_entropy(logits, label).backward()
        scores += (hidden * hidden.grad).detach().sum(0).abs()
    pruned = prune_structured(model, x, {"inner.fc1": 4}, "activation_gradient")
    assert pruned.kept["inner.fc1"].tolist() == sorted(scores.topk(4).indices.tolist())


@BOTH
@pytest.mark.parametrize("method", ["greedy", "weight_norm", "activation_gradient", "removal", "lasso"])
@pytest.mark.parametrize("target", TARGETS)
def test_new_tensors_are_where_the_model_is(case, method, target):
    # A tensor that is made without saying where would be of another device than the model's, and not work with it.
    model, x = case()
    expected = prune_structured(model, x, 0.5, method, target=target)
    with torch.device("meta"):
        assert_same(expected, prune_structured(model, x, 0.5, method, target=target), 0)


def nan_at(place):
    x = normal(60, 6)
    x[place] = torch.nan
    return x


BAD = {
    "keep 0": ({"keep": 0}, ValueError, r"keep: expected a fraction in \(0, 1\] .*got 0"),
    "keep 1.5": ({"keep": 1.5}, ValueError, r"keep: expected a fraction in \(0, 1\] .*got 1.5"),
    "keep 3": ({"keep": 3}, ValueError, r"keep: expected a fraction in \(0, 1\] .*got 3"),
    "keep NaN": ({"keep": float("nan")}, ValueError, r"keep: expected a finite number, got nan"),
    "keep True": ({"keep": True}, TypeError, r"keep: expected a finite number, got True"),
    "keep a tensor": ({"keep": torch.tensor(0.5)}, TypeError, r"keep: expected a finite number, got tensor"),
    "keep None": ({"keep": None}, TypeError, r"keep: expected a finite number, got None"),
    "keep nothing": ({"keep": {}}, ValueError, r"keep: expected at least one layer .*got none"),
    "keep of no layer": ({"keep": {"x": 3}}, ValueError, r"x: the model computes with no such layer"),
    "keep of the last": ({"keep": {"fc": 3}}, ValueError, r"fc: its output is an output of the model"),
    "keep no channel": ({"keep": {"fc1": 0}}, ValueError, r"keep\['fc1'\]: expected an int of at least 1, got 0"),
    "keep too many": ({"keep": {"fc1": 10}}, ValueError, r"keep: expected from 1 to 9 channels of fc1, got 10"),
    "keep a part": ({"keep": {"fc1": 0.5}}, TypeError, r"keep\['fc1'\]: expected an int of at least 1, got 0.5"),
    "keep beside layers": (
        {"keep": {"fc2": 3}, "layers": ["fc1"]},
        ValueError,
        r"keep: expected names .*\['fc1'\], got 'fc2'",
    ),
    "method": (
        {"method": "best"},
        ValueError,
        r"method: expected one of greedy, greedy_untargeted, alone, part_norm, random, .*got 'best'",
    ),
    "target": ({"target": "none"}, ValueError, r"target: expected one of layerwise, .*got 'none'"),
    "ridge": ({"ridge": -1.0}, ValueError, r"ridge: expected a finite number of at least 0, got -1"),
    "batch_size": ({"batch_size": 0}, ValueError, r"batch_size: expected an int of at least 1, got 0"),
    "generator": ({"generator": 3}, TypeError, r"generator: expected a torch.Generator or None, got int"),
    "layers a string": ({"layers": "fc1"}, TypeError, r"layers: expected a list of names, got 'fc1'"),
    "layers unknown": ({"layers": ["fc9"]}, ValueError, r"layers: fc9: the model computes with no such layer"),
    "layers empty": ({"layers": []}, ValueError, r"layers, keep: expected at least one layer .*got none"),
    "layers and couplings": (
        {"layers": ["fc1"], "couplings": COUPLINGS},
        ValueError,
        r"layers: expected none beside couplings",
    ),
    "couplings empty": ({"couplings": []}, ValueError, r"couplings: expected at least one"),
    "labels too few": (
        {"method": "activation_gradient", "labels": torch.zeros(59, dtype=torch.int64)},
        ValueError,
        r"labels: expected one class per example, shape \(60,\), got \(59,\)",
    ),
    "labels no class": (
        {"method": "activation_gradient", "labels": torch.full((60,), 3)},
        ValueError,
        r"labels: expected classes from 0 to 2, got 3",
    ),
    "labels no integers": (
        {"method": "activation_gradient", "labels": torch.zeros(60)},
        TypeError,
        r"labels: expected an integer tensor",
    ),
    "inputs NaN": ({"inputs": nan_at(3)}, ValueError, r"inputs: expected finite values, got 6 NaN"),
    "inputs whole numbers": ({"inputs": torch.ones(60, 6).long()}, TypeError, r"inputs: expected a floating tensor"),
    "inputs a list": ({"inputs": [[1.0] * 6]}, TypeError, r"inputs: expected a floating tensor .*got list"),
    "inputs none": ({"inputs": normal(0, 6)}, ValueError, r"inputs: expected at least one example"),
    "inputs of another size": (
        {"inputs": normal(60, 5)},
        ValueError,
        r"inputs: expected a shape that the model takes, got \(1, 5\)",
    ),
    "inputs of another dtype": (
        {"inputs": normal(60, 6).float()},
        ValueError,
        r"inputs: expected dtype torch.float64, that of the model's parameters, got torch.float32",
    ),
    "model a function": ({"model": normal}, TypeError, r"model: expected a torch.nn.Module, got function"),
}


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_done_is_refused_by_its_name(name):
    wrong, error, message = BAD[name]
    model, x = vectors()
    with leaves_no_trace(model, x), pytest.raises(error, match=message):
        prune_structured(**{"model": model, "inputs": x, "keep": 0.5} | wrong)


def test_training_mode_is_refused():
    model, x = images()
    model[1].train()
    with leaves_no_trace(model, x), pytest.raises(ValueError, match=r"model: expected evaluation mode"):
        prune_structured(model, x, 0.5)


@pytest.mark.parametrize("method", CRITERIA)
def test_activations_that_are_not_finite_are_refused(method):
    model, x = vectors()
    with torch.no_grad():
        model.fc2.bias[3] = torch.inf
    with leaves_no_trace(model, x), pytest.raises(ValueError, match=r"(that reach fc3|model output): expected finite"):
        prune_structured(model, x, 0.5, method)


def test_the_books_network_is_cut_to_the_sizes_that_are_told():
    model = randomize(SmallCNN(batch_norm=True), dtype=torch.float32)
    x = torch.rand(16, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    pruned = prune_structured(model, x, 0.25)
    fresh = SmallCNN(batch_norm=True, channels=(2, 4, 8)).eval()
    fresh.load_state_dict(pruned.model.state_dict())
    assert torch.equal(outputs(fresh, x), outputs(pruned.model, x))
    assert pruned.parameters == (count(model), count(fresh))


@pytest.mark.parametrize("tokens", [8, 16])
def test_a_batch_norm_of_the_steps_of_a_sequence_is_refused_by_name(tokens):
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(tokens), nn.Linear(8, 2)).double().eval()
    with pytest.raises(ValueError, match=r"^0: expected that 1 treats its channels"):
        prune_structured(model, normal(5, tokens, 6), 0.5)
