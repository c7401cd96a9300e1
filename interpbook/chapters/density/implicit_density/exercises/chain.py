"""Langevin's chain: its mean and its spread after any number of steps are known where the score is linear."""

from collections.abc import Callable

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import expect_function, listed

Function = Callable[[Tensor], Tensor]
_DRIFT = "look at one step without its noise, or at the mean of many: where does it go, and how far?"
_SEVERAL = "one step is right; what goes wrong in several?"
_STEP = "in each of the steps: x = x + eps * score(x) + sqrt(2 eps) * noise, the noise new and of the shape of x"
CHAINS = 6000  # enough for a variance to two digits


@exercise(rating=2, minutes=20)
def langevin_chain(answer: Callable[..., Tensor]) -> str:
    """A function of `score, x (n, d), steps, eps, generator`: where n chains of Langevin end, shape (n, d).

    score maps (n, d) to (n, d).
    """
    expect_function(answer)
    mean, variance, x = (torch.tensor(pair, dtype=torch.float64) for pair in ([0.5, -0.5], [0.3, 1.5], [1.5, 4.0]))
    start = x.expand(CHAINS, 2)

    def score(points: Tensor) -> Tensor:
        return (mean - points) / variance

    ends, again = (_ends(answer, score, start, 1, 0.1) for _ in range(2))
    if not torch.equal(ends, again):
        raise WrongAnswer("the same generator gives another chain: draw the noise with generator=generator")
    for eps in (0.4, 0.1):
        _check_one_step(answer, score, start, variance, eps)
    for steps in (3, 40):
        _check_law(_ends(answer, score, start, steps, 0.1), x, mean, variance, steps, 0.1)
    if torch.equal(ends, _ends(answer, score, start, 1, 0.1, seed=2)):
        raise WrongAnswer("another generator gives the same chain: draw the noise from the one that you are given")
    _check_modes(answer)
    return "the noise makes it a sampler: every mode keeps its share, and its width but for what a finite step adds."


def _ends(
    answer: Callable[..., Tensor], score: Function, start: Tensor, steps: int, eps: float, seed: int = 1
) -> Tensor:
    """Where the chains of the answer end, finite numbers in float64."""
    shape = tuple(start.shape)

    def checked(points: Tensor) -> Tensor:
        if not isinstance(points, Tensor) or points.dim() != 2 or points.shape[1] != shape[1]:
            raise WrongAnswer(f"score takes a batch of points, a tensor of shape (n, {shape[1]})")
        return score(points.double())

    ends = answer(checked, start.clone(), steps, eps, torch.Generator().manual_seed(seed))
    try:
        ends = torch.as_tensor(ends).detach().double()
    except (TypeError, ValueError, RuntimeError):
        raise WrongAnswer(f"the answer should be a tensor of shape {shape}, and is {type(ends).__name__}") from None
    if tuple(ends.shape) == (steps, *shape) or tuple(ends.shape) == (steps + 1, *shape):
        raise WrongAnswer("return where the chains end, not all the points on the way")
    if tuple(ends.shape) != shape:
        raise WrongAnswer(f"the answer should have the shape of x, {shape}, and has {tuple(ends.shape)}")
    if not ends.isfinite().all():
        raise WrongAnswer(f"with steps = {steps} and eps = {eps:g} your chains leave the finite numbers")
    return ends


def _check_one_step(
    answer: Callable[..., Tensor], score: Function, start: Tensor, variance: Tensor, eps: float
) -> None:
    """One step, all chains from one point x: the drift is eps score(x), the noise normal with variance 2 eps."""
    x, drift = start[0], eps * score(start[:1])[0]
    moved = _ends(answer, score, start, 1, eps) - x
    if not moved.any():
        raise WrongAnswer("count the steps", "with steps = 1 nothing moves: there is a step too few", _STEP)
    noise = moved - moved.mean(0)
    if noise.abs().max() < 1e-9:
        if torch.equal(moved, _ends(answer, score, start, 1, eps, seed=2) - x):
            raise WrongAnswer(
                "start two chains at the same point: where do they end?",
                "there is no noise: this climbs to a mode, which is activation maximisation, and samples nothing",
                _STEP,
            )
        raise WrongAnswer(
            "start two chains at the same point: where do they end?",
            "all chains get the same noise: every example needs a noise of its own, of the shape of x",
            _STEP,
        )
    sd = float(noise.square().mean().sqrt())
    correlation = float(torch.corrcoef(noise.T)[0, 1])
    if abs(correlation) > 0.1:
        raise WrongAnswer(
            "draw one step of many chains from the same point: do they fill the plane?",
            "the coordinates of a chain share their noise: each needs its own, a noise of the shape of x",
            _STEP,
        )
    two = 2 * eps * (1 + (1 - eps / variance).square())
    if _near(noise.square().mean(0), two):
        raise WrongAnswer("count the steps", "with steps = 1 your chain makes two steps", _STEP)
    _check_drift(moved.mean(0), drift, sd, eps)
    if _near(noise.square().mean(0), two - 2 * eps):
        raise WrongAnswer(
            "in which order do noise and score enter a step?",
            "the score is taken after the noise is added: take it where the chain stands before the step",
            _STEP,
        )
    if not _near(noise.square().mean(0), torch.full((2,), 2 * eps).double()):
        sizes = [("sqrt(eps)", eps**0.5), ("eps", eps), ("2 eps", 2 * eps), ("sqrt(2) eps", 2**0.5 * eps), ("1", 1.0)]
        name = next((name for name, size in sizes if abs(sd / size - 1) < 0.03), f"{sd:.2g}")
        halved = "; samples come out with half the variance" if name == "sqrt(eps)" else ""
        raise WrongAnswer(
            "the drift is right; how wide is one step of many chains from the same point?",
            f"your noise has standard deviation {name}, which is not Langevin's{halved} (eps = {eps:g})",
            _STEP,
        )
    if abs(float((noise / sd).pow(4).mean()) - 3) > 0.3:
        raise WrongAnswer(
            "draw a histogram of one step of many chains from the same point",
            "your noise has the right size, but is not normal",
            _STEP,
        )


def _check_drift(moved: Tensor, drift: Tensor, sd: float, eps: float) -> None:
    """Without its noise a step is `drift`: `moved`, the mean of all, has an error of sd / sqrt(WALKS)."""
    error = 6 * sd * CHAINS**-0.5
    if bool(((moved - drift).abs() < error).all()):
        return
    known = {
        "your chains go down the density: the sign of the score is wrong": -1.0,
        "the score does not move your chains: there is noise alone": 0.0,
        "your chains follow half the score: that is another convention for eps than the task's": 0.5,
        "your chains follow twice the score": 2.0,
        "eps is missing where the score enters": 1 / eps,
        "eps enters squared where the score enters": eps,
        "x moves by the root of eps times the score: the root is the noise's": eps**-0.5,
    }
    for hint, factor in known.items():
        if bool(((moved - factor * drift).abs() < error).all()):
            raise WrongAnswer(_DRIFT, hint, _STEP)
    raise WrongAnswer(
        _DRIFT,
        f"one step of eps = {eps:g} should move x by {listed(drift)} on average, and moves it by {listed(moved)}",
        _STEP,
    )


def _check_law(ends: Tensor, x: Tensor, mean: Tensor, variance: Tensor, steps: int, eps: float) -> None:
    """After t steps each coordinate is normal, with mean m + a^t (x - m) and a variance that tends to a limit."""
    a, away = 1 - eps / variance, x - mean
    limit = 2 * eps / (1 - a.square())  # s^2 / (1 - eps / (2 s^2))

    def law(t: int) -> tuple[Tensor, Tensor]:
        return mean + a**t * away, limit * (1 - a ** (2 * t))

    def follows(middle: Tensor, spread: Tensor) -> bool:
        near = (ends.mean(0) - middle).abs() < 6 * (spread / CHAINS).sqrt()
        return bool(near.all()) and _near(ends.var(0), spread)

    if follows(*law(steps)):
        return
    once = torch.full((2,), 2 * eps * steps).double()
    mistakes = {
        "there is a step too few": law(steps - 1),
        "there is a step too many": law(steps + 1),
        "only one step is made": law(1),
        "the score is taken at the start only: take it anew in every step": (x - steps * eps * away / variance, once),
        "the noise is drawn once: every step needs a new one": (
            law(steps)[0],
            2 * eps * ((1 - a**steps) / (1 - a)) ** 2,
        ),
    }
    for hint, wrong in mistakes.items():
        if follows(*wrong):
            raise WrongAnswer(_SEVERAL, f"{hint} (seen with steps = {steps})", _STEP)
    middle, spread = law(steps)
    raise WrongAnswer(
        _SEVERAL,
        f"after {steps} steps of eps = {eps:g} the chains should have mean {listed(middle)} and variance "
        f"{listed(spread)}, and have {listed(ends.mean(0))} and {listed(ends.var(0))}",
        _STEP,
    )


def _check_modes(answer: Callable[..., Tensor]) -> None:
    """Two modes far apart, all chains from the middle: half end at each, spread as wide as it is."""
    at, variance, eps = torch.tensor([2.0, 0.0]).double(), 0.25, 0.05

    def score(points: Tensor) -> Tensor:
        right = torch.sigmoid(4 * points[:, :1] / variance)  # how far the point belongs to the mode at +2
        return ((2 * right - 1) * at - points) / variance

    ends = _ends(answer, score, torch.zeros(2000, 2).double(), 200, eps)
    share = float((ends[:, 0] > 0).double().mean())
    if abs(share - 0.5) > 0.07:
        raise WrongAnswer(
            f"of a density with two equal modes {share:.0%} of your chains end at one: each should get half"
        )
    spread = (ends - ends[:, :1].sign() * at).square().mean(0)
    want = variance / (1 - eps / (2 * variance))
    if not bool(((spread / want - 1).abs() < 0.2).all()):
        raise WrongAnswer(f"at each of two modes the chains should have variance {want:.2g}, and have {listed(spread)}")


def _near(got: Tensor, variance: Tensor) -> bool:
    """Whether a variance of normal numbers, one for each chain, can be the one given: six standard errors."""
    return bool(((got / variance - 1).abs() < 6 * (2 / CHAINS) ** 0.5).all())
