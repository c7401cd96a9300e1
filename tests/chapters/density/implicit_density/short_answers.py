"""Answers to the exercises that ask to predict, to criticise and to fool: right in several ways, and wrong."""

import torch
from torch import nn

from interpbook.chapters.density.implicit_density.exercises.predict import QUANTITIES

TRUTH = {quantity: truth for quantity, (truth, _, _) in QUANTITIES.items()}
LOSS, DREAM, GAP, SUM, CALIBRATION, ORDER = QUANTITIES


DICE = torch.Generator().manual_seed(0)


def but(**words):
    """The right prediction with other words at some places."""
    places = {"loss": LOSS, "dream": DREAM, "gap": GAP, "sum": SUM, "calibration": CALIBRATION, "order": ORDER}
    return {**TRUTH, **{places[place]: word for place, word in words.items()}}


def counted(labels):
    return torch.bincount(labels).max() / len(labels)


def by_mode(labels):
    return (labels == labels.mode().values).float().mean().item()


def by_hand(labels):
    listed = labels.tolist()
    return max(listed.count(label) / len(listed) for label in listed)


def rarest(labels):
    counts = torch.bincount(labels)
    return counts[counts > 0].min() / len(labels)


def roughness(x, power=1):
    down, right = x.diff(dim=-2).abs() ** power, x.diff(dim=-1).abs() ** power
    return down.flatten(1).sum(1) + right.flatten(1).sum(1)


def lover(x):
    return 100 * roughness(x)


def sideways(x):
    """Only neighbours in a row."""
    return 200 * x.diff(dim=-1).abs().flatten(1).sum(1)


class Roots(nn.Module):
    """The roots of the differences: small ones count more than for the total variation."""

    def forward(self, x):
        return 100 * roughness(x, power=0.5)


RIGHT = {
    "what_moves": {
        "in order": TRUTH,
        "backwards": dict(reversed(TRUTH.items())),
        "with capitals and full stops": {quantity: f" {word.title()}. " for quantity, word in TRUTH.items()},
    },
    "best_constant": {"by bincount": counted, "by the mode": by_mode, "by counting": by_hand},
    "noise_lover": {"total variation": lover, "along rows": sideways, "roots, as a module": Roots()},
}

WRONG = {
    "what_moves": {
        "the loss moves": (but(loss="moves"), "look again at the adversarial image"),
        "dreams stay": (but(dream="stays"), "look again at the dream"),
        "the gap moves": (but(gap="moves"), "look again at the gradient of the gap"),
        "log-sum-exp stays": (but(sum="stays"), "look again at the gradient of the log of the sum"),
        "calibration moves": (but(calibration="moves"), "look again at whether the probabilities"),
        "the order of two images stays": (but(order="stays"), "look again at which of two images"),
        "all move": (dict.fromkeys(TRUTH, "moves"), "look again at the adversarial image"),
        "all stay": (dict.fromkeys(TRUTH, "stays"), "look again at the dream"),
        "another word": (but(gap="yes"), 'should be "moves" or "stays", and is \'yes\''),
        "truth values": (but(gap=True), 'should be "moves" or "stays", and is True'),
        "one is missing": (
            {k: v for k, v in TRUTH.items() if k != SUM},
            "there is no answer for 'the gradient of the log",
        ),
        "a list": (list(TRUTH.values()), "should be a dictionary"),
    },
    "best_constant": {
        "a count": (lambda labels: torch.bincount(labels).max(), "a share is at most one"),
        "a percentage": (lambda labels: 100 * counted(labels), "a share is at most one"),
        "one in ten": (lambda labels: 0.1, "the share of the best constant answer"),
        "one over the classes": (lambda labels: 1 / len(labels.unique()), "which label is the most common"),
        "the share of label 0": (lambda labels: (labels == 0).double().mean(), "the share of the best constant answer"),
        "the mean label": (lambda labels: labels.double().mean(), "the share of the best constant answer"),
        "one over the largest label": (lambda labels: 1 / (labels.max() + 1), "not every class below the largest"),
        "the rarest": (
            lambda labels: min(map(labels.tolist().count, labels.tolist())) / len(labels),
            "not the best one",
        ),
        "the answer itself": (lambda labels: labels.mode().values, "that is the answer of the judge"),
        "one": (lambda labels: 1, "a share is at most one"),
        "text": (lambda labels: "a tenth", "should be one number"),
    },
    "noise_lover": {
        "a prior for smooth images": (lambda x: -lover(x), "makes noise less likely"),
        "too small": (lambda x: lover(x) / 10_000, "noise becomes more likely, but by"),
        "squares": (lambda x: 100 * roughness(x, power=2), "for others less, as for one of the images with an object"),
        "brightness": (lambda x: 1000 * x.flatten(1).sum(1), "for others less, as for one of the bright images"),
        "contrast": (lambda x: 1000 * x.flatten(1).var(1), "for others less"),
        "differences with a sign": (lambda x: 1000 * x.diff(dim=-1).flatten(1).sum(1), "for others less"),
        "a constant": (lambda x: torch.full((len(x),), 7.0), "the same number with noise and without"),
        "relative to the batch": (lambda x: lover(x) - lover(x).mean(), "should not depend on the others"),
        "summed over the batch": (lambda x: lover(x).sum(), "one number for each"),
        "an image": (lambda x: 100 * x, "one number for each"),
        "a division by zero": (lambda x: lover(x) / 0, "should be finite"),
        "drawn by chance": (lambda x: torch.rand(len(x), generator=DICE), "other values each time"),
        "second differences": (lambda x: 1000 * x.diff(n=2).square().flatten(1).sum(1), "for others less"),
        "a number of Python": (lambda x: 5.0, "returns float"),
    },
}
