"""Every way to choose channels is what its source says, computed as slowly as it is said there."""

import itertools
from collections import Counter

import pytest
import torch
from least_squares import explained_by_rows, normal
from networks import randomize
from sklearn.linear_model import lars_path
from torch import nn
from torch.nn import functional as F
from traces import leaves_no_trace

from interpbook.pruning import CRITERIA, find_couplings, prune_structured
from interpbook.pruning.activations import input_of, moments, rows_of, weights_of
from interpbook.pruning.criteria import Layer, parts_of


def linear():
    return nn.Sequential(nn.Linear(6, 7), nn.ReLU(), nn.Linear(7, 4))


def convolutional():
    return nn.Sequential(nn.Conv2d(2, 5, 3), nn.ReLU(), nn.Conv2d(5, 3, 3, padding=1), nn.Flatten())


def flattened():
    return nn.Sequential(nn.Conv2d(2, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 4 * 4, 3))


NETWORKS = {"linear": (linear, (6,)), "convolutional": (convolutional, (2, 6, 6)), "flattened": (flattened, (2, 6, 6))}


def layer_of(name, examples=24, size=10, seed=0):
    """The first layer of a network, as criteria see it."""
    make, shape = NETWORKS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = randomize(make())
    x = normal(examples, *shape, seed=seed)
    coupling = find_couplings(model)[0]
    batches = x.split(size)
    with torch.no_grad():
        labels = [model(batch).argmax(1) for batch in batches]
        measured = moments(model, coupling, batches)
    return Layer(model, coupling, batches, labels, measured, torch.Generator().manual_seed(0))


def rows(layer):
    """B by channels, and W by channels."""
    with torch.no_grad():
        x = torch.cat([*layer.batches])
        B = rows_of(layer.consumer, input_of(layer.model, layer.coupling.consumer, x))
    channels = len(layer.producer.weight)
    return B.unflatten(1, (channels, -1)), weights_of(layer.consumer).unflatten(0, (channels, -1))


def parts(layer):
    """What each channel gives to the next layer's input: channels, rows, outputs."""
    B, W = rows(layer)
    return torch.stack([B[:, j] @ W[j] for j in range(len(W))])


def chosen(criterion, layer, k):
    with leaves_no_trace(layer.model, *layer.batches, layer.moments.gram, layer.moments.cross), torch.no_grad():
        kept = CRITERIA[criterion](layer, k)
    assert kept.shape == (k,)
    assert len(set(kept.tolist())) == k
    assert set(kept.tolist()) <= {*range(len(layer.producer.weight))}
    return kept.tolist()


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("name", NETWORKS)
def test_any_number_of_channels_can_be_chosen_and_nothing_is_left_behind(criterion, name):
    layer = layer_of(name)
    channels = len(layer.producer.weight)
    for k in (1, channels - 1, channels):
        chosen(criterion, layer, k)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_all_dead_channels_but_one_can_be_chosen_of(criterion):
    layer = layer_of("linear")
    with torch.no_grad():
        layer.producer.weight[1:] = 0
        layer.producer.bias[1:] = -1
        dead = moments(layer.model, layer.coupling, layer.batches)
    layer = Layer(layer.model, layer.coupling, layer.batches, layer.labels, dead, layer.generator)
    assert len(chosen(criterion, layer, 3)) == 3
    if criterion != "random":
        assert 0 in chosen(criterion, layer, 3)


@pytest.mark.parametrize("name", NETWORKS)
def test_parts_are_the_inner_products_of_what_channels_give_to_the_next_layer(name):
    layer = layer_of(name)
    each = parts(layer).flatten(1)
    inner, onto = parts_of(layer)
    torch.testing.assert_close(inner, each @ each.T, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(onto, each @ each.sum(0), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", NETWORKS)
def test_greedy_takes_what_explains_most_beside_what_was_taken(name):
    layer = layer_of(name, examples=100)
    B, W = rows(layer)
    T = parts(layer).sum(0)

    def score(channels):
        columns = B[:, channels].flatten(1)
        return explained_by_rows(columns, T, [*range(columns.shape[1])])

    picks = []
    for _ in range(3):
        left = [j for j in range(len(W)) if j not in picks]
        picks.append(max(left, key=lambda j: score([*picks, j])))
    assert chosen("greedy", layer, 3) == picks


@pytest.mark.parametrize("name", NETWORKS)
def test_alone_takes_what_explains_most_without_the_others(name):
    layer = layer_of(name)
    B, W = rows(layer)
    T = torch.einsum("ncr,crm->nm", B, W)
    values = [explained_by_rows(B[:, channel], T, range(B.shape[2])) for channel in range(B.shape[1])]
    order = torch.tensor(values).argsort(descending=True).tolist()
    for k in range(1, len(order) + 1):
        assert chosen("alone", layer, k) == order[:k]


@pytest.mark.parametrize("name", NETWORKS)
def test_part_norm_takes_the_largest_parts(name):
    layer = layer_of(name)
    order = parts(layer).square().sum((1, 2)).argsort(descending=True).tolist()
    assert chosen("part_norm", layer, 3) == order[:3]


@pytest.mark.parametrize("name", NETWORKS)
def test_weight_norm_takes_the_largest_sums_of_absolute_weights(name):
    layer = layer_of(name)
    norms = {j: sum(abs(w) for w in row.flatten().tolist()) for j, row in enumerate(layer.producer.weight)}
    assert chosen("weight_norm", layer, 4) == sorted(norms, key=norms.get, reverse=True)[:4]


def by_example(layer):
    """|sum over positions of a g| by channel, averaged over examples, by autograd one example at a time."""
    modules = [*layer.model]
    at = modules.index(layer.consumer)
    scores = []
    for x, y in zip(torch.cat([*layer.batches]), torch.cat([*layer.labels]), strict=True):
        inner = nn.Sequential(*modules[:at])(x[None]).detach().requires_grad_()
        (gradient,) = torch.autograd.grad(F.cross_entropy(nn.Sequential(*modules[at:])(inner), y[None]), inner)
        product = (inner * gradient).detach().reshape(len(layer.producer.weight), -1)
        scores.append(product.sum(1).abs())
    return torch.stack(scores).mean(0)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [1, 7, 24])
def test_activation_gradient_is_autograd_one_example_at_a_time(name, size):
    layer = layer_of(name, size=size)
    scores = by_example(layer)
    assert chosen("activation_gradient", layer, len(scores)) == scores.argsort(descending=True).tolist()


def test_activation_gradient_is_how_a_nearly_linear_loss_changes_without_a_channel():
    layer = layer_of("linear")
    with torch.no_grad():
        layer.consumer.weight *= 1e-7
    x, y = torch.cat([*layer.batches]), torch.cat([*layer.labels])
    changes = []
    with torch.no_grad():
        inner = layer.model[:2](x)
        whole = F.cross_entropy(layer.model[2](inner), y, reduction="none")
        for j in range(7):
            without = inner.clone()
            without[:, j] = 0
            changes.append((F.cross_entropy(layer.model[2](without), y, reduction="none") - whole).abs().mean())
    torch.testing.assert_close(by_example(layer), torch.stack(changes), rtol=1e-5, atol=1e-14)
    assert chosen("activation_gradient", layer, 7) == torch.stack(changes).argsort(descending=True).tolist()


def sensitivities(layer):
    """By loops: the largest share of a channel of the positive or the negative parts of any input of the next layer."""
    largest = [0.0] * len(layer.producer.weight)
    for row in parts(layer).flatten(1).T.tolist():
        for sign in (1, -1):
            own = [max(sign * value, 0.0) for value in row]
            if sum(own) > 0:
                largest = [max(old, value / sum(own)) for old, value in zip(largest, own, strict=True)]
    return largest


def unlike(layer):
    """The same with channels that all reach everything, and each less than the one before it."""
    with torch.no_grad():
        layer.producer.bias += 3
        layer.consumer.weight.abs_()
        layer.consumer.weight[1::2] *= -1
        channels = len(layer.producer.weight)
        shape = (channels, *[1] * (layer.producer.weight.dim() - 1))
        factors = 4.0 ** -torch.arange(channels, dtype=torch.float64)
        layer.producer.weight *= factors.reshape(shape)
        layer.producer.bias *= factors
    return layer


@pytest.mark.parametrize("name", NETWORKS)
def test_sampling_draws_by_sensitivity(name, monkeypatch):
    layer = unlike(layer_of(name, examples=6, size=4))
    chances = torch.tensor(sensitivities(layer))
    assert float(chances.min()) < 0.3 < float(chances.max())
    seen = []
    draw = torch.Tensor.multinomial

    def watch(self, k, **options):
        seen.append(self)
        return draw(self, k, **options)

    monkeypatch.setattr(torch.Tensor, "multinomial", watch)
    chosen("sampling", layer, 2)
    torch.testing.assert_close(seen[0], chances.double(), rtol=1e-5, atol=1e-6)


def test_sampling_draws_as_often_as_the_probabilities_say_without_replacement():
    layer = unlike(layer_of("linear", examples=3))
    chances = sensitivities(layer)
    total, times = sum(chances), 1500
    expected = Counter()
    for first, second in itertools.permutations(range(7), 2):
        expected[frozenset((first, second))] += chances[first] / total * chances[second] / (total - chances[first])
    drawn = Counter(frozenset(CRITERIA["sampling"](layer, 2).tolist()) for _ in range(times))
    for pair, chance in expected.items():
        assert abs(drawn[pair] - times * chance) < 4.5 * (times * chance * (1 - chance)) ** 0.5 + 1


def test_random_draws_all_sets_alike():
    layer, times = layer_of("convolutional", examples=2), 3000
    drawn = Counter(frozenset(CRITERIA["random"](layer, 2).tolist()) for _ in range(times))
    assert len(drawn) == 10
    for count in drawn.values():
        assert abs(count - times / 10) < 4.5 * (times * 0.09) ** 0.5


@pytest.mark.parametrize("criterion", ["random", "sampling"])
def test_draws_come_from_the_generator_alone(criterion):
    layer, again = layer_of("linear"), layer_of("linear")
    first = [chosen(criterion, layer, 3) for _ in range(5)]
    assert first == [chosen(criterion, again, 3) for _ in range(5)]
    again.generator.manual_seed(1)
    assert first != [chosen(criterion, again, 3) for _ in range(5)]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", range(2))
def test_removal_removes_what_leaves_the_least_error_each_time(name, seed):
    layer = layer_of(name, seed=seed)
    each = parts(layer)
    removed = []
    for k in range(len(each) - 1, 0, -1):
        left = [j for j in range(len(each)) if j not in removed]
        removed.append(min(left, key=lambda j: float(each[[*removed, j]].sum(0).square().sum())))
        assert set(chosen("removal", layer, k)) == {*range(len(each))} - {*removed}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", range(2))
def test_lasso_keeps_the_first_k_that_are_together_on_the_path_of_rows(name, seed):
    layer = layer_of(name, seed=seed)
    each = parts(layer).flatten(1)
    _, _, path = lars_path(each.T.numpy(), each.sum(0).numpy(), method="lasso", max_iter=10 * len(each))
    for k in range(1, len(each) + 1):
        first = next(beta for beta in path.T if (beta != 0).sum() >= k)
        assert (first != 0).sum() == k
        assert set(chosen("lasso", layer, k)) == {*first.nonzero()[0].tolist()}


def test_lasso_fills_up_where_the_path_ends_with_what_explains_most_alone():
    layer = layer_of("linear")
    with torch.no_grad():
        # Channels 0, 1 and 2 are one, channel 2 with half the weights: two of the three never come.
        layer.producer.weight[1:3] = layer.producer.weight[0]
        layer.producer.bias[1:3] = layer.producer.bias[0]
        layer.consumer.weight[:, 1] = layer.consumer.weight[:, 0]
        layer.consumer.weight[:, 2] = layer.consumer.weight[:, 0]
        copies = moments(layer.model, layer.coupling, layer.batches)
    layer = Layer(layer.model, layer.coupling, layer.batches, layer.labels, copies, layer.generator)
    for k in (4, 5, 6, 7):
        kept = chosen("lasso", layer, k)
        assert len({0, 1, 2} & {*kept}) == max(1, k - 4)


def test_batches_change_no_choice():
    for criterion in CRITERIA:
        for name in NETWORKS:
            choices = {tuple(chosen(criterion, layer_of(name, 100, size), 3)) for size in (1, 7, 100)}
            assert len(choices) == 1, (criterion, name)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_what_is_pruned_is_what_the_criterion_chose(criterion):
    layer = layer_of("convolutional", size=24)
    with leaves_no_trace(layer.model, *layer.batches):
        pruned = prune_structured(layer.model, layer.batches[0], {"0": 3}, criterion)
    assert pruned.kept["0"].tolist() == sorted(chosen(criterion, layer, 3))
