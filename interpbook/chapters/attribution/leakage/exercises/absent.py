"""How much the gradient on a block without a digit looks like that on a block with one."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, number

Case = tuple[Tensor, Tensor]
_NUDGE = (
    "add a constant to all of |g|: your number should stay. Then flip signs of g, pixel by pixel: it should stay, too"
)
_FORMULA = (
    "top = g[:, : g.shape[1] // 2].abs().flatten(1); "
    "torch.corrcoef(torch.stack([top[on_top].mean(0), top[~on_top].mean(0)]))[0, 1]"
)


@exercise(rating=2, minutes=15)
def leak(answer: Callable[..., object]) -> str:
    """A function of `g (N, H, W), on_top (N,)`: the correlation over the top block's pixels of two mean maps of |g|."""
    expect_function(answer)
    cases = list(_cases())
    got = torch.tensor(
        [number(answer(g.clone(), on_top.clone()), "the correlation") for g, on_top in cases], dtype=torch.float64
    )
    want = torch.stack([_correlation(*_mean_maps(*case)) for case in cases])
    if not close(got, want):
        raise WrongAnswer(_NUDGE, _what_is_wrong(got, want, cases), _FORMULA)
    return "any two positive maps have a large cosine; only what varies over the pixels tells a leak."


def _cases() -> Iterator[Case]:
    """Gradients of any sign that leak much, a little, and not at all, on blocks of two sizes."""
    generator = torch.Generator().manual_seed(0)
    for images, rows, columns, shared in ((30, 8, 5, 2.0), (41, 12, 6, 0.5), (24, 6, 7, 0.0), (36, 10, 4, -0.8)):
        on_top = torch.rand(images, generator=generator) < 0.4
        digit, other = torch.rand((2, rows // 2, columns), generator=generator, dtype=torch.float64)
        absent = 1 + shared * digit + 0.5 * other
        size = torch.where(
            on_top[:, None, None], torch.cat([1 + 2 * digit, absent]), torch.cat([absent, 1 + 2 * digit.flip(1)])
        )
        noise = torch.randn((images, rows, columns), generator=generator, dtype=torch.float64)
        yield (0.3 + size) * noise + 0.2 * size, on_top


def _top(g: Tensor) -> Tensor:
    return g[:, : g.shape[1] // 2]


def _bottom(g: Tensor) -> Tensor:
    return g[:, g.shape[1] // 2 :]


def _mean_maps(g: Tensor, on_top: Tensor) -> tuple[Tensor, Tensor]:
    """Of |g| on the top block: with the digit there, and without."""
    return _top(g).abs()[on_top].mean(0), _top(g).abs()[~on_top].mean(0)


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    return _cosine(a - a.mean(), b - b.mean())


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum() / (a.norm() * b.norm())


def _what_is_wrong(got: Tensor, want: Tensor, cases: list[Case]) -> str:
    for hint, wrong in _MISTAKES.items():
        if close(got, torch.stack([wrong(*case) for case in cases])):
            return hint
    place = next(i for i in range(len(want)) if not close(got[i], want[i]))
    g, on_top = cases[place]
    return (
        f"for g of shape {tuple(g.shape)} and {int(on_top.sum())} digits on top your function says "
        f"{float(got[place]):.3g}, not {float(want[place]):.3g}"
    )


def _of_columns(g: Tensor, on_top: Tensor) -> Tensor:
    left = g.abs()[:, :, : g.shape[2] // 2]
    return _correlation(left[on_top].mean(0), left[~on_top].mean(0))


def _image_by_image(g: Tensor, on_top: Tensor) -> Tensor:
    present, _ = _mean_maps(g, on_top)
    return torch.stack([_correlation(present, each) for each in _top(g).abs()[~on_top]]).mean()


def _pair_by_pair(g: Tensor, on_top: Tensor) -> Tensor:
    sizes = _top(g).abs()
    pairs = [_correlation(one, other) for one in sizes[on_top] for other in sizes[~on_top]]
    return torch.stack(pairs).mean()


def _of_ranks(g: Tensor, on_top: Tensor) -> Tensor:
    ranks = [each.flatten().argsort().argsort().double() for each in _mean_maps(g, on_top)]
    return _correlation(ranks[0], ranks[1])


def _covariance(g: Tensor, on_top: Tensor) -> Tensor:
    a, b = _mean_maps(g, on_top)
    return ((a - a.mean()) * (b - b.mean())).mean()


# What each mistake comes to.
_MISTAKES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "this is the cosine: maps that are positive everywhere have a large one, whatever they show; take the means off": (
        lambda g, on_top: _cosine(*_mean_maps(g, on_top))
    ),
    "signed gradients cancel in a mean: take absolute values first": (
        lambda g, on_top: _correlation(_top(g)[on_top].mean(0), _top(g)[~on_top].mean(0))
    ),
    "the absolute value comes after the mean, where signed gradients have cancelled: take it first": (
        lambda g, on_top: _correlation(_top(g)[on_top].mean(0).abs(), _top(g)[~on_top].mean(0).abs())
    ),
    "these are the maps of whole images: cut out the top block": (
        lambda g, on_top: _correlation(g.abs()[on_top].mean(0), g.abs()[~on_top].mean(0))
    ),
    "this is the bottom block: rows are counted from the top": (
        lambda g, on_top: _correlation(_bottom(g).abs()[on_top].mean(0), _bottom(g).abs()[~on_top].mean(0))
    ),
    "this is the left half: a block is the upper half of the rows": _of_columns,
    "these are the two blocks of the same images: compare the top block with and without a digit": (
        lambda g, on_top: _correlation(_top(g).abs()[on_top].mean(0), _bottom(g).abs()[on_top].mean(0))
    ),
    "both of these blocks have a digit in them, and so no leak shows": (
        lambda g, on_top: _correlation(_top(g).abs()[on_top].mean(0), _bottom(g).abs()[~on_top].mean(0))
    ),
    "one of the maps is the mean over all images, which contains the other": (
        lambda g, on_top: _correlation(_top(g).abs()[on_top].mean(0), _top(g).abs().mean(0))
    ),
    "single images are noisy: average the maps without a digit first, then correlate once": _image_by_image,
    "single images are noisy: average the maps of both groups first, then correlate once": _pair_by_pair,
    "these are mean squares: the exercise asks for absolute values": (
        lambda g, on_top: _correlation(_top(g).square()[on_top].mean(0), _top(g).square()[~on_top].mean(0))
    ),
    "this is the square of the correlation, which forgets its sign": (
        lambda g, on_top: _correlation(*_mean_maps(g, on_top)).square()
    ),
    "the sign counts: a map that is low where digits are does not look like one": (
        lambda g, on_top: _correlation(*_mean_maps(g, on_top)).abs()
    ),
    "this is one minus the correlation": lambda g, on_top: 1 - _correlation(*_mean_maps(g, on_top)),
    "this is the covariance: divide by both standard deviations": _covariance,
    "this correlates ranks: take the values": _of_ranks,
}
