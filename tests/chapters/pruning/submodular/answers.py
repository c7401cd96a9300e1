"""Answers to the exercises on submodular selection: right in several ways, and wrong as people go wrong."""

import numpy as np
import torch
from chapters.pruning.submodular import channel_answers, gain_answers

from interpbook.chapters.pruning.submodular.exercises.predict import SITUATIONS
from interpbook.pruning import reweight

TRUTH = {situation: truth for situation, (truth, _, _) in SITUATIONS.items()}
DEAD, TWICE, SMALLEST, PAIR, CONSTANT, SPANNED = SITUATIONS


def solved(columns, target):
    return torch.linalg.lstsq(columns, target).solution


def whole(weights, places, rows):
    """Rows at their places, in a matrix of zeros."""
    answer = torch.zeros_like(weights)
    answer[places] = rows
    return answer


def gone(weights, kept):
    return torch.tensor([i for i in range(len(weights)) if i not in kept.tolist()])


def repair(activations, weights, kept):
    return whole(weights, kept, solved(activations[:, kept], activations @ weights))


def by_normal_equations(activations, weights, kept):
    gram = activations.T @ activations
    cross = gram @ weights
    return whole(weights, kept, torch.linalg.solve(gram[kept][:, kept], cross[kept]))


def by_a_correction(activations, weights, kept):
    """The old rows, and what went in terms of what stays."""
    others = gone(weights, kept)
    lost = activations[:, others] @ weights[others]
    return whole(weights, kept, weights[kept] + solved(activations[:, kept], lost))


def by_numpy(activations, weights, kept):
    a, w, places = activations.numpy(), weights.numpy(), kept.numpy()
    answer = np.zeros_like(w)
    answer[places] = np.linalg.lstsq(a[:, places], a @ w, rcond=None)[0]
    return answer


def in_a_list(activations, weights, kept):
    """Output by output, in float32."""
    a, w = activations.float(), weights.float()
    rows = [[0.0] * w.shape[1] for _ in w]
    for output in range(w.shape[1]):
        column = torch.linalg.pinv(a[:, kept]) @ a @ w[:, output]
        for place, value in zip(kept.tolist(), column.tolist(), strict=True):
            rows[place][output] = value
    return rows


def of_the_library(activations, weights, kept):
    gram = activations.T @ activations
    return whole(weights, kept, reweight(gram, gram @ weights, kept, weights))


def changed(rows):
    """The right answer, with other rows for the kept ones."""

    def answer(activations, weights, kept):
        best, old = repair(activations, weights, kept)[kept], weights[kept]
        return whole(weights, kept, rows(activations, weights, kept, best, old))

    return answer


def with_a_bias(a, w, kept, best, old):
    ones = torch.ones_like(a[:, :1])
    return solved(torch.cat([a[:, kept], ones], 1), a @ w)[:-1]


def centered(a, w, kept, best, old):
    own, target = a[:, kept], a @ w
    return solved(own - own.mean(0), target - target.mean(0))


def block_of_the_inverse(a, w, kept, best, old):
    return torch.linalg.pinv(a.T @ a)[kept][:, kept] @ a[:, kept].T @ a @ w


def one_by_one(a, w, kept, best, old):
    return torch.stack([a[:, i] @ a @ w / a[:, i].square().sum() for i in kept])


def rescaled(a, w, kept, best, old):
    short, target = a[:, kept] @ old, a @ w
    return old * (short * target).sum() / short.square().sum()


def ridge(a, w, kept, best, old):
    gram = a[:, kept].T @ a[:, kept]
    return torch.linalg.solve(gram + torch.eye(len(kept)), a[:, kept].T @ a @ w)


def others_solved(activations, weights, kept):
    return repair(activations, weights, gone(weights, kept))


def rest_left(activations, weights, kept):
    answer = weights.clone()
    answer[kept] = repair(activations, weights, kept)[kept]
    return answer


def one_row_left(activations, weights, kept):
    answer = repair(activations, weights, kept)
    answer[gone(weights, kept)[0]] = 1
    return answer


def in_place(activations, weights, kept):
    weights.copy_(repair(activations, weights, kept))
    return weights


RIGHT = {
    "who_may_go": {
        "as it is": TRUTH,
        "in capitals": {situation: f" {word.upper()}." for situation, word in TRUTH.items()},
        "with one more": {**TRUTH, "all neurons": "costs"},
    },
    "repaired": {
        "by least squares": repair,
        "by normal equations": by_normal_equations,
        "by a correction": by_a_correction,
        "by numpy": by_numpy,
        "in a list, float32": in_a_list,
        "by the library": of_the_library,
    },
}

WRONG = {
    "who_may_go": {
        "dead": ({**TRUTH, DEAD: "costs"}, "it adds zero to the next layer"),
        "twice another": ({**TRUTH, TWICE: "costs"}, "however large these are"),
        "smallest weights": ({**TRUTH, SMALLEST: "is free"}, "may be little, but not nothing"),
        "both of a pair": ({**TRUTH, PAIR: "is free"}, "who is left?"),
        "a constant": ({**TRUTH, CONSTANT: "is free"}, "the bias is not solved again"),
        "all is spanned": ({**TRUTH, SPANNED: "costs"}, "combine to any column of n numbers"),
        "all free": (dict.fromkeys(TRUTH, "is free"), "look again at it is new, and its row of W is the smallest"),
        "all cost": (dict.fromkeys(TRUTH, "costs"), "look again at its output is 0"),
        "another word": ({**TRUTH, DEAD: "free"}, '"is free" or "costs", and is \'free\''),
        "yes": ({**TRUTH, PAIR: True}, "and is True"),
        "one is missing": ({DEAD: "is free"}, "there is no answer for 'it is twice"),
        "a list": (list(TRUTH.values()), "should be a dictionary"),
    },
    "repaired": {
        "old rows": (changed(lambda a, w, kept, best, old: old), "nothing makes up for what went"),
        "against their own output": (
            changed(lambda a, w, kept, best, old: solved(a[:, kept], a[:, kept] @ old)),
            "solving against A_S W_S gives just them",
        ),
        "nothing removed": (lambda a, w, kept: w, "nothing is removed (12 examples"),
        "zeros": (lambda a, w, kept: 0 * w, "all is zero"),
        "the removed ones": (others_solved, "the removed neurons are solved for"),
        "the correction alone": (changed(lambda a, w, kept, best, old: best - old), "this is the correction alone"),
        "the old rows twice": (changed(lambda a, w, kept, best, old: best + old), "holds them already"),
        "the correction off": (changed(lambda a, w, kept, best, old: 2 * old - best), "not taken away"),
        "the rest left": (rest_left, "those of the removed neurons are W's"),
        "a bias": (changed(with_a_bias), "the bias stays"),
        "means taken off": (changed(centered), "with means taken off"),
        # With more examples than neurons these are W's own rows; the third case has fewer.
        "all, then cut": (
            changed(lambda a, w, kept, best, old: solved(a, a @ w)[kept] if len(a) > len(w) else old),
            "nothing makes up for what went",
        ),
        "all, then cut, few examples": (
            lambda a, w, kept: (
                whole(w, kept, (torch.linalg.pinv(a) @ a @ w)[kept]) if len(a) < len(w) else repair(a, w, kept)
            ),
            "kept ones alone (9 examples",
        ),
        "a block of the inverse": (changed(block_of_the_inverse), "not the inverse of its block"),
        "each alone": (changed(one_by_one), "as if the others were not there"),
        "C alone": (changed(lambda a, w, kept, best, old: a[:, kept].T @ a @ w), "divide by G_SS"),
        "one factor": (changed(rescaled), "one factor for all"),
        "in ascending order": (
            lambda a, w, kept: whole(w, kept.sort().values, repair(a, w, kept)[kept]),
            "`kept` may come in any order (20 examples",
        ),
        "in the first rows": (
            lambda a, w, kept: whole(w, torch.arange(len(kept)), repair(a, w, kept)[kept]),
            "stands in the first rows",
        ),
        "the kept rows alone": (lambda a, w, kept: repair(a, w, kept)[kept], "also for those that went"),
        "transposed": (lambda a, w, kept: repair(a, w, kept).T, "should have shape (5, 3)"),
        "one row left": (one_row_left, "neuron 1 went, and its row is not zero"),
        "ridge": (changed(ridge), "the squared error ||T - A V||^2 is"),
        "in place": (in_place, "you write into W itself"),
        "text": (lambda a, w, kept: "W", "should be a tensor of shape"),
    },
}

RIGHT |= gain_answers.RIGHT | channel_answers.RIGHT
WRONG |= gain_answers.WRONG | channel_answers.WRONG
