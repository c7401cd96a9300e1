"""Answers to the exercises on projected gradient descent: right in several ways, and wrong as people go wrong."""

import itertools

import torch
from chapters.pruning.projected_gradient import run_answers, training_answers

from interpbook.chapters.pruning.projected_gradient.exercises.predict import SITUATIONS

TRUTH = {situation: truth for situation, (truth, _, _) in SITUATIONS.items()}
MASKED, SMALL, LARGE, OPEN, BLACK, LIFTED = SITUATIONS


def kept(w, places):
    answer = torch.zeros_like(w).flatten()
    answer[places] = w.flatten()[places]
    return answer.view_as(w)


def order(w):
    return w.flatten().abs().argsort(descending=True, stable=True)


def project(w, k):
    return kept(w, order(w)[:k])


def by_mask(w, k):
    """What is above the k-th magnitude, and as many of those just there as there is room for."""
    if k == 0:
        return 0 * w
    threshold = w.abs().flatten().sort(descending=True).values[k - 1]
    above, there = w.abs() > threshold, w.abs() == threshold
    room = k - above.sum()
    first = there.flatten().cumsum(0).view_as(w) <= room
    return torch.where(above | (there & first), w, 0.0).float()


def one_by_one(w, k):
    """Take the largest that is left, k times."""
    left, answer = w.abs().flatten(), torch.zeros_like(w).flatten()
    for _ in range(k):
        place = max(range(len(left)), key=lambda i: (float(left[i]), -i))
        answer[place] = w.flatten()[place]
        left[place] = -1
    return answer.view_as(w).tolist()


def by_numpy(w, k):
    flat = w.numpy().copy().reshape(-1)
    flat[(-abs(flat)).argsort(kind="stable")[k:]] = 0
    return flat.reshape(w.shape)


def threshold(keep):
    """All that compares with the k-th magnitude as `keep` says."""

    def answer(w, k):
        magnitude = w.abs()
        if k == 0:
            return 0 * w
        return w * keep(magnitude, magnitude.flatten().sort(descending=True).values[k - 1])

    return answer


def in_place(w, k):
    w.flatten()[order(w)[k:]] = 0
    return w


def by_rows(w, k):
    return torch.stack([project(row, k) for row in w]) if w.dim() > 1 else project(w, k)


def last_slice(w, k):
    """In the order from the smallest on, with the first of ties last; [-0:] is everything."""
    return kept(w, order(w).flip(0)[-k:])


def counts(masks):
    return int((masks[1:] & ~masks[:-1]).sum()), int((masks[-1] & ~masks.all(dim=0)).sum())


def by_columns(masks):
    often, many = 0, 0
    for column in masks.T.tolist():
        for before, after in itertools.pairwise(column):
            often += after and not before
        many += column[-1] and not all(column)
    return often, many


def by_differences(masks):
    change = masks.long().diff(dim=0)
    away = (~masks).cumsum(0)[-1] > 0
    return [float((change > 0).sum()), int((masks[-1] * away).sum())]


def with_counts(often=None, many=None):
    """The right counts, with another one in place of the first or the second."""

    def answer(masks):
        first, second = counts(masks)
        return (often(masks) if often else first), (many(masks) if many else second)

    return answer


RIGHT = {
    "who_comes_back": {
        "as it is": TRUTH,
        "in capitals": {situation: f" {word.upper()}." for situation, word in TRUTH.items()},
        "with one more": {**TRUTH, "a dense network": "can come back"},
    },
    "projection": {
        "by a stable order": project,
        "by masks, float32": by_mask,
        "one by one, a list": one_by_one,
        "by numpy": by_numpy,
    },
    "what_returned": {
        "by masks": counts,
        "column by column": by_columns,
        "by differences": by_differences,
    },
}

WRONG = {
    "who_comes_back": {
        "masked": ({**TRUTH, MASKED: "can come back"}, "lr times zero"),
        "small steps": ({**TRUTH, SMALL: "can come back"}, "at least k weights are larger"),
        "large steps": ({**TRUTH, LARGE: "stays"}, "that k stays is no lock"),
        "open": ({**TRUTH, OPEN: "stays"}, "after the step it is -lr g"),
        "a black pixel": ({**TRUTH, BLACK: "can come back"}, "only a gradient does"),
        "a lifted mask": ({**TRUTH, LIFTED: "stays"}, "weight_orig still holds"),
        "all stay": (dict.fromkeys(TRUTH, "stays"), "look again at k stays; lr"),
        "all come back": (dict.fromkeys(TRUTH, "can come back"), "what does the update add to it?"),
        "another word": ({**TRUTH, OPEN: "moves"}, '"can come back" or "stays", and is \'moves\''),
        "one is missing": ({MASKED: "stays"}, "there is no answer for 'k falls; lr |g|"),
        "a list": (list(TRUTH.values()), "should be a dictionary"),
    },
    "projection": {
        "the largest numbers": (
            lambda w, k: kept(w, w.flatten().argsort(descending=True, stable=True)[:k]),
            "a weight far below zero is large, too",
        ),
        "the smallest": (lambda w, k: kept(w, order(w).flip(0)[:k]), "they are those that go (four weights"),
        "k go": (lambda w, k: project(w, w.numel() - k), "not how many go"),
        "magnitudes": (lambda w, k: project(w, k).abs(), "keeps its sign"),
        "a mask": (lambda w, k: project(w, k) != 0, "this is the mask"),
        "in each row": (by_rows, "k is for all of w"),
        "one too few": (lambda w, k: project(w, max(k - 1, 0)), "one too few are kept"),
        "one too many": (lambda w, k: project(w, k + 1), "one too many are kept"),
        "above the threshold": (threshold(torch.gt), "one too few are kept"),
        "not below the threshold": (threshold(torch.ge), "as large as the k-th are kept, more than k"),
        "no tie is kept": (
            lambda w, k: threshold(torch.gt)(w, k) if len(w.abs().unique()) < w.numel() - 2 else project(w, k),
            "fewer than k are left",
        ),
        "the last of ties": (
            lambda w, k: kept(w, w.flatten().abs().argsort(stable=True)[w.numel() - k :]),
            "you keep the last",
        ),
        "ties as they fall": (
            lambda w, k: kept(w, w.flatten().abs().topk(k).indices.sort().values) if k else 0 * w,
            "`topk` does not promise it",
        ),
        "the first, too many": (lambda w, k: last_slice(w, k), "a slice [-0:] is everything"),
        "w as it is": (lambda w, k: w, "nothing is set to zero (four weights"),
        "nothing": (lambda w, k: 0 * w, "0 entries are not zero, and there should be 2"),
        "rescaled": (lambda w, k: 2 * project(w, k), "they should be as they are in w"),
        "the first k": (lambda w, k: kept(w, torch.arange(k)), "not zero, but others"),
        "in place": (in_place, "you write zeros into w itself"),
        "flat": (lambda w, k: project(w, k).flatten(), "have the same shape"),
        "text": (lambda w, k: "w", "should be a tensor of shape"),
    },
    "what_returned": {
        "all changes": (with_counts(lambda m: (m[1:] ^ m[:-1]).sum()), "also what goes"),
        "what goes": (with_counts(lambda m: (m[:-1] & ~m[1:]).sum()), "you count what goes"),
        "weights, not events": (
            with_counts(lambda m: (m[1:] & ~m[:-1]).any(0).sum()),
            "comes back twice counts twice",
        ),
        "the first mask": (
            with_counts(lambda m: counts(m)[0] + m[0].sum()),
            "what stands in the first mask has not come back",
        ),
        "while it is away": (with_counts(lambda m: (~m).sum()), "you count while a weight is away"),
        "first and last": (with_counts(lambda m: (m[-1] & ~m[0]).sum()), "only the first mask and the last"),
        "against the first": (with_counts(lambda m: (m[1:] & ~m[:1]).sum()), "not with the first"),
        "all that is there": (with_counts(lambda m: m.sum()), "back or not"),
        "ever away": (with_counts(None, lambda m: (~m.all(0)).sum()), "also what is not there at the end"),
        "the first mask alone": (with_counts(None, lambda m: (m[-1] & ~m[0]).sum()), "the first mask alone"),
        "the last step": (
            with_counts(None, lambda m: (m[-1] & ~m[-2]).sum() if len(m) > 1 else 0),
            "the last mask but one alone",
        ),
        "away at the end": (with_counts(None, lambda m: (~m[-1]).sum()), "weights that are away at the end"),
        "there at the end": (with_counts(None, lambda m: m[-1].sum()), "all that is there at the end"),
        "came back once": (
            with_counts(None, lambda m: (m[1:] & ~m[:-1]).any(0).sum()),
            "also what went again",
        ),
        "never there before": (
            with_counts(None, lambda m: (m[-1] & ~m[:-1].any(0)).sum()),
            "one such mask is enough",
        ),
        "events at the end": (
            with_counts(None, lambda m: ((m[1:] & ~m[:-1]) & m[-1]).sum()),
            "however often it came back",
        ),
        "the other way around": (lambda m: counts(m)[::-1], "events; how many at the end comes second"),
        "another number": (with_counts(lambda m: 7), "of 4 masks with 3 weights 1, not 7"),
        "one number": (lambda m: counts(m)[0], "two numbers: how often"),
        "text": (lambda m: ("often", "many"), "should be one number"),
    },
}

RIGHT |= training_answers.RIGHT | run_answers.RIGHT
WRONG |= training_answers.WRONG | run_answers.WRONG
