"""The figure of digit and ring: what it says is what each network alone gives, and page and kernel agree."""

import re
from typing import Any

import pytest
import torch
from chapters.attribution.leakage.evidence_figures import NAMES, figure, images, networks, state
from live_figures import check_same, in_page
from torch import Tensor

from interpbook.chapters.attribution.leakage.blocks import null_block
from interpbook.chapters.attribution.leakage.views import INPUTS, where_is_the_evidence
from interpbook.explore import side_by_side
from interpbook.explore.network import rounded


def pixels(name: str) -> Tensor:
    """An example as the networks see it, in 255ths."""
    return (images()[name][None].double() * 255).round() / 255


def gradient(which: int, x: Tensor, seen: int, of: str = "logit") -> Tensor:
    x = x.clone().requires_grad_()
    logits = rounded(networks()[which])(x)[0]
    (found,) = torch.autograd.grad(logits[seen] if of == "logit" else logits.log_softmax(0)[seen], x)
    return found


def share(which: int, x: Tensor, seen: int, rows: slice, of: str = "logit") -> float:
    sizes = gradient(which, x, seen, of).abs()
    return (sizes[:, :, rows].sum() / sizes.sum()).item()


def answer(which: int, x: Tensor) -> Tensor:
    return rounded(networks()[which])(x)[0].softmax(0).detach()


def test_torch_and_the_page_show_and_say_the_same() -> None:
    live_figure = figure()
    states = [
        state(live_figure, name, seen, of) for name in images() for seen in INPUTS for of in ("logit", "log_prob")
    ]
    for k, (page, now) in enumerate(zip(in_page(live_figure, states), states, strict=True)):
        for view, theirs in zip(live_figure.views, page["shown"], strict=True):
            check_same(theirs, view, now, f"{view.name}, state {k}")


@pytest.mark.parametrize("of", ["logit", "log_prob"])
@pytest.mark.parametrize(("name", "above"), [("bar above", True), ("bar below", False), ("bar, empty", True)])
def test_pictures_and_sentences_are_what_each_network_gives_alone(name: str, above: bool, of: str) -> None:
    live_figure = figure()
    now, x = state(live_figure, name, of=of), pixels(name)
    rows, others = (slice(14), slice(14, 28)) if above else (slice(14, 28), slice(14))
    [shares], [shown] = (view.compute(now).pictures for view in live_figure.views[:2])
    parts = []
    torch.testing.assert_close(torch.from_numpy(shown.values), x[0], rtol=0, atol=0)
    for which, view in enumerate(live_figure.views[2:]):
        p = answer(which, x)
        seen = int(p.argmax())
        expected = gradient(which, x, seen, of)
        (drawn, bars), said = view.show(now)
        torch.testing.assert_close(torch.from_numpy(drawn.values), expected[0, 0], rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(torch.from_numpy(bars.values), p, rtol=0, atol=1e-12)
        on = share(which, x, seen, rows, of)
        assert shares.values[which] == pytest.approx(on, rel=1e-9)
        parts.append(f"{NAMES[which]} {on:.0%}")
        other = "the empty block" if "empty" in name else "the ring"
        assert said.startswith(
            f"{NAMES[which]} says {seen} ({p[seen]:.0%}). {on:.0%} of its gradient lies on the digit, {1 - on:.0%} on "
            f"{other}."
        )
        erased, swapped = x.clone(), torch.cat([x[:, :, 14:], x[:, :, :14]], 2)
        erased[:, :, others] = 0
        if other == "the ring":
            left = 1 - share(which, erased, seen, rows, of)
            words = f" With the ring erased, {seen} has {answer(which, erased)[seen]:.0%}."
            assert f"{words} The empty block then has {left:.0%} of the gradient." in said
        else:
            assert "erased" not in said
        there = gradient(which, swapped, seen, of)
        cosine = torch.cosine_similarity(expected.flatten(), there.flatten(), 0)
        assert said.endswith(f" Swap the blocks, and the gradient has cosine {cosine:.2f} with this one.")
    assert live_figure.views[0].show(now)[1] == f"{parts[0]}, {parts[1]}."


def test_a_network_that_looks_above_has_all_of_its_gradient_there() -> None:
    live_figure = figure()
    for name, seen, on in [
        ("bar above", "as drawn", 1),
        ("bar above", "blocks swapped", 0),
        ("bar below", "as drawn", 0),
    ]:
        shares = live_figure.views[0].compute(state(live_figure, name, seen)).pictures[0].values
        assert shares[0] == on
        assert 0.2 < shares[1] < 0.8


def test_what_the_networks_see_is_what_is_asked_for() -> None:
    live_figure = figure()
    bar, ring, empty = pixels("bar above")[0, :, :14], pixels("bar above")[0, :, 14:], torch.zeros(1, 14, 14)
    for name, seen, halves in [
        ("bar above", "as drawn", (bar, ring)),
        ("bar above", "other block erased", (bar, empty)),
        ("bar below", "other block erased", (empty, bar)),
        ("bar above", "blocks swapped", (ring, bar)),
    ]:
        now = state(live_figure, name, seen)
        x = torch.cat(halves, 1)
        assert torch.equal(torch.from_numpy(live_figure.views[1].compute(now).pictures[0].values), x)
        bars = live_figure.views[3].compute(now).pictures[1]
        torch.testing.assert_close(torch.from_numpy(bars.values), answer(1, x[None]), rtol=0, atol=1e-12)
        asked = state(live_figure, name)
        assert (now.x == asked.x).all()


@pytest.mark.parametrize(
    ("name", "seen", "said"),
    [
        ("bar above", "as drawn", "The digit is above, the ring below."),
        ("bar above", "blocks swapped", "The digit is below, the ring above."),
        ("bar below", "other block erased", "The digit is below, the empty block above."),
        ("corner, bar", "as drawn", "The digit is below, the other drawing above."),
        ("ring alone", "as drawn", "There is no digit: draw one, above or below."),
        ("nothing", "blocks swapped", "There is no digit: draw one, above or below."),
    ],
)
def test_the_digit_is_what_differs_more_from_ring_and_black(name: str, seen: str, said: str) -> None:
    live_figure = figure()
    now = state(live_figure, name, seen)
    assert live_figure.views[1].show(now)[1] == said
    assert ("gradient" in live_figure.views[3].show(now)[1]) is ("no digit" not in said)


def test_a_ring_that_was_drawn_on_is_nearer_to_the_ring_than_a_digit() -> None:
    live_figure = figure()
    halves = [pixels("bar above")[0, :, :14], (null_block().double() * 255).round() / 255]
    halves[1][0, 2, 5:8] = 0
    now = live_figure.state(torch.cat(halves, 1)[None], [0, 0, 0], (0, 0))
    assert live_figure.views[1].show(now)[1] == "The digit is above, the other drawing below."


def test_a_network_without_a_gradient_says_so() -> None:
    first, second = networks()
    with torch.no_grad():
        second.fc2.bias.fill_(-1000)
    dead = figure(side_by_side(first, second))
    now = state(dead, "bar below")
    assert dead.views[0].compute(now).pictures[0].values[1] == 0
    assert dead.views[3].show(now)[1].endswith("%). Its gradient is zero everywhere.")
    for view, theirs in zip(dead.views, in_page(dead, [now])[0]["shown"], strict=True):
        check_same(theirs, view, now, view.name)


def test_a_gradient_that_dies_with_the_other_block_says_so() -> None:
    first, second = networks()
    with torch.no_grad():
        # The only way through a unit that needs the ring's pixels.
        second.fc1.weight.zero_()
        second.fc1.weight[0, 196:] = 1
        second.fc1.weight[0, :196] = 0.01
        second.fc1.bias.zero_()
        second.fc1.bias[0] = -1
        second.fc2.weight.abs_()
    live_figure = figure(side_by_side(first, second))
    now = state(live_figure, "bar above")
    said = live_figure.views[3].show(now)[1]
    assert re.search(r"With the ring erased, \d has \d+%\. Its gradient is zero everywhere\. Swap the blocks", said)
    check_same(in_page(live_figure, [now])[0]["shown"][3], live_figure.views[3], now, "dies")


def test_names_with_braces_are_names() -> None:
    odd = where_is_the_evidence(["{a}", "b"])
    assert odd[2].show(state(figure(), "bar above"))[1].startswith("(a) says ")


@pytest.mark.parametrize(
    ("heads", "error", "words"),
    [
        ("ab", TypeError, "heads: expected a list of names, got 'ab'"),
        (["a"], ValueError, "heads: expected two or more different names, got a"),
        ([], ValueError, "heads: expected two or more different names, got none"),
    ],
)
@pytest.mark.usefixtures("without_shape_checks")
def test_bad_arguments_are_refused(heads: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=re.escape(words)):
        where_is_the_evidence(heads)
