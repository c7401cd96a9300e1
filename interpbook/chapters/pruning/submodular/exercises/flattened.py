"""Channels cut out of a convolution and out of the linear layer behind it, with a flatten between the two."""

import copy
from collections.abc import Callable
from itertools import permutations
from typing import Any

import torch
from torch import Tensor, nn

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function

# Channels in and out, outputs, padding, stride, kept channels; images are 6 x 6.
CASES = ((2, 4, 3, 1, 1, (0, 2)), (1, 5, 2, 0, 1, (4, 0, 3)), (3, 3, 4, 1, 2, (2,)))
SIDE = 6
_SIZES = "print your two layers, and the shapes of their weights"
_COPY = "begin with copy.deepcopy, or with a new layer"
_NUDGE = "run one image through both: `flatten` writes out all positions of channel 0, then all of channel 1, ..."
_FORMULA = (
    "rows `kept` of conv.weight and conv.bias; "
    "fc.weight.unflatten(1, (conv.out_channels, -1))[:, kept].flatten(1); fc.bias as it is"
)

Layers = tuple[nn.Conv2d, nn.Linear]


@exercise(rating=2, minutes=20)
def cut_flattened(answer: Callable[..., object]) -> str:
    """A function of `conv, fc, kept (k,)`: smaller copies of both layers, with the kept channels alone."""
    expect_function(answer)
    for *sizes, kept in CASES:
        _check_cut(answer, sizes, torch.tensor(kept))
    return "smaller layers, the same numbers as with the other channels at zero."


def _layers(inputs: int, channels: int, outputs: int, padding: int, stride: int) -> Layers:
    generator = torch.Generator().manual_seed(channels)
    conv = nn.utils.skip_init(nn.Conv2d, inputs, channels, 3, padding=padding, stride=stride)
    side = (SIDE + 2 * padding - 3) // stride + 1
    fc = nn.utils.skip_init(nn.Linear, channels * side * side, outputs)
    for layer in (conv, fc):
        for parameter in layer.parameters():
            parameter.data.copy_(torch.randn(parameter.shape, generator=generator))
    return conv, fc


def _check_cut(answer: Callable[..., object], sizes: list[int], kept: Tensor) -> None:
    given, originals = _layers(*sizes), _layers(*sizes)
    case = f"({sizes[1]} channels, kept {kept.tolist()})"
    small = _read(answer(*given, kept.clone()))
    for name, original, now, copied in zip(("conv", "fc"), originals, given, small, strict=True):
        _check_original(name, original, now, copied, case)
    _check_sizes(small, originals, len(kept), case)
    _check_numbers(small, originals, kept, case)


def _read(answer: Any) -> Layers:
    wanted = "your function should return two layers: a convolution, and a linear layer"
    try:
        conv, fc = answer
    except (TypeError, ValueError, RuntimeError):
        raise WrongAnswer(wanted) from None
    if isinstance(conv, nn.Linear) and isinstance(fc, nn.Conv2d):
        raise WrongAnswer(wanted, "your two layers come in the other order", "return conv, fc")
    if not isinstance(conv, nn.Conv2d) or not isinstance(fc, nn.Linear):
        raise WrongAnswer(f"{wanted}, and returns {type(conv).__name__} and {type(fc).__name__}")
    return conv, fc


def _check_original(name: str, original: nn.Module, now: nn.Module, copied: nn.Module, case: str) -> None:
    """That a layer is what it was, and shares no memory with its copy."""
    before, after = original.state_dict(), now.state_dict()
    if any(part not in after or not torch.equal(before[part], after[part]) for part in before):
        raise WrongAnswer(
            "print `conv.weight` and `fc.weight` before and after the call",
            f"`{name}` is not what it was before: write into a copy {case}",
            _COPY,
        )
    addresses = {values.untyped_storage().data_ptr() for values in after.values()}
    for part, values in copied.state_dict().items():
        if values.untyped_storage().data_ptr() in addresses:
            raise WrongAnswer(
                "what happens to the originals when your two layers are trained?",
                f"`{part}` of what you return for `{name}` lies in the memory of the original: copy it {case}",
                _COPY,
            )


def _check_sizes(small: Layers, originals: Layers, k: int, case: str) -> None:
    (conv, fc), (whole, behind) = small, originals
    positions = behind.in_features // whole.out_channels
    rows, seen = conv.weight.shape[:2]
    outputs, inputs = fc.weight.shape
    wrong = {
        "you cut the inputs of the convolution; its outputs are rows of its weight, the first axis": (
            seen != whole.in_channels
        ),
        f"the convolution still makes {rows} channels: zeros are no smaller than other numbers": (
            rows == whole.out_channels > k
        ),
        f"the convolution makes {rows} channels, and should make {k}": rows != k,
        "you cut the outputs of the linear layer; its inputs are columns of its weight, the second axis": (
            outputs != behind.out_features
        ),
        f"each channel has {positions} positions, and as many columns of fc.weight, not one": inputs == k,
        f"the linear layer takes {inputs} inputs; {k} channels of {positions} positions are {k * positions}": (
            inputs != k * positions
        ),
        "the copy of the convolution has another kernel, stride or padding than the original": (
            (conv.weight.shape[2:], conv.stride, conv.padding) != (whole.weight.shape[2:], whole.stride, whole.padding)
        ),
        f"the weights are cut, but the layers say of themselves that `out_channels` is {conv.out_channels} and "
        f"`in_features` {fc.in_features}": (conv.out_channels, fc.in_features) != (k, inputs),
    }
    for hint, applies in wrong.items():
        if applies:
            raise WrongAnswer(_SIZES, f"{hint} {case}", _FORMULA)


def _outputs(layers: Layers, images: Tensor) -> Tensor:
    """What the two layers say, in float64, whatever their own precision."""
    conv, fc = (copy.deepcopy(layer).double() for layer in layers)
    with torch.no_grad():
        return fc(conv(images).relu().flatten(1))


def _without_the_others(layers: Layers, kept: Tensor) -> Layers:
    """The whole layers, the linear one without its weights for the channels that go."""
    conv, fc = copy.deepcopy(layers)
    columns = _by_channel(fc.weight.data, conv.out_channels)
    gone = torch.ones(conv.out_channels, dtype=torch.bool)
    gone[kept] = False
    columns[:, gone] = 0
    return conv, fc


def _by_channel(weight: Tensor, channels: int) -> Tensor:
    """The columns behind a flatten, (m, channels, positions)."""
    return weight.unflatten(1, (channels, -1))


def _check_numbers(small: Layers, originals: Layers, kept: Tensor, case: str) -> None:
    generator = torch.Generator().manual_seed(0)
    shape = (8, originals[0].in_channels, SIDE, SIDE)
    images = torch.randn(shape, generator=generator, dtype=torch.float64)
    want = _outputs(_without_the_others(originals, kept), images)
    try:
        got = _outputs(small, images)
    except RuntimeError as error:
        raise WrongAnswer(_NUDGE, f"your two layers do not fit to each other: {error} {case}", _FORMULA) from None
    if close(got, want):
        return
    off = float((got - want).abs().max())
    with torch.no_grad():
        hint = _what_is_wrong(small, originals, kept) or f"an output is {off:.2g} away from what it should be"
    raise WrongAnswer(_NUDGE, f"{hint} {case}", _FORMULA)


def _what_is_wrong(small: Layers, originals: Layers, kept: Tensor) -> str | None:
    """Which part of the layers is not as it should be; the channels may stand in any order, in all parts the same."""
    (conv, fc), (whole, behind) = small, originals
    order = _channels(conv.weight, whole.weight)
    if order is None:
        return "rows of conv.weight are not those of any channel"
    if order != kept.tolist() and {*order} != {*kept.tolist()}:
        return f"conv.weight holds the channels {order}"
    for name, copied, bias in (("conv", conv.bias, whole.bias[order]), ("fc", fc.bias, behind.bias)):  # type: ignore[index]
        if copied is None:
            return f"{name} has a bias, and its copy has none"
        if not close(copied, bias):
            return f"the bias of {name} is not that of the channels {order}" if name == "conv" else "fc.bias stays"
    columns, k = _by_channel(behind.weight, whole.out_channels), len(kept)
    last = behind.weight.unflatten(1, (-1, whole.out_channels))
    mistakes = {
        "this is fc.weight as if all channels of the first position came first: it is the other way around": last[
            :, :, order
        ],
        "fc.weight holds its first columns: which columns does a kept channel have?": columns[:, :k],
    }
    for hint, wrong in mistakes.items():
        if close(fc.weight, wrong.flatten(1)):
            return hint
    if any(close(fc.weight, columns[:, [*other]].flatten(1)) for other in permutations(order)):
        return f"conv holds the channels in the order {order}, and fc.weight in another"
    return None


def _channels(rows: Tensor, weight: Tensor) -> list[int] | None:
    """Which channel each row is; None if one is no channel of the whole layer."""
    found = []
    for row in rows:
        same = [place for place, channel in enumerate(weight) if close(row, channel)]
        if not same:
            return None
        found.append(same[0])
    return found
