"""DiffROAR: what a network trained again makes of the top pixels, less what it makes of the bottom ones."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, number, tensor

D, CLASSES = 12, 3
# Pixels to keep, and what is special about the gradients: some are equal in size; the ranking is the wrong way round.
CASES = ((3, ""), (8, ""), (6, "reversed"), (4, "equal"), (7, "equal"), (D, ""))
_NUDGE = "print `(images != 0).sum(1)` of all images that you hand to retrain, for training and for testing"
_KEEP = "kept = torch.zeros_like(g).scatter(1, g.abs().topk(k, dim=1).indices, 1.0); images * kept"
_FORMULA = "retrain(top of train, top of test) - retrain(bottom of train, bottom of test)"

Data = tuple[Tensor, Tensor]


@dataclass
class _Problem:
    """A training and a test split, a gradient to rank by, and a retraining that writes down what it is given."""

    k: int
    special: str
    train: Data
    test: Data
    weights: Tensor
    seen: list[tuple[Tensor, Tensor, float]] = field(default_factory=list)

    def explain(self, images: Tensor) -> Tensor:
        """Signed gradients; where some are equal in size, there are zeros among them."""
        images = torch.as_tensor(images).double()
        g = (1 + 2 * images) * (images @ self.weights).sin()
        if self.special == "reversed":
            return 1 / g
        return (2 * g).round() / 2 if self.special == "equal" else g

    def retrain(self, train: Data, test: Data) -> float:
        """The accuracy on the test split of the nearest class mean of the training split."""
        splits = [_read(*pair) for pair in ((train, self.train, "training"), (test, self.test, "test"))]
        (x, kept), (new, new_kept) = splits
        labels, truth = self.train[1], self.test[1]
        means = torch.stack([x[labels == label].mean(0) for label in range(CLASSES)])
        accuracy = float((torch.cdist(new, means).argmin(1) == truth).double().mean())
        self.seen.append((kept, new_kept, accuracy))
        return accuracy


def _problems() -> Iterator[_Problem]:
    """Pixels are positive; those of the label's third are brighter, and the gradient is large there."""
    generator = torch.Generator().manual_seed(3)
    for k, special in CASES:
        splits = []
        for n in (24, 15):
            labels = torch.arange(n) % CLASSES
            images = 0.2 + 0.8 * torch.rand((n, D), generator=generator, dtype=torch.float64)
            bright = torch.arange(D) // (D // CLASSES) == labels[:, None]
            splits.append((images + 0.5 * bright, labels))
        weights = torch.randn((D, D), generator=generator, dtype=torch.float64)
        yield _Problem(k, special, splits[0], splits[1], weights)


@exercise(rating=2, minutes=20)
def diffroar(answer: Callable[..., object]) -> str:
    """A function of `train, test, explain, k, retrain`: accuracy on the top k pixels less that on the bottom k."""
    expect_function(answer)
    problems = list(_problems())
    said = [_answered(answer, problem) for problem in problems]
    accuracies = [_accuracies(problem) for problem in problems]
    values = [(value, *pair) for value, pair in zip(said, accuracies, strict=True)]
    _check_values(*torch.tensor(values, dtype=torch.float64).T)
    return "both ends keep equally many pixels, so a reversed ranking only flips the sign."


def _answered(answer: Callable[..., object], problem: _Problem) -> float:
    train, test = ((images.clone(), labels.clone()) for images, labels in (problem.train, problem.test))
    return number(answer(train, test, problem.explain, problem.k, problem.retrain), "the difference")


def _read(given: Any, whole: Data, split: str) -> Data:
    """The images of a split as `retrain` is given it, and which pixels are kept."""
    images, labels = whole
    try:
        x, y = given
    except (TypeError, ValueError):
        raise WrongAnswer(f"retrain takes two pairs (images, labels); its {split} split is none") from None
    x = tensor(x, tuple(images.shape), f"what retrain is given as {split} images")
    y = tensor(y, tuple(labels.shape), f"what retrain is given as {split} labels")
    if not torch.equal(y, labels.double()):
        raise WrongAnswer(f"the {split} labels that retrain is given are not those of the {split} split, in its order")
    kept = x == images
    if (x[~kept] != 0).any():
        raise WrongAnswer(
            f"a {split} image holds a value that is neither its own nor 0: keep pixels as they are, set the others to 0"
        )
    return x, kept


def _accuracies(problem: _Problem) -> tuple[float, float]:
    """Of the retraining on the top and on the bottom pixels, which have to be among those that were seen."""
    if not problem.seen:
        raise WrongAnswer(
            "whose accuracy is the difference made of? A network has to be trained on what is kept",
            "retrain was never called: call it once for the top and once for the bottom",
            _FORMULA,
        )
    gradients = [problem.explain(images) for images, _ in (problem.train, problem.test)]
    tops = [_both(problem, gradients, kept, largest=True) for *kept, _ in problem.seen]
    bottoms = [_both(problem, gradients, kept, largest=False) for *kept, _ in problem.seen]
    for (*kept, _), top, bottom in zip(problem.seen, tops, bottoms, strict=True):
        if not top and not bottom:
            raise WrongAnswer(_NUDGE, _mask_mistake(problem, gradients, kept, any(tops)), _KEEP)
    for name, found in (("top", tops), ("bottom", bottoms)):
        if not any(found):
            raise WrongAnswer(_NUDGE, f"no network was trained and tested on the {name} {problem.k} pixels", _FORMULA)
    accuracies = [accuracy for *_, accuracy in problem.seen]
    return accuracies[tops.index(True)], accuracies[bottoms.index(True)]


def _both(problem: _Problem, gradients: list[Tensor], kept: list[Tensor], largest: bool) -> bool:
    """Whether both splits keep k pixels, none smaller (or none larger) in size than one that is not kept."""
    sign = 1 if largest else -1
    return all(_extreme(sign * g.abs(), mask, problem.k) for g, mask in zip(gradients, kept, strict=True))


def _extreme(score: Tensor, kept: Tensor, k: int) -> bool:
    if not (kept.sum(1) == k).all():
        return False
    least, most = score.masked_fill(~kept, torch.inf).amin(1), score.masked_fill(kept, -torch.inf).amax(1)
    return bool((least >= most).all())


def _mask_mistake(problem: _Problem, gradients: list[Tensor], kept: list[Tensor], has_top: bool) -> str:
    k, counts = problem.k, [mask.sum(1) for mask in kept]
    whole = [bool((count == D).all()) for count in counts]
    if whole[0] != whole[1]:
        names = ("training", "test") if whole[0] else ("test", "training")
        return f"the {names[0]} images are whole, and the {names[1]} images are not: mask both"
    if problem.special == "equal" and _ignoring_ties(gradients, kept, k):
        return (
            f"where gradients are equal in size you keep more than k = {k} pixels: topk keeps k, `>=` a limit may not"
        )
    if all((count == D - k).all() for count in counts) and k != D - k:
        if has_top:
            return f"your bottom is all that is not in the top, {D - k} pixels: keep the {k} with the smallest |g|"
        return f"you keep {D - k} of {D} pixels and set k = {k} to zero: keep k"
    if not all((count == k).all() for count in counts):
        found = sorted({int(n) for count in counts for n in count})
        return f"of k = {k} pixels to keep, your images keep {' or '.join(map(str, found))}: rank within each image"
    return _rank_mistake(gradients, kept, problem)


def _ignoring_ties(gradients: list[Tensor], kept: list[Tensor], k: int) -> bool:
    for sign in (1, -1):
        limits = [(sign * g.abs()).topk(k, dim=1).values[:, -1:] for g in gradients]
        masks = [sign * g.abs() >= limit for g, limit in zip(gradients, limits, strict=True)]
        if all(map(torch.equal, masks, kept)):
            return True
    return False


def _rank_mistake(gradients: list[Tensor], kept: list[Tensor], problem: _Problem) -> str:
    """Why masks with k pixels in each image keep others than the largest or smallest gradients."""
    k = problem.k
    rankings = {
        "you take the largest signed gradients: a large negative one is large, too; rank by size": gradients,
        "you take the smallest signed gradients: those are large and negative; rank by size": [-g for g in gradients],
        "these are the brightest pixels: rank by the gradient": [problem.train[0], problem.test[0]],
        "these are the darkest pixels: rank by the gradient": [-problem.train[0], -problem.test[0]],
    }
    for hint, scores in rankings.items():
        if all(_extreme(score, mask, k) for score, mask in zip(scores, kept, strict=True)):
            return hint
    sides = [[_extreme(sign * g.abs(), mask, k) for sign in (1, -1)] for g, mask in zip(gradients, kept, strict=True)]
    if sides[0] != sides[1] and any(sides[0]) and any(sides[1]):
        return "this network is trained on one end of the ranking and tested on the other: the same end for both"
    if all((mask == mask[0]).all() for mask in kept):
        return "all images keep the same pixels: each image has a ranking of its own"
    right = [split for split, ends in zip(("training", "test"), sides, strict=True) if any(ends)]
    if len(right) == 1:
        other = "test" if right == ["training"] else "training"
        return f"the {right[0]} masks are right; the {other} images need the gradients of the {other} images"
    return f"k = {k} pixels of each image are kept, but neither those with the largest |g| nor those with the smallest"


def _check_values(said: Tensor, top: Tensor, bottom: Tensor) -> None:
    """One number for each problem."""
    want = top - bottom
    if close(said, want):
        return
    mistakes = {
        "this is bottom less top: it is positive where the explanation ranks badly": bottom - top,
        "this is the accuracy on the top alone": top,
        "this is the accuracy on the bottom alone": bottom,
        "the two accuracies are added: take the difference": top + bottom,
        "the sign is lost: where the ranking is the wrong way round, the bottom wins": want.abs(),
        "this is a ratio: take the difference": top / bottom,
        "this is in percent: accuracies lie between 0 and 1": 100 * want,
        "this is half of the difference": want / 2,
    }
    hints = [hint for hint, wrong in mistakes.items() if close(said, wrong)]
    place = next(i for i in range(len(want)) if not close(said[i], want[i]))
    plain = (
        f"with k = {CASES[place][0]} of {D} pixels the top has {float(top[place]):.3g} and the bottom "
        f"{float(bottom[place]):.3g}, which makes {float(want[place]):.3g}, and you say {float(said[place]):.3g}"
    )
    raise WrongAnswer("which of the two accuracies should be larger?", (hints or [plain])[0], _FORMULA)
