"""Which layers are found to belong together, and which are left alone or refused by name."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, prune
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from interpbook.models import MLP, SmallCNN, small_image_resnet18
from interpbook.pruning import Coupling, find_couplings
from interpbook.pruning.coupling import check_couplings


class Parts(nn.Module):
    """Named modules, and a function of the modules and an input."""

    def __init__(self, forward, **modules):
        super().__init__()
        self.compute = forward
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x):
        return self.compute(self, x)


class OwnLinear(nn.Linear):
    """What it does with its weight is not known from its class."""

    def forward(self, x):
        return F.linear(x, self.weight.abs(), self.bias)


def names(couplings):
    return [(coupling.producer, coupling.consumer) for coupling in couplings]


def linear(inside=6):
    return nn.Linear(inside, 6)


def conv(inside=4, **options):
    return nn.Conv2d(inside, 4, 3, padding=1, **options)


def test_a_plain_sequence_loses_channels_in_all_layers_but_the_last():
    assert find_couplings(MLP(hidden=(5, 4), inputs=3)) == [Coupling("fc1", "fc2"), Coupling("fc2", "fc")]
    assert find_couplings(MLP(hidden=(5,), inputs=3, activation=nn.GELU)) == [Coupling("fc1", "fc")]


@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_group_has_the_places_of_a_kernel_or_of_a_flattened_image(batch_norm):
    norms = [(f"bn{place}",) if batch_norm else () for place in (1, 2, 3)]
    assert find_couplings(SmallCNN(batch_norm=batch_norm)) == [
        Coupling("conv1", "conv2", 9, norms[0]),
        Coupling("conv2", "conv3", 9, norms[1]),
        Coupling("conv3", "fc", 49, norms[2]),
    ]


def test_layers_choose_among_them_and_the_order_stays_the_networks():
    model = SmallCNN()
    assert names(find_couplings(model, ["conv3", "conv1"])) == [("conv1", "conv2"), ("conv3", "fc")]
    assert find_couplings(model, []) == []
    with pytest.raises(ValueError, match=r"layers: fc: its output is an output of the model"):
        find_couplings(model, ["fc"])
    with pytest.raises(ValueError, match=r"layers: act1: the model computes with no such layer"):
        find_couplings(model, ["conv1", "act1"])


def residual(block, layers=(1, 1, 1, 1)):
    with torch.random.fork_rng(devices=[]):
        return ResNet(block, [*layers])


def test_of_residual_blocks_the_inner_convolutions_are_found():
    blocks = [f"layer{stage}.{place}" for stage in (1, 2, 3, 4) for place in (0, 1)]
    found = find_couplings(small_image_resnet18())
    assert found == [Coupling(f"{block}.conv1", f"{block}.conv2", 9, (f"{block}.bn1",)) for block in blocks]


def test_a_bottleneck_has_two_inner_convolutions_and_one_in_groups_is_refused_by_name():
    found = find_couplings(residual(Bottleneck, (1, 2, 1, 1)))
    assert names(found)[:2] == [("layer1.0.conv1", "layer1.0.conv2"), ("layer1.0.conv2", "layer1.0.conv3")]
    assert [coupling.group for coupling in found] == [9, 1] * 5
    with torch.random.fork_rng(devices=[]):
        grouped = ResNet(Bottleneck, [1, 1, 1, 1], groups=2, width_per_group=4)
    with pytest.raises(ValueError, match=r"layer1\.0\.conv1: layer1\.0\.conv2 is a convolution in 2 groups"):
        find_couplings(grouped)


FOUND = {
    "functions": Parts(
        lambda m, x: m.fc(torch.flatten(F.max_pool2d(F.relu(m.bn(m.conv(x))), 2), 1)),
        conv=conv(1),
        bn=nn.BatchNorm2d(4),
        fc=nn.Linear(16, 2),
    ),
    "methods": Parts(lambda m, x: m.fc(m.conv(x).relu().flatten(1)), conv=conv(1), fc=nn.Linear(64, 2)),
    "a norm behind flatten": nn.Sequential(conv(1), nn.Flatten(), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 2)),
    "two norms": nn.Sequential(conv(1), nn.BatchNorm2d(4), nn.ReLU(), nn.BatchNorm2d(4), conv()),
    "modules in modules": nn.Sequential(nn.Sequential(linear(3), nn.ReLU()), nn.Sequential(nn.Dropout(), linear())),
    "a dropout of channels": nn.Sequential(linear(3), nn.Dropout1d(), linear()),
    "an activation used twice": Parts(
        lambda m, x: m.c(m.act(m.b(m.act(m.a(x))))), a=linear(3), act=nn.ReLU(), b=linear(), c=linear()
    ),
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("functions", [Coupling("conv", "fc", 4, ("bn",))]),
        ("methods", [Coupling("conv", "fc", 16)]),
        ("a norm behind flatten", [Coupling("0", "4", 16, ("2",))]),
        ("two norms", [Coupling("0", "4", 9, ("1", "3"))]),
        ("modules in modules", [Coupling("0.0", "1.1")]),
        ("a dropout of channels", [Coupling("0", "2")]),
        ("an activation used twice", [Coupling("a", "b"), Coupling("b", "c")]),
    ],
)
def test_what_treats_channels_one_by_one_is_followed(name, expected):
    assert find_couplings(FOUND[name]) == expected


# What stands between two convolutions or linear layers, and how a refusal names it.
REFUSED = {
    "group norm": (nn.Sequential(conv(1), nn.GroupNorm(2, 4), conv()), r"0: .*1 \(GroupNorm\)"),
    "layer norm": (nn.Sequential(linear(3), nn.LayerNorm(6), linear()), r"0: .*1 \(LayerNorm\)"),
    "softmax": (nn.Sequential(linear(3), nn.Softmax(1), linear()), r"0: .*1 \(Softmax\)"),
    "transposed": (nn.Sequential(conv(1), nn.ConvTranspose2d(4, 4, 3), conv()), r"0: .*1 \(ConvTranspose2d\)"),
    "depthwise": (nn.Sequential(conv(1), conv(groups=4), conv()), r"0: 1 is a convolution in 4 groups"),
    "grouped producer": (nn.Sequential(conv(2, groups=2), conv()), r"0: 0 is a convolution in 2 groups"),
    "axes": (nn.Sequential(conv(1), nn.Linear(8, 3)), r"0: .*1 with its axes in another order"),
    "some axes": (nn.Sequential(conv(1), nn.Flatten(2), nn.Linear(64, 3)), r"0: .*1 \(Flatten\)"),
    "pooled features": (nn.Sequential(linear(3), nn.MaxPool2d(3, 1, 1), linear()), r"0: .*1 \(MaxPool2d\)"),
    "pooled tail": (nn.Sequential(conv(1), nn.Flatten(), nn.AvgPool2d(1), nn.Linear(64, 2)), r"0: .*2 \(AvgPool2d\)"),
    "flattened tokens": (
        nn.Sequential(linear(3), nn.Flatten(), nn.Linear(30, 2)),
        r"0: .*of 2 .*do not stand together",
    ),
    "twice": (
        Parts(lambda m, x: m.c(m.a(m.a(x))), a=linear(), c=linear()),
        r"a: the model computes with it more than once",
    ),
    "consumer twice": (
        Parts(lambda m, x: m.b(m.b(m.a(x))), a=linear(3), b=linear()),
        r"a: the model computes with b, which reads it, more than once",
    ),
    "norm twice": (
        Parts(lambda m, x: m.b(m.n(m.n(m.a(x)))), a=linear(3), n=nn.BatchNorm1d(6), b=linear()),
        r"a: the model computes with n, which reads it, more than once",
    ),
    "arithmetic": (Parts(lambda m, x: m.b(2 * m.a(x)), a=linear(3), b=linear()), r"a: .*into mul"),
    "reshape": (Parts(lambda m, x: m.b(m.a(x).reshape(-1, 6)), a=linear(3), b=linear()), r"a: .*into reshape"),
    "a weight of its own": (
        nn.Sequential(linear(3), nn.ReLU(), OwnLinear(6, 2)),
        r"0: its output meets another in linear",
    ),
    "parametrized producer": (nn.Sequential(parametrizations.weight_norm(linear(3)), linear()), r"0: the weight of 0 "),
    "parametrized consumer": (nn.Sequential(linear(3), parametrizations.orthogonal(linear())), r"0: the weight of 1 "),
    "masked weight": (nn.Sequential(linear(3), prune.l1_unstructured(linear(), "weight", 3)), r"0: the weight of 1 "),
    "masked bias": (nn.Sequential(prune.l1_unstructured(linear(3), "bias", 3), linear()), r"0: the bias of 0 "),
    "single layer": (nn.Sequential(linear(3)), r"0: its output is an output of the model"),
    "no layer": (nn.Sequential(nn.ReLU()), r"model: it has no linear layer and no convolution"),
    "control flow": (
        Parts(lambda m, x: m.b(m.a(x)) if x.sum() > 0 else m.b(-m.a(x)), a=linear(3), b=linear()),
        r"model: torch.fx cannot follow it, say `couplings=`",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_understood_is_refused_by_its_name(name):
    model, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        find_couplings(model)


def test_branches_sums_and_concatenations_leave_their_layers_as_they_are():
    parts = {"a": linear(3), "a2": linear(3), "b": linear(), "c": linear(), "d": linear(), "wide": nn.Linear(12, 6)}

    def found(compute):
        return names(find_couplings(Parts(compute, **parts)))

    assert found(lambda m, x: m.c(m.b(m.a(x)) + m.d(m.a2(x)))) == [("a", "b"), ("a2", "d")]
    assert found(lambda m, x: m.c(m.a(x) + m.d(m.a2(x)))) == [("a2", "d")]
    assert found(lambda m, x: m.wide(torch.cat([m.a(x), m.d(m.a2(x))], 1))) == [("a2", "d")]

    def skip(m, x):
        y = m.a(x)
        return m.c(y + m.d(m.b(y)))

    assert found(skip) == [("b", "d")]
    with pytest.raises(ValueError, match=r"layers: a: its output goes 2 ways"):
        find_couplings(Parts(skip, **parts), ["a"])
    with pytest.raises(ValueError, match=r"layers: d: its output meets another in add"):
        find_couplings(Parts(skip, **parts), ["d"])


def test_a_refused_layer_keeps_no_other_from_being_named():
    model = nn.Sequential(conv(1), nn.GroupNorm(2, 4), conv(), nn.ReLU(), conv())
    with pytest.raises(ValueError, match=r"0: .*GroupNorm"):
        find_couplings(model)
    assert find_couplings(model, ["2"]) == [Coupling("2", "4", 9)]


def test_a_module_under_two_names_has_its_first():
    shared = nn.ReLU()
    model = nn.Sequential(linear(3), shared, linear(), shared, linear())
    assert names(find_couplings(model)) == [("0", "2"), ("2", "4")]


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("couplings", "error", "message"),
    [
        ([], ValueError, r"couplings: expected at least one"),
        ([("0", "2")], TypeError, r"couplings: expected Coupling\(producer, consumer, group\), got \('0', '2'\)"),
        ([Coupling("0", "9")], ValueError, r"couplings: expected names of modules of the model, got '9'"),
        ([Coupling("0", "2", 1, ("n",))], ValueError, r"expected names of modules of the model, got 'n'"),
        ([Coupling("0", "1")], ValueError, r"couplings: 0: expected linear layers .*got 1 \(ReLU\)"),
        ([Coupling("0", "2", 2)], ValueError, r"0: expected that 2 reads 6 channels of 2 inputs each, got 6 inputs"),
        ([Coupling("0", "4")], ValueError, r"0: expected that 4 reads 6 channels of 1 inputs each, got 5 inputs"),
        ([Coupling("0", "2", 1, ("1",))], ValueError, r"0: expected batch norms .*got 1 \(ReLU\)"),
        ([Coupling("0", "2", 1, ("5",))], ValueError, r"0: expected that 5 has features for 6 channels, got 7"),
        ([Coupling("0", "2"), Coupling("0", "2")], ValueError, r"expected each producer once, got '0' twice"),
        ([Coupling("0", "2"), Coupling("6", "2")], ValueError, r"expected each consumer once, got '2' twice"),
        ([Coupling("2", "4"), Coupling("0", "2")], ValueError, r"from front to back, got '2' before '0'"),
    ],
)
def test_couplings_that_do_not_fit_the_model_are_refused(couplings, error, message):
    layers = [linear(3), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2), nn.BatchNorm1d(7), linear(3)]
    with pytest.raises(error, match=message):
        check_couplings(couplings, nn.Sequential(*layers))


@pytest.mark.parametrize("model", [SmallCNN(batch_norm=True), residual(BasicBlock), FOUND["a norm behind flatten"]])
def test_what_is_found_passes_the_check_of_what_is_given(model):
    found = find_couplings(model)
    assert check_couplings(iter(found), model) == found


@pytest.mark.usefixtures("without_shape_checks")
def test_no_module_and_a_string_of_layers_are_the_wrong_kind():
    with pytest.raises(TypeError, match=r"model: expected a torch.nn.Module, got function"):
        find_couplings(names)
    with pytest.raises(TypeError, match=r"layers: expected a list of names, got 'fc1'"):
        find_couplings(MLP(), "fc1")


class Viewed(nn.Module):
    """A convolution that is flattened in the forward pass, in one of the ways in which people write it."""

    def __init__(self, flatten):
        super().__init__()
        self.conv, self.fc, self.flatten = nn.Conv2d(1, 3, 3), nn.Linear(3 * 4, 2), flatten

    def forward(self, x):
        return self.fc(self.flatten(torch.relu(self.conv(x))))


@pytest.mark.parametrize(
    "flatten",
    [
        lambda x: x.view(x.size(0), -1),
        lambda x: x.reshape(x.shape[0], -1),
        lambda x: x.view(x.size()[0], -1),
        lambda x: x.flatten(1),
    ],
)
def test_a_view_by_the_batch_size_flattens(flatten):
    assert find_couplings(Viewed(flatten)) == [Coupling("conv", "fc", group=4)]


@pytest.mark.parametrize("flatten", [lambda x: x.view(-1, 12), lambda x: x.view(x.size(1) // 3, -1)])
def test_another_view_is_refused_by_the_name_of_the_layer(flatten):
    with pytest.raises(ValueError, match=r"^conv: its output"):
        find_couplings(Viewed(flatten))


class Scaled(nn.Module):
    """The output is scaled by a width that pruning would change."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(6, 20), nn.Linear(20, 2)

    def forward(self, x):
        hidden = torch.relu(self.fc1(x))
        return self.fc2(hidden) * hidden.shape[1] ** -0.5


def test_a_network_that_asks_for_its_own_width_is_not_followed():
    with pytest.raises(ValueError, match=r"^fc1: its output goes 2 ways"):
        find_couplings(Scaled())


def test_weights_that_two_layers_share_are_refused_by_name():
    model = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 2))
    model[2].weight = model[0].weight
    with pytest.raises(ValueError, match=r"the weight of 0 is that of 2, too"):
        find_couplings(model)
