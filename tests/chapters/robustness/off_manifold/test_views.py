"""The figure in which the reader paints noise: what it shows is what two networks give, and page and kernel agree."""

import html
import re
from typing import Any

import pytest
import torch
from chapters.robustness.off_manifold.painted_figures import (
    NAMES,
    SIZE,
    deaf,
    drawings,
    figure,
    images,
    signal,
    state,
    two,
)
from live_figures import check_same, in_page
from torch import Tensor

from interpbook.chapters.robustness.off_manifold.views import DRAWS, STRENGTHS, painted_noise
from interpbook.explore import live
from interpbook.explore.network import rounded


def noise() -> Tensor:
    """The figure's draws, to a sixty-fourth."""
    return (64 * torch.randn(DRAWS, 1, *SIZE, generator=torch.Generator().manual_seed(0))).round().double() / 64


def test_torch_and_the_page_show_and_say_the_same() -> None:
    live_figure = figure()
    states = [state(live_figure, d, i, s) for d in range(3) for i in range(2) for s in (0.0, 0.5, 2.0)]
    for k, (page, now) in enumerate(zip(in_page(live_figure, states), states, strict=True)):
        assert page["target"] == now.target
        for view, theirs in zip(live_figure.views, page["shown"], strict=True):
            check_same(theirs, view, now, f"{view.name}, state {k}")


@pytest.mark.parametrize("shown", [0, 1])
def test_the_pictures_are_what_each_network_gives_alone(shown: int) -> None:
    live_figure = figure()
    now = state(live_figure, 2, shown, 0.75)
    x = now.x.clone().requires_grad_()
    noisy = x.detach() + 0.75 * now.drawing * noise()
    pictures = [[torch.as_tensor(p.values) for p in view.compute(now).pictures] for view in live_figure.views]
    surface, image, moved = pictures[0]
    torch.testing.assert_close(surface, noisy[0].clamp(0, 1), rtol=0, atol=1e-12)
    torch.testing.assert_close(image, now.x[0], rtol=0, atol=0)
    for which, network in enumerate((deaf(above=True, seed=1), deaf(above=False, seed=2))):
        model = rounded(network)
        before, after = model(x).softmax(1)[0], model(noisy).softmax(1)
        gradient, first, then = pictures[1 + which]
        torch.testing.assert_close(first, before.detach(), rtol=0, atol=1e-12)
        torch.testing.assert_close(then, after.mean(0).detach(), rtol=0, atol=1e-12)
        # What one class loses another gains: half of the sum of both.
        gained = (after - before).clamp(min=0).sum(1).mean().detach()
        torch.testing.assert_close(moved[which], gained, rtol=0, atol=1e-12)
        (expected,) = torch.autograd.grad(before.max().log(), x)
        torch.testing.assert_close(gradient, expected[0, 0], rtol=1e-9, atol=1e-12)


def test_a_network_minds_noise_only_where_it_looks() -> None:
    live_figure = figure()
    first, second = (view.compute(state(live_figure, 0, 0, 1.0)).pictures for view in live_figure.views[1:])
    torch.testing.assert_close(torch.tensor(first[1].values), torch.tensor(first[2].values), rtol=0, atol=1e-12)
    assert abs(second[1].values - second[2].values).max() > 0.01
    assert not first[0].values[:9].any()
    assert not second[0].values[22:].any()


def test_the_sentences_carry_the_numbers() -> None:
    live_figure = figure()
    now = state(live_figure, 2, 1, 0.5)
    said = [view.show(now)[1] for view in live_figure.views]
    drawn, mask = drawings()["grey"], signal()[1]
    drawn = (drawn.double() * 255).round() / 255
    on, beside = (0.5 * drawn[part].square().sum().sqrt() for part in (mask, ~mask))
    assert said[0].startswith(f"Noise of length {on:.2f} on the digit and {beside:.2f} beside it. ")
    first, second = (rounded(deaf(above=above, seed=seed)) for above, seed in ((True, 1), (False, 2)))
    for name, model, sentence in zip(NAMES, (first, second), said[1:], strict=True):
        x = now.x.clone().requires_grad_()
        before = model(x).softmax(1)[0]
        seen = int(before.argmax())
        after = model(x + 0.5 * now.drawing * noise()).softmax(1).mean(0)
        assert f"{name}: {seen} with {before[seen]:.0%}, with the noise {after[seen]:.0%}." in said[0]
        (gradient,) = torch.autograd.grad(before[seen].log(), x)
        share = gradient[0][mask].square().sum() / gradient.square().sum()
        assert sentence.startswith(f"{share:.0%} of the squared gradient of log p({seen}) lies on the digit.")
        word = "still sees" if int(after.argmax()) == seen else "sees"
        assert sentence.endswith(f" With the noise it {word} {int(after.argmax())}, with {after.max():.0%}.")


def test_a_network_without_a_gradient_says_so() -> None:
    views = painted_noise(NAMES, signal())
    model = two()
    with torch.no_grad():
        model.fc.weight.zero_()
    flat = live(model, start=drawings(), inputs=images(), heads=NAMES, views=views)
    now = flat.first
    assert flat.views[1].show(now)[1].startswith(f"The gradient of log p({now.target}) is zero.")
    check_same(in_page(flat, [now])[0]["shown"][1], flat.views[1], now, "flat")


def test_nothing_painted_or_no_strength_moves_nothing() -> None:
    live_figure = figure()
    for now in (state(live_figure, 1, 0, 2.0), state(live_figure, 0, 0, 0.0)):
        surface, image, moved = live_figure.views[0].compute(now).pictures
        assert (surface.values == image.values).all()
        assert moved.values.max() < 1e-12


def test_the_mean_length_of_the_noise_is_what_is_said() -> None:
    """The root of the mean square over many draws, of which the figure says the limit."""
    many = torch.randn(20_000, 1, *SIZE, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    now = state(figure(), 2, 0, 0.5)
    length = (0.5 * now.drawing * many)[:, signal()[0]].square().sum(1).mean().sqrt()
    said = float(re.search(r"length ([\d.]+) on", figure().views[0].show(now)[1])[1])
    assert said == pytest.approx(float(length), rel=0.01)


def test_the_same_noise_for_the_same_generator() -> None:
    tables = [painted_noise(NAMES, signal(), generator=torch.Generator().manual_seed(k))[0].tables for k in (0, 0, 1)]
    assert (tables[0]["noise"] == tables[1]["noise"]).all()
    assert (tables[0]["noise"] != tables[2]["noise"]).mean() > 0.9  # two draws may round to the same number


def test_in_a_kernel_the_reader_draws_on_the_noisy_image() -> None:
    live_figure = figure()
    *controls, cursor, buttons, view = live_figure.widgets().children
    assert [control.description for control in controls] == ["drawing", "input", "strength"]

    def said() -> list[str]:
        return [html.unescape(text) for text in re.findall("</b>: (.*?)</li>", view.value)]

    seen = [said()]
    for control, value in zip(controls, (2, 1, STRENGTHS.index(2.0)), strict=True):
        control.value = value
        seen.append(said())
        assert seen[-1] != seen[-2], control.description
    buttons.children[2].click()
    assert said()[0].startswith("Noise of length 0.00 on the digit and 0.00 beside it.")
    cursor.children[0].value = 27
    buttons.children[0].click()
    assert re.match(r"Noise of length [1-9][\d.]* on the digit and 0.00 beside it.", said()[0])


def test_names_with_braces_are_names() -> None:
    views = painted_noise(["{a}", "b"], signal())
    odd = live(two(), start=drawings(), inputs=images(), heads=["{a}", "b"], views=views)
    assert " (a): " in odd.views[0].show(odd.first)[1]


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"names": "ab"}, TypeError, "names: expected a list of two texts, got 'ab'"),
        ({"names": ["a", 1]}, TypeError, "names: expected a list of two texts, got ['a', 1]"),
        ({"names": ["a"]}, ValueError, "names: expected those of two networks, got a"),
        (
            {"signal": signal().float()},
            TypeError,
            "signal: expected a tensor of booleans (N, 1, H, W), got torch.float32",
        ),
        ({"signal": signal()[0]}, TypeError, "signal: expected a tensor of booleans (N, 1, H, W), got torch.bool (1,"),
        ({"signal": signal().mT}, ValueError, "signal: expected masks of one channel and of whole rows"),
        ({"strengths": 3}, TypeError, "strengths: expected a list of numbers, got 3"),
        ({"strengths": []}, ValueError, "strengths: expected at least one number, and none twice"),
        ({"strengths": [1, 1.0]}, ValueError, "strengths: expected at least one number, and none twice"),
        ({"strengths": [-1]}, ValueError, "strengths: expected a finite number of at least 0, got -1"),
    ],
)
def test_bad_arguments_are_refused(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=re.escape(words)):
        painted_noise(**{"names": NAMES, "signal": signal(), **options})
