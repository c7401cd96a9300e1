"""Answers to the exercises on the stability of explanations: right in several ways, and wrong as people go wrong."""

import math

import numpy as np
import torch
from chapters.attribution.stability import agreement_answers, angle_answers, step_answers

from interpbook.chapters.attribution.stability.exercises.predict import SITUATIONS

TRUTH = {situation: truth for situation, (truth, _, _) in SITUATIONS.items()}
PROBABILITY, TRIPLED, BIAS, BOTH, ONE_LOGIT, MEAN = SITUATIONS


def spearman_brown(r1, m):
    return m * r1 / (1 + (m - 1) * r1)


def by_parts(r1, m):
    """What is shared, of what is shared and a network's own."""
    shared, own = r1, (1 - r1) / m
    return shared / (shared + own)


def by_odds(r1, m):
    """The odds of the reliability grow with m."""
    if r1 == 1:
        return 1
    odds = m * r1 / (1 - r1)
    return odds / (1 + odds)


def one_by_one(r1, m):
    """A network more at a time: 1 / r_m - 1 is the own part over the shared one, which falls like 1 / m."""
    return 1 / (1 + (1 / r1 - 1) / m) if r1 else 0


def by_sums_over_pairs(r1, m):
    """The covariance of two sums of m items, with the correlation r1 between any two items."""
    items = torch.full((2 * m, 2 * m), float(r1), dtype=torch.float64).fill_diagonal_(1)
    between, within = items[:m, m:].sum(), items[:m, :m].sum()
    return between / within


def needed(r1, degrees):
    reliability = math.cos(math.radians(degrees))
    return math.ceil(reliability * (1 - r1) / (r1 * (1 - reliability)))


def by_search(r1, degrees):
    m = 1
    while math.degrees(math.acos(spearman_brown(r1, m))) > degrees:
        m += 1
    return m


def by_bisection(r1, degrees):
    low, high = 0, 1
    while spearman_brown(r1, high) < math.cos(math.radians(degrees)):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        enough = spearman_brown(r1, middle) >= math.cos(math.radians(degrees))
        low, high = (low, middle) if enough else (middle, high)
    return torch.tensor(high)


def by_numpy(r1, degrees):
    odds = lambda r: r / (1 - r)  # noqa: E731
    return np.ceil(odds(np.cos(np.deg2rad(degrees))) / odds(r1))


def solved_for(reliability):
    """The right way to solve for m, from another reliability."""

    def answer(r1, degrees):
        wanted = reliability(math.radians(degrees))
        return math.ceil(wanted * (1 - r1) / (r1 * (1 - wanted)))

    return answer


def exact(r1, degrees):
    reliability = math.cos(math.radians(degrees))
    return reliability * (1 - r1) / (r1 * (1 - reliability))


def law_of_the_root(r1, degrees):
    return math.ceil((math.degrees(math.acos(r1)) / degrees) ** 2)


def by_powers(r1, degrees):
    return math.ceil(math.log(r1) / math.log(math.cos(math.radians(degrees))))


def first_order(r1, degrees):
    return math.ceil((1 - r1) / (1 - math.cos(math.radians(degrees))))


def m_for_m_less_one(r1, degrees):
    reliability = math.cos(math.radians(degrees))
    return math.ceil(reliability / (r1 * (1 - reliability)))


RIGHT = {
    "same_or_not": {
        "as it is": TRUTH,
        "in capitals": {situation: f" {word.upper()}." for situation, word in TRUTH.items()},
        "with one more": {**TRUTH, "the seed is another": "turns"},
    },
    "longer_test": {
        "the formula": spearman_brown,
        "by parts": by_parts,
        "by odds": by_odds,
        "one by one": one_by_one,
        "by sums over pairs": by_sums_over_pairs,
        "in torch": lambda r1, m: torch.tensor(m * r1) / (1 + (m - 1) * torch.tensor(r1)),
    },
    "members_needed": {
        "solved": needed,
        "by search": by_search,
        "by bisection": by_bisection,
        "by numpy, as odds": by_numpy,
        "floor and one more": lambda r1, degrees: math.floor(exact(r1, degrees)) + 1,
    },
}

WRONG = {
    "same_or_not": {
        "probability": ({**TRUTH, PROBABILITY: "turns"}, "a function of the log-odds alone"),
        "probability stays": ({**TRUTH, PROBABILITY: "stays"}, "lies between 0 and 1/4"),
        "tripled weights": ({**TRUTH, TRIPLED: "stays"}, "both logits are tripled"),
        "a bias turns it": ({**TRUTH, BIAS: "turns"}, "does a constant have a gradient?"),
        "a bias rescales it": ({**TRUTH, BIAS: "rescales"}, "a constant has no gradient"),
        "h in both": ({**TRUTH, BOTH: "turns"}, "h cancels in the difference"),
        "one logit": ({**TRUTH, ONE_LOGIT: "stays"}, "one logit shows what no prediction depends on"),
        "the mean of p": ({**TRUTH, MEAN: "rescales"}, "the weights of the two gradients are .25 and .09"),
        "the mean of p stays": ({**TRUTH, MEAN: "stays"}, "which of the two networks has the larger"),
        "all turn": (dict.fromkeys(TRUTH, "turns"), "look again at p_1 is explained"),
        "all stay": (dict.fromkeys(TRUTH, "stays"), "look again at p_1 is explained"),
        "another word": ({**TRUTH, TRIPLED: "grows"}, '"turns" or "rescales" or "stays", and is \'grows\''),
        "yes": ({**TRUTH, BOTH: True}, "and is True"),
        "one is missing": ({PROBABILITY: "rescales"}, 'there is no answer for "the last layer'),
        "a list": (list(TRUTH.values()), "should be a dictionary"),
    },
    "longer_test": {
        "unchanged": (lambda r1, m: r1, "makes networks agree more"),
        "m times": (lambda r1, m: m * r1, "this passes 1"),
        "m times, capped": (lambda r1, m: min(1, m * r1), "cutting off at 1 does not help"),
        "a root": (lambda r1, m: r1 ** (1 / m), "wrong between them"),
        "disagreement over m": (lambda r1, m: 1 - (1 - r1) / m, "only as long as r1 is near 1"),
        "independent chances": (lambda r1, m: 1 - (1 - r1) ** m, "not independent chances"),
        "root of m": (lambda r1, m: r1 / (r1 + (1 - r1) / m**0.5), "and not like its root"),
        "square of m": (lambda r1, m: r1 / (r1 + (1 - r1) / m**2), "the square of that"),
        "upside down": (lambda r1, m: r1 / (r1 + (1 - r1) * m), "upside down"),
        "m in place of m - 1": (lambda r1, m: r1 * m / (1 + m * r1), "count the networks besides the first"),
        "m + 1 in place of m - 1": (lambda r1, m: r1 * m / (1 + (m + 1) * r1), "the sign of the 1"),
        "against what all share": (lambda r1, m: spearman_brown(r1, m) ** 0.5, "the root of what is asked"),
        "against one network": (lambda r1, m: (r1 * spearman_brown(r1, m)) ** 0.5, "both are to have m members"),
        "angles averaged": (lambda r1, m: math.cos(math.acos(r1) / m**0.5), "divides the angle by the root of m"),
        "rounded": (lambda r1, m: round(spearman_brown(r1, m), 1), "your function says 0.7, not 0.667"),
        "whole numbers": (lambda r1, m: m * r1 // (1 + (m - 1) * r1), "your function says 0, not 0.667"),
        "a pair": (lambda r1, m: (r1, m), "should be one number"),
        "no function": (2 / 3, "should be a function"),
    },
    "members_needed": {
        "not rounded": (exact, "a number of networks is whole"),
        "rounded down": (lambda *case: math.floor(exact(*case)), "rounded down"),
        "rounded to the nearest": (lambda *case: round(exact(*case)), "rounded to the nearest"),
        "degrees as radians": (
            lambda r1, degrees: math.ceil(math.cos(degrees) * (1 - r1) / (r1 * (1 - math.cos(degrees)))),
            "cos takes radians",
        ),
        "180 over pi": (solved_for(lambda radians: math.cos(math.degrees(math.degrees(radians)))), "not by 180 / pi"),
        "one over the root of m": (law_of_the_root, "only once it is small"),
        "first order": (first_order, "only once r_m is near 1"),
        "powers": (by_powers, "not the Spearman-Brown formula"),
        "upside down": (lambda *case: math.ceil(1 / exact(*case)), "the smaller the angle"),
        "both ensembles": (lambda *case: 2 * needed(*case), "do not count both"),
        "m in place of m - 1": (m_for_m_less_one, "in place of m - 1"),
        "sine": (solved_for(math.sin), "not its sine"),
        "squared cosine": (solved_for(lambda radians: math.cos(radians) ** 2), "not its square"),
        "root of the cosine": (solved_for(lambda radians: math.cos(radians) ** 0.5), "not the root of the cosine"),
        "a straight line": (solved_for(lambda radians: 1 - radians / (math.pi / 2)), "along a straight line"),
        "one too few": (lambda *case: max(1, needed(*case) - 2), "with so many the angle is"),
        "one too many": (lambda *case: needed(*case) + 1, "with one fewer the angle is"),
        "none": (lambda *case: 0, "a whole number from 1 on"),
        "infinitely many": (lambda *case: math.inf, "a whole number from 1 on"),
        "text": (lambda *case: "many", "should be one number"),
    },
}

for part in (agreement_answers, angle_answers, step_answers):
    RIGHT |= part.RIGHT
    WRONG |= part.WRONG
