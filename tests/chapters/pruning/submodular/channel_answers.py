"""Answers to the exercise on cutting channels out of a convolution and the linear layer behind it."""

import copy

import torch
from torch import nn


def cut(conv, fc, kept):
    small, behind = copy.deepcopy(conv), copy.deepcopy(fc)
    small.weight = nn.Parameter(conv.weight.detach()[kept])
    small.bias = nn.Parameter(conv.bias.detach()[kept])
    columns = fc.weight.detach().unflatten(1, (conv.out_channels, -1))
    behind.weight = nn.Parameter(columns[:, kept].flatten(1))
    small.out_channels, behind.in_features = len(kept), behind.weight.shape[1]
    return small, behind


def new_layers(conv, fc, kept, **other):
    """Layers made anew, and columns counted out."""
    positions = fc.in_features // conv.out_channels
    shape = {"kernel_size": conv.kernel_size, "stride": conv.stride, "padding": conv.padding, **other}
    small = nn.utils.skip_init(nn.Conv2d, conv.in_channels, len(kept), **shape)
    behind = nn.utils.skip_init(nn.Linear, len(kept) * positions, fc.out_features)
    places = [channel * positions + position for channel in kept.tolist() for position in range(positions)]
    with torch.no_grad():
        small.weight.copy_(conv.weight[kept])
        small.bias.copy_(conv.bias[kept])
        behind.weight.copy_(fc.weight[:, places])
        behind.bias.copy_(fc.bias)
    return small, behind


def ascending(conv, fc, kept):
    return cut(conv, fc, kept.sort().values)


def in_float64(conv, fc, kept):
    return [layer.double() for layer in cut(conv, fc, kept)]


def with_a_mask(conv, fc, kept):
    keeps = torch.zeros(conv.out_channels, dtype=torch.bool)
    keeps[kept] = True
    small, behind = cut(conv, fc, keeps.nonzero().flatten())
    columns = keeps.repeat_interleave(fc.in_features // conv.out_channels)
    behind.weight.data = fc.weight.data[:, columns]
    return small, behind


def changed(*changes):
    """The right answer, with parts of it other than they should be: `small.bias=...`."""

    def answer(conv, fc, kept):
        small, behind = cut(conv, fc, kept)
        for change in changes:
            change(small, behind, conv, fc, kept)
        return small, behind

    return answer


def setting(layer, name, value):
    """A part of one of the two layers, by a function of the originals and the kept channels."""

    def change(small, behind, conv, fc, kept):
        made = value(conv, fc, kept)
        setattr((small, behind)[layer], name, made if made is None else nn.Parameter(made.detach().clone()))

    return change


def by_channel(conv, fc):
    return fc.weight.unflatten(1, (conv.out_channels, -1))


def others(conv, kept):
    return torch.tensor([i for i in range(conv.out_channels) if i not in kept.tolist()])


def positions_first(conv, fc, kept):
    return fc.weight.unflatten(1, (-1, conv.out_channels))[:, :, kept].flatten(1)


def one_column_each(small, behind, conv, fc, kept):
    behind.weight = nn.Parameter(fc.weight.detach()[:, kept])


def inputs_of_the_convolution(small, behind, conv, fc, kept):
    small.weight = nn.Parameter(conv.weight.detach()[kept][:, :1])


def outputs_of_fc(small, behind, conv, fc, kept):
    behind.weight = nn.Parameter(behind.weight.detach()[:2])


def zeros_only(conv, fc, kept):
    small, behind = copy.deepcopy(conv), copy.deepcopy(fc)
    small.weight.data[others(conv, kept)] = 0
    small.bias.data[others(conv, kept)] = 0
    return small, behind


def into_the_originals(conv, fc, kept):
    small, behind = cut(conv, fc, kept)
    conv.weight, conv.bias, fc.weight = small.weight, small.bias, behind.weight
    return conv, fc


def zeros_into_the_original(conv, fc, kept):
    small = cut(conv, fc, kept)
    fc.weight.data[0] = 0
    return small


def a_shared_bias(small, behind, conv, fc, kept):
    behind.bias = fc.bias


def a_view(conv, fc, kept):
    """A slice shares the memory of what it is taken from."""
    small, behind = cut(conv, fc, kept)
    small.weight = nn.Parameter(conv.weight.detach()[: len(kept)])
    return small, behind


def stale_sizes(small, behind, conv, fc, kept):
    small.out_channels, behind.in_features = conv.out_channels, fc.in_features


RIGHT = {
    "cut_flattened": {
        "by channel": cut,
        "new layers": new_layers,
        "in ascending order": ascending,
        "float64, a list": in_float64,
        "with a mask": with_a_mask,
    },
}

WRONG = {
    "cut_flattened": {
        "positions first": (changed(setting(1, "weight", positions_first)), "it is the other way around"),
        "the first columns": (
            changed(setting(1, "weight", lambda conv, fc, kept: by_channel(conv, fc)[:, : len(kept)].flatten(1))),
            "fc.weight holds its first columns",
        ),
        "one column for each channel": (changed(one_column_each), "each channel has 36 positions, and as many columns"),
        "the others": (lambda conv, fc, kept: cut(conv, fc, others(conv, kept)), "holds the channels [1, 3]"),
        "the first channels": (
            lambda conv, fc, kept: cut(conv, fc, torch.arange(len(kept))),
            "holds the channels [0, 1]",
        ),
        "inputs, not outputs": (changed(inputs_of_the_convolution), "you cut the inputs of the convolution"),
        "outputs of fc": (changed(outputs_of_fc), "you cut the outputs of the linear layer"),
        "no bias": (changed(setting(0, "bias", lambda conv, fc, kept: None)), "conv has a bias, and its copy has none"),
        "a bias of zeros": (
            changed(setting(0, "bias", lambda conv, fc, kept: 0 * conv.bias[kept])),
            "the bias of conv is not that of the channels [0, 2]",
        ),
        "the first biases": (
            changed(setting(0, "bias", lambda conv, fc, kept: conv.bias[: len(kept)])),
            "the bias of conv is not that",
        ),
        "no bias of fc": (changed(setting(1, "bias", lambda conv, fc, kept: None)), "fc has a bias, and its copy"),
        "a new bias of fc": (changed(setting(1, "bias", lambda conv, fc, kept: fc.bias + 1)), "fc.bias stays"),
        "two orders": (
            changed(
                setting(1, "weight", lambda conv, fc, kept: by_channel(conv, fc)[:, kept.sort().values].flatten(1))
            ),
            "in the order [4, 0, 3], and fc.weight in another",
        ),
        "two orders, the other way around": (
            lambda conv, fc, kept: (ascending(conv, fc, kept)[0], cut(conv, fc, kept)[1]),
            "in the order [0, 3, 4], and fc.weight in another",
        ),
        "rescaled": (
            changed(setting(1, "weight", lambda conv, fc, kept: 2 * by_channel(conv, fc)[:, kept].flatten(1))),
            "away from what it should be",
        ),
        "new weights": (
            changed(setting(0, "weight", lambda conv, fc, kept: 2 * conv.weight[kept])),
            "not those of any channel",
        ),
        "zeros": (zeros_only, "zeros are no smaller than other numbers"),
        "one channel too few": (lambda conv, fc, kept: cut(conv, fc, kept[:-1]), "makes 1 channels, and should make 2"),
        "no padding": (
            lambda conv, fc, kept: new_layers(conv, fc, kept, padding=0),
            "another kernel, stride or padding",
        ),
        "further apart": (
            lambda conv, fc, kept: new_layers(conv, fc, kept, dilation=2),
            "your two layers do not fit to each other",
        ),
        "the originals": (into_the_originals, "`conv` is not what it was before"),
        "zeros in the original": (zeros_into_the_original, "`fc` is not what it was before"),
        "the layers as they are": (lambda conv, fc, kept: (conv, fc), "lies in the memory of the original"),
        "a shared bias": (changed(a_shared_bias), "`bias` of what you return for `fc`"),
        "a slice": (a_view, "`weight` of what you return for `conv`"),
        "stale sizes": (changed(stale_sizes), "`out_channels` is 4 and `in_features` 144"),
        "the other way around": (lambda *given: cut(*given)[::-1], "come in the other order"),
        "weights": (lambda *given: [layer.weight for layer in cut(*given)], "and returns Parameter and Parameter"),
        "a sequence": (lambda *given: nn.Sequential(*cut(*given), nn.ReLU()), "should return two layers"),
        "one layer": (lambda *given: cut(*given)[0], "should return two layers"),
    },
}
