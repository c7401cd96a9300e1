"""Answers to the exercise on keeping and retraining, with masks of the reader's own."""

import numpy as np
import torch


def keep(images, score, k):
    """The k pixels of each image with the largest scores; the others are 0."""
    places = score.topk(k, dim=1).indices
    return images * torch.zeros_like(images).scatter(1, places, 1.0)


def top_minus_bottom(train, test, explain, k, retrain):
    accuracies = []
    for sign in (1, -1):
        splits = []
        for images, labels in (train, test):
            splits.append((keep(images, sign * explain(images).abs(), k), labels))
        accuracies.append(retrain(*splits))
    return accuracies[0] - accuracies[1]


def by_ranks(train, test, explain, k, retrain):
    """The bottom first, by the place of each pixel in its image's order."""
    accuracy = {}
    for end in ("bottom", "top"):
        kept = []
        for images, labels in (train, test):
            place = explain(images).abs().argsort(dim=1).argsort(dim=1)
            mask = place < k if end == "bottom" else place >= images.shape[1] - k
            kept.append((torch.where(mask, images, 0), labels))
        accuracy[end] = retrain(kept[0], kept[1])
    return accuracy["top"] - accuracy["bottom"]


def by_numpy(train, test, explain, k, retrain):
    def masked(images, labels, places):
        result = np.zeros(images.shape)
        np.put_along_axis(result, places, np.take_along_axis(images.numpy(), places, 1), 1)
        return torch.from_numpy(result), labels

    order = [explain(images).abs().numpy().argsort(1) for images, _ in (train, test)]
    d = train[0].shape[1]
    bottom = [masked(*split, places[:, :k]) for split, places in zip((train, test), order, strict=True)]
    top = [masked(*split, places[:, d - k :]) for split, places in zip((train, test), order, strict=True)]
    return np.float64(retrain(*top)) - retrain(*bottom)


def image_by_image(train, test, explain, k, retrain):
    def kept(images, largest):
        result = torch.zeros_like(images)
        for row, sizes in enumerate(explain(images).abs()):
            for pixel in sizes.topk(k, largest=largest).indices:
                result[row, pixel] = images[row, pixel]
        return result

    scores = [
        retrain((kept(train[0], largest), train[1]), (kept(test[0], largest), test[1])) for largest in (True, False)
    ]
    return torch.tensor(scores[0] - scores[1])


def by_masks(masks, combine=lambda top, bottom: top - bottom):
    """An answer that keeps what `masks(images, g, k)` says: first the top, then the bottom."""

    def answer(train, test, explain, k, retrain):
        splits = []
        for images, labels in (train, test):
            splits.append([(images * mask, labels) for mask in masks(images, explain(images), k)])
        return combine(*map(retrain, *splits))

    return answer


def top(score, k):
    return torch.zeros_like(score).scatter(1, score.topk(k, dim=1).indices, 1.0)


def both(images, g, k):
    return top(g.abs(), k), top(-g.abs(), k)


def complement(images, g, k):
    return top(g.abs(), k), 1 - top(g.abs(), k)


def erased(images, g, k):
    return 1 - top(g.abs(), k), 1 - top(-g.abs(), k)


def at_least(images, g, k):
    sizes = g.abs()
    return sizes >= sizes.topk(k, dim=1).values[:, -1:], sizes <= (-sizes).topk(k, dim=1).values[:, -1:].neg()


def limit_of_the_batch(images, g, k):
    sizes = g.abs()
    order = sizes.flatten().sort().values
    n = len(images) * k
    return sizes >= order[-n], sizes <= order[n - 1]


def strictly_above(images, g, k):
    sizes = g.abs()
    return sizes > sizes.topk(k, dim=1).values[:, -1:], sizes < (-sizes).topk(k, dim=1).values[:, -1:].neg()


def one_for_all(images, g, k):
    mean = g.abs().mean(0).expand_as(g)
    return top(mean, k), top(-mean, k)


def shuffled(images, g, k):
    return top(g.abs().roll(1, dims=1), k), top(-g.abs().roll(1, dims=1), k)


def of_one_split(masked):
    """Mask one split alone: the first (training) or the second (test)."""

    def answer(train, test, explain, k, retrain):
        accuracies = []
        for sign in (1, -1):
            splits = [train, test]
            images, labels = splits[masked]
            splits[masked] = (keep(images, sign * explain(images).abs(), k), labels)
            accuracies.append(retrain(*splits))
        return accuracies[0] - accuracies[1]

    return answer


def trained_on_top_tested_on_bottom(train, test, explain, k, retrain):
    ends = [
        [(keep(images, sign * explain(images).abs(), k), labels) for images, labels in (train, test)]
        for sign in (1, -1)
    ]
    return retrain(ends[0][0], ends[0][1]) - retrain(ends[0][0], ends[1][1])


def gradients_of_training_for_test(train, test, explain, k, retrain):
    g = explain(train[0]).abs()
    accuracies = []
    for sign in (1, -1):
        pairs = [(keep(images, sign * g[: len(images)], k), labels) for images, labels in (train, test)]
        accuracies.append(retrain(*pairs))
    return accuracies[0] - accuracies[1]


def filled_with_the_mean(train, test, explain, k, retrain):
    accuracies = []
    for sign in (1, -1):
        pairs = []
        for images, labels in (train, test):
            mask = top(sign * explain(images).abs(), k)
            pairs.append((images * mask + images.mean() * (1 - mask), labels))
        accuracies.append(retrain(*pairs))
    return accuracies[0] - accuracies[1]


def masks_in_place_of_images(train, test, explain, k, retrain):
    pairs = [[(top(sign * explain(images).abs(), k), labels) for images, labels in (train, test)] for sign in (1, -1)]
    return retrain(*pairs[0]) - retrain(*pairs[1])


def no_bottom(train, test, explain, k, retrain):
    first = retrain(*[(keep(images, explain(images).abs(), k), labels) for images, labels in (train, test)])
    return first - 1 / 3


def labels_in_another_order(train, test, explain, k, retrain):
    def swapped(split, other):
        return retrain(split, (other[0], other[1].flip(0)))

    return top_minus_bottom(train, test, explain, k, swapped)


def training_for_test(train, test, explain, k, retrain):
    return top_minus_bottom(train, train, explain, k, retrain)


def never_trained(train, test, explain, k, retrain):
    g = explain(test[0]).abs()
    return keep(test[0], g, k).mean() - keep(test[0], -g, k).mean()


RIGHT = {
    "diffroar": {
        "two signs": top_minus_bottom,
        "by ranks, bottom first": by_ranks,
        "by numpy": by_numpy,
        "image by image": image_by_image,
        "by masks": by_masks(both),
    }
}

WRONG = {
    "diffroar": {
        "test masked alone": (of_one_split(1), "the training images are whole"),
        "training masked alone": (of_one_split(0), "the test images are whole"),
        "signed top": (by_masks(lambda images, g, k: (top(g, k), top(-g.abs(), k))), "the largest signed gradients"),
        "signed both": (by_masks(lambda images, g, k: (top(g, k), top(-g, k))), "signed gradients"),
        "signed bottom": (
            by_masks(lambda images, g, k: (top(g.abs(), k), top(-g, k))),
            "the smallest signed gradients",
        ),
        "complement": (by_masks(complement), "your bottom is all that is not in the top"),
        "erased": (by_masks(erased), "set k = 3 to zero: keep k"),
        "ties": (by_masks(at_least), "`>=` a limit may not"),
        "one limit for the batch": (by_masks(limit_of_the_batch), "rank within each image"),
        "strictly above the limit": (by_masks(strictly_above), "your images keep 2"),
        "one mask for all": (by_masks(one_for_all), "a ranking of its own"),
        "brightness": (by_masks(lambda images, g, k: (top(images, k), top(-images, k))), "the brightest pixels"),
        "other pixels": (by_masks(shuffled), "neither those with the largest |g| nor those with the smallest"),
        "trained on top, tested on bottom": (trained_on_top_tested_on_bottom, "the same end for both"),
        "gradients of the training images for the test": (
            gradients_of_training_for_test,
            "need the gradients of the test images",
        ),
        "filled with the mean": (filled_with_the_mean, "set the others to 0"),
        "masks in place of images": (masks_in_place_of_images, "set the others to 0"),
        "bottom less top": (by_masks(both, lambda a, b: b - a), "this is bottom less top"),
        "top": (by_masks(both, lambda a, b: a), "on the top alone"),
        "bottom": (by_masks(both, lambda a, b: b), "on the bottom alone"),
        "sum": (by_masks(both, lambda a, b: a + b), "are added"),
        "no sign": (by_masks(both, lambda a, b: abs(a - b)), "the sign is lost"),
        "ratio": (by_masks(both, lambda a, b: a / b), "this is a ratio"),
        "percent": (by_masks(both, lambda a, b: 100 * (a - b)), "in percent"),
        "half": (by_masks(both, lambda a, b: (a - b) / 2), "half of the difference"),
        "rounded": (by_masks(both, lambda a, b: round(a - b, 1)), "and you say 0.3"),
        "top less chance": (no_bottom, "on the bottom 3 pixels"),
        "top twice": (by_masks(lambda images, g, k: [top(g.abs(), k)] * 2), "on the bottom 3 pixels"),
        "bottom twice": (by_masks(lambda images, g, k: [top(-g.abs(), k)] * 2), "on the top 3 pixels"),
        "labels in another order": (labels_in_another_order, "are not those of the test split"),
        "tested on the training images": (training_for_test, "given as test images should have shape"),
        "never trained": (never_trained, "retrain was never called"),
        "both accuracies": (by_masks(both, lambda a, b: (a, b)), "should be one number"),
        "no function": (0.0, "should be a function"),
    }
}
