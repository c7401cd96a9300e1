"""Answers to the exercises on runs and on a pruned layer: right in several ways, and wrong."""

import itertools

import torch
from torch.nn import functional as F


def pairs(experiments):
    found = []
    for j, second in enumerate(experiments):
        for i, first in enumerate(experiments[:j]):
            if first["method"] != second["method"] and first == {**second, "method": first["method"]}:
                found.append((i, j))
    return found


def by_groups(experiments):
    """Sort into groups that are equal in the rest, and pair within them."""
    groups = {}
    for place, experiment in enumerate(experiments):
        rest = tuple(sorted((name, repr(value)) for name, value in experiment.items() if name != "method"))
        groups.setdefault(rest, []).append(place)
    together = []
    for group in groups.values():
        together += [list(pair) for pair in itertools.combinations(group, 2)]
    return [pair for pair in together if experiments[pair[0]]["method"] != experiments[pair[1]]["method"]]


def as_a_set(experiments):
    return set(pairs(experiments))


def agreeing(*names, methods=True):
    """Pairs that agree in some entries alone."""

    def answer(experiments):
        found = []
        for i, j in itertools.combinations(range(len(experiments)), 2):
            first, second = experiments[i], experiments[j]
            if methods and first["method"] == second["method"]:
                continue
            if all(first.get(name) == second.get(name) for name in names):
                found.append((i, j))
        return found

    return answer


USUAL = ("steps", "restarts", "sparsity", "seeds")


def as_many_seeds(experiments):
    return pairs([{**experiment, "seeds": len(experiment["seeds"])} for experiment in experiments])


def both_orders(experiments):
    return [pair for i, j in pairs(experiments) for pair in ((i, j), (j, i))]


def neighbours(experiments):
    return [(i, j) for i, j in pairs(experiments) if j == i + 1]


def with_itself(experiments):
    return [(i, i) for i in range(len(experiments))]


def effective_gradient(layer, x, y, weight):
    weight = weight.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(F.mse_loss(F.linear(x, weight, layer.bias), y), weight)
    return gradient


def opened(layer, x, y, lr):
    answers = []
    for start in (layer.weight_orig, layer.weight_orig * layer.weight_mask):
        answers.append(start.detach() - lr * effective_gradient(layer, x, y, start))
    return answers


def through_the_layer(layer, x, y, lr):
    """The layer's own `weight`, of which torch gives an unmasked gradient; then the mask set to one."""
    loss = F.mse_loss(layer(x), y)
    projected = layer.weight - lr * torch.autograd.grad(loss, layer.weight)[0]
    layer.weight_mask.fill_(1)
    F.mse_loss(layer(x), y).backward()
    lifted = layer.weight_orig - lr * layer.weight_orig.grad
    return lifted.detach(), projected.detach()


def by_formula(layer, x, y, lr):
    def stepped(weight):
        residual = x @ weight.T + layer.bias - y
        return (weight - lr * 2 / y.numel() * residual.T @ x).detach().float()

    return stepped(layer.weight_orig), stepped(layer.weight_orig * layer.weight_mask)


def masked_gradient(layer, x, y):
    """What backward leaves in weight_orig.grad."""
    (gradient,) = torch.autograd.grad(F.mse_loss(layer(x), y), layer.weight_orig)
    return gradient


def with_weights(first=None, second=None):
    """The right weights, with another one in place of the first or the second: of (layer, x, y, lr, dense, sparse)."""

    def answer(layer, x, y, lr):
        dense = layer.weight_orig.detach()
        given = (layer, x, y, lr, dense, dense * layer.weight_mask)
        lifted, projected = opened(layer, x, y, lr)
        return (first(*given) if first else lifted), (second(*given) if second else projected)

    return answer


def no_bias(layer, x, y, lr, dense, sparse):
    residual = x @ sparse.T - y
    return sparse - lr * 2 / y.numel() * residual.T @ x


def at(start, place, sign=-1):
    """A step from one of the two weights, 0 dense or 1 sparse, with the gradient at one of the two."""

    def answer(layer, x, y, lr, *weights):
        return weights[start] + sign * lr * effective_gradient(layer, x, y, weights[place])

    return answer


RIGHT = {
    "fair_pairs": {
        "two loops": pairs,
        "by groups, lists": by_groups,
        "a set": as_a_set,
        "a tensor": lambda experiments: torch.tensor(pairs(experiments)).view(-1, 2),
    },
    "opened_twice": {
        "by autograd": opened,
        "through the layer": through_the_layer,
        "by the formula, float32": by_formula,
    },
}

WRONG = {
    "fair_pairs": {
        "no restarts": (agreeing("steps", "sparsity", "seeds", "width"), "differ in restarts as well"),
        "no steps": (agreeing("restarts", "sparsity", "seeds", "width"), "differ in steps as well"),
        "no sparsity": (agreeing("steps", "restarts", "seeds", "width"), "differ in sparsity as well"),
        "no seeds": (agreeing("steps", "restarts", "sparsity", "width"), "differ in seeds as well"),
        "as many seeds": (as_many_seeds, "differ in seeds as well"),
        "four entries alone": (agreeing(*USUAL), "differ in width as well"),
        "one method": (agreeing(*USUAL, "width", methods=False), "have the same method"),
        "all pairs": (lambda runs: itertools.combinations(range(len(runs)), 2), "differ in restarts as well"),
        "both orders": (both_orders, "are one comparison"),
        "twice": (lambda runs: pairs(runs) * 2, "are one comparison"),
        "with itself": (with_itself, "no control of itself"),
        "neighbours": (neighbours, "0 and 2 differ in the method alone, and are missing"),
        "none": (lambda runs: [], "and are missing in your list (with its control)"),
        "the first alone": (
            lambda runs: [(i, j) for i, j in pairs(runs) if i == 0],
            "1 and 2 differ in the method alone",
        ),
        "dictionaries": (
            lambda runs: [(runs[i], runs[j]) for i, j in pairs(runs)] or [(runs[0], runs[0])],
            "give i and",
        ),
        "methods": (lambda runs: [("gradual", "cyclical")], "give i and j"),
        "counted from one": (lambda runs: [(i + 1, j + 1) for i, j in pairs(runs)], "counted from 0 to 2"),
        "triples": (lambda runs: [(0, 1, 2)], "two whole numbers each"),
        "halves": (lambda runs: [(0.5, 1)], "two whole numbers each"),
        "text": (lambda runs: "01", "a list of pairs"),
        "a number": (lambda runs: 3, "a list of pairs"),
    },
    "opened_twice": {
        "a masked gradient, twice": (
            with_weights(lambda layer, x, y, lr, dense, sparse: dense - lr * masked_gradient(layer, x, y)),
            "is masked, and taken at the pruned weights",
        ),
        "lifted, the gradient masked": (
            with_weights(
                lambda layer, x, y, lr, dense, sparse: (
                    dense - lr * layer.weight_mask * effective_gradient(layer, x, y, dense)
                )
            ),
            "it is not in the gradient any more",
        ),
        "lifted, the sparse gradient": (with_weights(at(0, 1)), "without the mask they are not"),
        "lifted, from zeros": (with_weights(at(1, 1)), "does not begin at zeros"),
        "lifted, masked": (
            with_weights(lambda layer, *given: layer.weight_mask * at(0, 0)(layer, *given)),
            "first weight (6 examples, layer 5 to 3, lr = 0.3): this weight is masked still",
        ),
        "masked as before": (
            with_weights(lambda layer, *given: layer.weight_mask * at(1, 1)(layer, *given)),
            "this weight is masked still, and so is its gradient",
        ),
        "lifted, no step": (with_weights(lambda layer, x, y, lr, dense, sparse: dense), "no step was taken"),
        "lifted, uphill": (with_weights(at(0, 0, sign=1)), "the step goes downhill"),
        "masked": (
            with_weights(None, lambda layer, x, y, lr, dense, sparse: sparse - lr * masked_gradient(layer, x, y)),
            "pruned entries get none, and stay",
        ),
        "stale, masked": (
            with_weights(None, lambda layer, x, y, lr, dense, sparse: dense - lr * masked_gradient(layer, x, y)),
            "begin where they were, with a masked gradient",
        ),
        "stale": (with_weights(None, at(0, 1)), "the gradient is right, but begins at weight_orig"),
        "the dense gradient": (with_weights(None, at(1, 0)), "the gradient is taken at weight_orig"),
        "as torch does": (with_weights(None, at(0, 0)), "as torch does"),
        "the pruned ones alone": (
            with_weights(
                None,
                lambda layer, x, y, lr, dense, sparse: (
                    sparse - lr * ~layer.weight_mask.bool() * effective_gradient(layer, x, y, sparse)
                ),
            ),
            "only the pruned entries",
        ),
        "uphill": (with_weights(None, at(1, 1, sign=1)), "the step goes downhill"),
        "no learning rate": (
            with_weights(None, lambda layer, x, y, lr, dense, sparse: sparse - effective_gradient(layer, x, y, sparse)),
            "the learning rate is missing",
        ),
        "no step": (with_weights(None, lambda layer, x, y, lr, dense, sparse: sparse), "no step was taken"),
        "the step": (
            with_weights(None, lambda *given: at(1, 1)(*given) - given[5]),
            "this is the step alone",
        ),
        "the gradient": (
            with_weights(None, lambda layer, x, y, lr, dense, sparse: effective_gradient(layer, x, y, sparse)),
            "the gradient, not the weight",
        ),
        "a sum": (
            with_weights(
                None,
                lambda layer, x, y, lr, dense, sparse: (
                    sparse - lr * y.numel() * effective_gradient(layer, x, y, sparse)
                ),
            ),
            "the loss is a mean over examples and outputs",
        ),
        "no bias": (with_weights(None, no_bias), "the layer has a bias"),
        "the other way around": (lambda *given: opened(*given)[::-1], "in the other order"),
        "zeros": (with_weights(None, lambda *given: 0 * given[5]), "away from the right one in an entry"),
        "one weight": (lambda *given: opened(*given)[1], "two weights: torch's"),
        "transposed": (with_weights(None, lambda *given: at(1, 1)(*given).T), "should have shape (3, 5)"),
        "text": (lambda *given: ("lifted", "projected"), "should be a tensor of shape"),
    },
}
