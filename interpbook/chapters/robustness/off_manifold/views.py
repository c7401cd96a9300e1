"""A live figure in which the reader paints noise on an image, and two networks answer before and after.

The page's half of the views is `views.js`; a test holds the two halves together.
"""

import json
from collections.abc import Sequence
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interpbook.checks import check_number
from interpbook.explore.pictures import Picture, Shown
from interpbook.explore.sentences import Fact
from interpbook.explore.views import State, View
from interpbook.robustness import signal_fraction

__all__ = ["painted_noise"]

STRENGTHS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0)
DRAWS = 10  # one alone may well spare the one network and hit the other


def painted_noise(
    names: Sequence[str],
    signal: Bool[Tensor, "n 1 h w"],
    *,
    strengths: Sequence[float] = STRENGTHS,
    generator: torch.Generator | None = None,
) -> tuple[View, ...]:
    """Views of two networks, before and after the reader has painted noise d(x) on the image x:

        x + strength * d * s,    s ~ N(0, I),

    answers as means over ten draws of s. Values below black or above white stay as they are, as in the chapter's
    measures; on the surface they look black and white. The two networks are one model (`explore.side_by_side`) with
    the logits of both, which looks at the `inputs` of `live`:

        page.explore.live(both, start=drawings, inputs=images, heads=names, views=painted_noise(names, signal))

    Args:
        names: of the first and of the second network.
        signal: for each of the inputs, in order, a mask of whole rows that is True where the digit is.
        strengths: values of a slider, which starts at the middle one.
        generator: of the draws of s, which are the same for all strengths and drawings; by default one with seed 0.

    Returns:
        Three views: how much probability moves in both networks, 1/2 sum_k |p_k(noisy) - p_k(x)|, with the first noisy
        image on the surface; and for each network the gradient of its log-probability of the class that it sees in x,
        at x, with its probabilities at x and with the noise.

    Raises:
        TypeError: names or strengths that are no list of texts or numbers, a mask that is not of booleans.
        ValueError: not two names, a mask of parts of rows, no strengths, or one that is negative, twice there or not
            finite.

    >>> views = painted_noise(["Standard", "Robust"], torch.ones(1, 1, 28, 14, dtype=torch.bool))
    >>> [view.name for view in views]
    ['painted_noise', 'first_network', 'second_network']
    """
    _check_names(names)
    _check_signal(signal)
    values = _read_strengths(strengths)
    source = torch.Generator().manual_seed(0) if generator is None else generator
    # Rounded, because the last bits of these numbers are not the same on every processor.
    noise = (64 * torch.randn((DRAWS, *signal.shape[1:]), generator=source)).round() / 64
    tables = {"noise": noise.numpy(), "rows": signal[:, 0, :, 0].float().numpy()}
    moved = View(
        "painted_noise",
        f"how much probability moves, a mean over {DRAWS} draws of the noise",
        partial(_moved, tuple(names), noise.double(), signal),
        f"paintedNoise.moved({json.dumps(list(names))})",
        phrases=_moved_phrases(names),
        settings={"strength": values},
        starts={"strength": values[len(values) // 2]},
        needs=_NEEDS,
        tables=tables,
        on_surface=True,
    )
    networks = [
        View(
            f"{order}_network",
            f"{name}: its gradient, its answer before and with the noise",
            partial(_network, which, noise.double(), signal),
            f"paintedNoise.network({which})",
            phrases=_NETWORK_PHRASES,
            needs=_NEEDS,
            tables=tables,
        )
        for which, (order, name) in enumerate(zip(("first", "second"), names, strict=True))
    ]
    return moved, *networks


def _check_names(names: Sequence[str]) -> None:
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"names: expected a list of two texts, got {names!r}")
    if len(names) != 2:
        raise ValueError(f"names: expected those of two networks, got {', '.join(names) or 'none'}")


def _check_signal(signal: Tensor) -> None:
    if not isinstance(signal, Tensor) or signal.dtype != torch.bool or signal.dim() != 4:
        got = f"{signal.dtype} {tuple(signal.shape)}" if isinstance(signal, Tensor) else type(signal).__name__
        raise TypeError(f"signal: expected a tensor of booleans (N, 1, H, W), got {got}")
    if signal.shape[1] != 1 or bool((signal != signal[..., :1]).any()):
        raise ValueError("signal: expected masks of one channel and of whole rows")


def _read_strengths(strengths: Sequence[float]) -> list[float]:
    if isinstance(strengths, str) or not isinstance(strengths, Sequence):
        raise TypeError(f"strengths: expected a list of numbers, got {strengths!r}")
    values = [check_number(strength, "strengths", minimum=0) for strength in strengths]
    if not values or len(set(values)) < len(values):
        raise ValueError(f"strengths: expected at least one number, and none twice, got {list(strengths)}")
    return values


def _noisy(now: State, noise: Tensor) -> Float[Tensor, "draws 1 h w"]:
    """The image with every draw of the noise, where it was painted."""
    return now.x + now.settings["strength"] * now.drawing * noise.to(now.x.device)


def _answers(now: State, x: Float[Tensor, "B 1 h w"]) -> Float[Tensor, "B 2 classes"]:
    """The probabilities of both networks."""
    with torch.no_grad():
        return now.model(x).unflatten(1, (2, -1)).softmax(2)


def _moved(names: tuple[str, ...], noise: Tensor, signal: Tensor, now: State) -> Shown:
    noisy, mask = _noisy(now, noise), signal[now.settings["input"]].to(now.x.device)
    before, after = _answers(now, now.x)[0], _answers(now, noisy)
    # The root of the mean square, for s has variance 1.
    painted = now.settings["strength"] * now.drawing[0]
    facts: list[Fact] = [("noise", {"on": painted[mask].norm().item(), "beside": painted[~mask].norm().item()})]
    for which, word in enumerate(("first", "second")):
        seen = int(before[which].argmax())
        shares = {"before": before[which, seen].item(), "after": after[:, which, seen].mean().item()}
        facts.append((word, {"label": now.labels[seen], **shares}))
    distances = (after - before).abs().sum(2).mean(0) / 2
    bars = Picture("bars", distances.cpu().numpy(), names)
    return Shown((_image(noisy[0].clamp(0, 1)), _image(now.x[0]), bars), tuple(facts))


def _network(which: int, noise: Tensor, signal: Tensor, now: State) -> Shown:
    before = _answers(now, now.x)[0, which]
    after = _answers(now, _noisy(now, noise))[:, which].mean(0)
    seen, there = int(before.argmax()), int(after.argmax())
    gradient = _log_gradient(now, which, seen)
    facts: list[Fact] = [("flat", {"label": now.labels[seen]})]
    if gradient.any():
        mask = signal[now.settings["input"]].to(now.x.device)
        facts = [("looks", {"on": signal_fraction(gradient, mask).item(), "label": now.labels[seen]})]
    facts.append(("stays" if seen == there else "turns", {"label": now.labels[there], "share": after[there].item()}))
    bars = [Picture("bars", p.cpu().numpy(), now.labels, chosen=seen) for p in (before, after)]
    return Shown((Picture("map", gradient[0, 0].cpu().numpy()), *bars), tuple(facts))


def _log_gradient(now: State, which: int, seen: int) -> Float[Tensor, "1 1 h w"]:
    """Of one network's log-probability of a class, at the image."""
    x = now.x.clone().requires_grad_()
    logits = now.model(x)[0].unflatten(0, (2, -1))[which]
    (gradient,) = torch.autograd.grad(logits.log_softmax(0)[seen], x)
    return gradient


def _image(x: Tensor) -> Picture:
    return Picture("image", x.cpu().numpy())


def _moved_phrases(names: Sequence[str]) -> dict[str, str]:
    # A brace in a name would be read as a field.
    first, second = (name.replace("{", "(").replace("}", ")") for name in names)
    answer = "{label} with {before:percent}, with the noise {after:percent}."
    return {
        "noise": "Noise of length {on:z.2f} on the digit and {beside:z.2f} beside it.",
        "first": f" {first}: {answer}",
        "second": f" {second}: {answer}",
    }


_NEEDS = ("robustness/off_manifold/views.js",)
_NETWORK_PHRASES = {
    "looks": "{on:percent} of the squared gradient of log p({label}) lies on the digit.",
    "flat": "The gradient of log p({label}) is zero.",
    "stays": " With the noise it still sees {label}, with {share:percent}.",
    "turns": " With the noise it sees {label}, with {share:percent}.",
}
