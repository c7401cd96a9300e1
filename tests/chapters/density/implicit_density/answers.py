"""Answers to the exercises on the implicit density: right in several ways, and wrong as people go wrong."""

import math

import numpy as np
import torch
from chapters.density.implicit_density import short_answers
from torch import nn

from interpbook import attribution


def slope_of(model, x, y):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(model(x)[0, y], x)[0]


def linear(weights):
    """z -> <weights, z>, one number for each input."""
    return lambda z: (weights * z).flatten(1).sum(1)


def replace(model, x, y, picture):
    return linear(picture - slope_of(model, x, y)[0])


def with_backward(model, x, y, picture):
    x.requires_grad_()
    model(x)[:, y].sum().backward()
    weights = (picture - x.grad[0]).float()
    return lambda z: z.flatten(1).float() @ weights.flatten() - 7


def everywhere(model, x, y, picture):
    return lambda z: (z * picture).flatten(1).sum(1) - model(z)[:, y]


def from_the_library(model, x, y, picture):
    slope = attribution.input_gradient(attribution.select(model, y), x)
    return lambda z: torch.einsum("bi,i->b", z.flatten(1), (picture[None] - slope).flatten())


def bowl(model, x, y, picture):
    weights = picture - slope_of(model, x, y)[0]
    return lambda z: ((z - x + weights) ** 2).flatten(1).sum(1) / 2


class Plane(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.weights = nn.Parameter(weights.flatten())

    def forward(self, z):
        return z.flatten(1) @ self.weights


def as_module(model, x, y, picture):
    return Plane(picture - slope_of(model, x, y)[0])


def spoils_the_model(model, x, y, picture):
    g = replace(model, x, y, picture)
    with torch.no_grad():
        model.second.mul_(2)
    slope = slope_of(model, x, y)[0] / 2
    return lambda z: g(z) - linear(slope)(z)


def copies_per_call(model, x, y, picture):
    def g(z):
        slope = slope_of(lambda points: model(points).sum(0, keepdim=True), z, y)
        return ((picture - slope) * z).flatten(1).sum(1)

    return g


def of_log_prob(model, x, y, picture):
    return linear(picture - slope_of(lambda z: model(z).log_softmax(1), x, y)[0])


def of_prob(model, x, y, picture):
    return linear(picture - slope_of(lambda z: model(z).softmax(1), x, y)[0])


def of_all(model, x, y, picture):
    return linear(picture - slope_of(lambda z: model(z).sum(1, keepdim=True), x, 0)[0])


def of_predicted(model, x, y, picture):
    return linear(picture - slope_of(model, x, model(x).argmax())[0])


def broken_inside(model, x, y, picture):
    return lambda z: z @ picture[:, :, :, :, 0]


def by_batch(model, x, y, picture):
    g = replace(model, x, y, picture)
    return lambda z: g(z) - g(z).mean().detach()


def penalty(g, H, mu, sigma, antithetic):
    curvature = H.trace() ** 2 + 2 * H.square().sum()
    return mu * (curvature + (0 if antithetic else 4 * g.square().sum() / sigma**2))


def in_numpy(g, H, mu, sigma, antithetic):
    g, H = g.numpy(), H.numpy()
    h = np.trace(H) ** 2 + 2 * np.linalg.norm(H, "fro") ** 2
    return mu * h if antithetic else mu * (h + 4 * (np.linalg.norm(g) / sigma) ** 2)


def by_eigenvalues(g, H, mu, sigma, antithetic):
    spectrum = torch.linalg.eigvalsh(H.float())
    h = sum(spectrum) ** 2 + 2 * (spectrum**2).sum()
    return (mu * (h + (1 - antithetic) * 4 * (g @ g) / sigma**2)).reshape(1)


def parts(slope=lambda g, sigma: 4 * g @ g / sigma**2, pair=lambda g, sigma: 0.0, bend=None, cross=0.0):
    """A penalty of other parts."""

    def answer(g, H, mu, sigma, antithetic):
        trace, squares = H.trace(), H.square().sum()
        curvature = bend(H, sigma, antithetic) if bend else trace**2 + 2 * squares
        return mu * (curvature + (pair if antithetic else slope)(g, sigma) + cross * (g.norm() * trace / sigma))

    return answer


def monte_carlo(g, H, mu, sigma, antithetic, generator=None):
    u = torch.randn(4000, len(g), dtype=g.dtype, generator=generator)
    h = torch.einsum("ni,ij,nj->n", u, H, u) + (0 if antithetic else 2 * u @ g / sigma)
    return mu * h.square().mean()


def one_seed(g, H, mu, sigma, antithetic):
    return monte_carlo(g, H, mu, sigma, antithetic, torch.Generator().manual_seed(0))


def solved(jacobian, laplacian):
    gram = torch.einsum("nkd,nld->kl", jacobian, jacobian) / len(jacobian)
    return -torch.linalg.solve(gram, laplacian.mean(0))


def by_sums(jacobian, laplacian):
    rows = jacobian.transpose(1, 2).reshape(-1, jacobian.shape[1]).numpy()
    return -np.linalg.pinv(rows.T @ rows) @ laplacian.numpy().sum(0)


def by_descent(jacobian, laplacian):
    """The objective itself, minimised."""
    theta = torch.zeros(jacobian.shape[1], dtype=jacobian.dtype, requires_grad=True)
    solver = torch.optim.LBFGS([theta], lr=1, max_iter=500, tolerance_grad=1e-12, tolerance_change=1e-14)

    def closure():
        solver.zero_grad()
        gradient = torch.einsum("nkd,k->nd", jacobian, theta)
        loss = (laplacian @ theta + gradient.square().sum(1) / 2).mean()
        loss.backward()
        return loss

    for _ in range(5):
        solver.step(closure)
    return theta.tolist()


def in_float32(jacobian, laplacian):
    j = jacobian.float()
    return -(torch.linalg.inv((j @ j.mT).mean(0)) @ laplacian.float().mean(0))


def with_gram(gram_of):
    return lambda j, lap: -torch.linalg.pinv(gram_of(j)) @ lap.mean(0)


def gram(j):
    return (j @ j.mT).mean(0)


def langevin(score, x, steps, eps, generator):
    for _ in range(steps):
        x = x + eps * score(x) + math.sqrt(2 * eps) * torch.randn(x.shape, generator=generator, dtype=x.dtype)
    return x


def in_place(score, x, steps, eps, generator):
    for _ in range(steps):
        drift = score(x)
        x += eps * drift
        x += torch.normal(0.0, (2 * eps) ** 0.5, tuple(x.shape), generator=generator)
    return x


def single(score, x, steps, eps, generator):
    x = x.float()
    for _ in range(steps):
        x = x + eps * score(x).float() + (2 * eps) ** 0.5 * torch.empty_like(x).normal_(generator=generator)
    return x.numpy()


def noise_first(score, x, steps, eps, generator):
    """All the noise is drawn before the chain."""
    noise = torch.randn(steps, *x.shape, generator=generator)
    for shake in noise:
        x = x + eps * score(x) + shake * math.sqrt(2 * eps)
    return x


def varied(
    drift=lambda eps: eps, size=lambda eps: math.sqrt(2 * eps), shape=lambda x: x.shape, more=0, draw=torch.randn
):
    """The chain with one part changed."""

    def answer(score, x, steps, eps, generator):
        for _ in range(steps + more):
            x = x + drift(eps) * score(x) + size(eps) * draw(shape(x), generator=generator)
        return x

    return answer


def global_noise(score, x, steps, eps, generator):
    return langevin(score, x, steps, eps, None)


def own_seed(score, x, steps, eps, generator):
    return langevin(score, x, steps, eps, torch.Generator().manual_seed(5))


def noise_once(score, x, steps, eps, generator):
    noise = torch.randn(x.shape, generator=generator)
    for _ in range(steps):
        x = x + eps * score(x) + math.sqrt(2 * eps) * noise
    return x


def score_once(score, x, steps, eps, generator):
    pull = score(x)
    return langevin(lambda _: pull, x, steps, eps, generator)


def score_after(score, x, steps, eps, generator):
    for _ in range(steps):
        x = x + math.sqrt(2 * eps) * torch.randn(x.shape, generator=generator)
        x = x + eps * score(x)
    return x


def all_points(score, x, steps, eps, generator):
    path = [x]
    for _ in range(steps):
        path.append(langevin(score, path[-1], 1, eps, generator))
    return torch.stack(path)


def one_side(score, x, steps, eps, generator):
    """Right unless the score is that of two modes."""
    x = langevin(score, x, steps, eps, generator)
    return x.abs() if steps > 100 else x


def too_wide(score, x, steps, eps, generator):
    x = langevin(score, x, steps, eps, generator)
    return x + 0.5 * torch.randn(x.shape, generator=generator) if steps > 100 else x


def late(score, x, steps, eps, generator):
    """The noise shrinks from step to step."""
    for t in range(steps):
        x = x + eps * score(x) + math.sqrt(2 * eps / (1 + t)) * torch.randn(x.shape, generator=generator)
    return x


def coins(shape, generator):
    return torch.randint(0, 2, tuple(shape), generator=generator) * 2.0 - 1


def uniform(shape, generator):
    return (torch.rand(tuple(shape), generator=generator) - 0.5) * 12**0.5


RIGHT = {
    "any_picture": {
        "by autograd": replace,
        "by backward, in float32, with a constant": with_backward,
        "the logit itself taken away": everywhere,
        "with the library's gradient": from_the_library,
        "a bowl with its bottom beside x": bowl,
        "as a module": as_module,
    },
    "hidden_penalty": {
        "by the formula": penalty,
        "numpy": in_numpy,
        "by eigenvalues": by_eigenvalues,
        "from its parts": parts(),
    },
    "linear_score_matching": {
        "solve": solved,
        "sums and a pseudo-inverse": by_sums,
        "descent on the objective": by_descent,
        "float32": in_float32,
    },
    "langevin_chain": {
        "step by step": langevin,
        "in place": in_place,
        "float32": single,
        "noise drawn before": noise_first,
        "from its parts": varied(),
    },
}

WRONG = {
    "any_picture": {
        "the picture alone": (lambda model, x, y, picture: linear(picture), "added to the logit's own"),
        "the sign": (lambda model, x, y, picture: linear(slope_of(model, x, y)[0] - picture), "sign is wrong"),
        "the gradient added": (lambda model, x, y, picture: linear(slope_of(model, x, y)[0] + picture), "once more"),
        "no picture": (lambda model, x, y, picture: linear(-slope_of(model, x, y)[0]), "not put in its place"),
        "a mean over the pixels": (lambda *a: lambda z: replace(*a)(z) / a[1].numel(), "where you take the mean"),
        "the log-probability's gradient": (of_log_prob, "gradient of the log-probability"),
        "the probability's gradient": (of_prob, "gradient of the probability"),
        "all logits together": (of_all, "all logits together"),
        "the predicted class, not y": (of_predicted, "where y is"),
        "class 0, not y": (
            lambda model, x, y, picture: replace(model, x, 0, picture),
            "gradient of logit 0, where y is 3",
        ),
        "the gradient at 0": (lambda model, x, y, picture: replace(model, 0 * x, y, picture), "at 0; take it at x"),
        "the gradient at -x": (lambda model, x, y, picture: replace(model, -x, y, picture), "off the picture by"),
        "the gradient at each point": (copies_per_call, "do not change as its gradient says"),
        "a constant": (lambda *a: lambda z: replace(*a)(a[1]).expand(len(z)), "gradient of g at x is zero"),
        "no graph to the input": (lambda *a: lambda z: replace(*a)(z).detach(), "gradient of g at x is zero"),
        "one value for each class": (
            lambda *a: lambda z: replace(*a)(z)[:, None].expand(-1, 4),
            "the probabilities change",
        ),
        "values in a column": (lambda *a: lambda z: replace(*a)(z)[:, None], "has (6, 1): one number for each input"),
        "summed over the batch": (lambda *a: lambda z: replace(*a)(z).sum(), "sums over the batch"),
        "an image, not a number": (lambda *a: lambda z: a[3] * z, "sum over the input's dims"),
        "values, not a function": (lambda *a: replace(*a)(a[1]), "return a function g, not its values"),
        "a number of Python": (lambda *a: lambda z: 1.0, "returns float"),
        "a division by 0": (lambda *a: lambda z: replace(*a)(z) / 0, "g should be finite"),
        "the mean of the batch taken away": (by_batch, "should not depend on the others"),
        "the picture times the slope": (
            lambda *a: lambda z: (a[3] * z * slope_of(*a[:3])[0]).flatten(1).sum(1),
            "off the",
        ),
        "the first example for all": (
            lambda *a: lambda z: replace(*a)(z[:1]).expand(len(z)),
            "the others in the batch",
        ),
        "a parabola about 0": (lambda *a: lambda z: replace(*a)(z * z) / 2, "off the picture"),
        "a layer with no input": (lambda *a: nn.Linear(3, 1), "raised RuntimeError"),
        "a function that fails": (broken_inside, "raised IndexError"),
        "the model's weights are changed": (spoils_the_model, "changes the weights of the model"),
        "too few arguments": (lambda model, x: 0, "TypeError"),
    },
    "hidden_penalty": {
        "no slope: h has none on average": (parts(slope=lambda g, s: 0), "but not out of the mean of its square"),
        "the factor not squared": (parts(slope=lambda g, s: 2 * g @ g / s**2), "is squared too"),
        "the factor forgotten": (parts(slope=lambda g, s: g @ g / s**2), "with it its square"),
        "a division by sigma^4": (parts(slope=lambda g, s: 4 * g @ g / s**4), "holds sigma^2 too"),
        "one division by sigma": (parts(slope=lambda g, s: 4 * g @ g / s), "one division by sigma is missing"),
        "no division by sigma": (parts(slope=lambda g, s: 4 * g @ g), "the division by sigma^2 is missing"),
        "a division by sigma^3": (parts(slope=lambda g, s: 4 * g @ g / s**3), "a division by sigma too many"),
        "the length not squared": (parts(slope=lambda g, s: 4 * g.norm() / s**2), "length of b enters squared"),
        "the sum of g squared": (parts(slope=lambda g, s: 4 * g.sum() ** 2 / s**2), "noises of their own"),
        "another factor": (parts(slope=lambda g, s: 5 * g @ g / s**2), "one-sided, with b = (1, -2, 0.5), H = 0"),
        "the loss's own term added": (lambda g, *rest: penalty(g, *rest) + g @ g / 2, "leave out |b|^2 / 2"),
        "one-sided always": (lambda g, H, mu, s, a: penalty(g, H, mu, s, False), "is 0 exactly"),
        "the two forms exchanged": (
            lambda g, H, mu, s, a: penalty(g, H, mu, s, not a),
            "but not out of the mean of its square",
        ),
        "antithetic with the slope": (parts(pair=lambda g, s: 4 * g @ g / s**2), "the antithetic h is 0 exactly"),
        "antithetic with half of the slope": (parts(pair=lambda g, s: 2 * g @ g / s**2), "no independent noises"),
        "no mu": (lambda g, H, mu, s, a: penalty(g, H, 1, s, a), "mu is missing"),
        "mu squared": (lambda g, H, mu, s, a: penalty(g, H, mu**2, s, a), "mu enters squared"),
        "the sign": (lambda *a: -penalty(*a), "the sign is wrong"),
        "a fixed sigma": (lambda g, H, mu, s, a: penalty(g, H, mu, 0.3, a), "sigma = 0.01"),
        "no Hessian": (parts(bend=lambda H, s, a: 0.0), "part of the Hessian is missing"),
        "the squared mean alone": (parts(bend=lambda H, s, a: H.trace() ** 2), "not E[h]^2"),
        "the variance alone": (parts(bend=lambda H, s, a: 2 * H.square().sum()), "this is the variance of h"),
        "the variance halved by the second sign": (
            parts(bend=lambda H, s, a: H.trace() ** 2 + (1 if a else 2) * H.square().sum()),
            "does not halve it (antithetic)",
        ),
        "the diagonal alone": (
            parts(bend=lambda H, s, a: H.trace() ** 2 + 2 * H.diag().square().sum()),
            "not only the diagonal",
        ),
        "the norm not squared": (
            parts(bend=lambda H, s, a: H.trace() ** 2 + 2 * H.norm(2, (0, 1)).pow(1)),
            "|H| enters squared",
        ),
        "the largest eigenvalue": (
            parts(bend=lambda H, s, a: H.trace() ** 2 + 2 * torch.linalg.eigvalsh(H).abs().max() ** 2),
            "not the largest eigenvalue",
        ),
        "the trace not squared": (
            parts(bend=lambda H, s, a: H.trace() + 2 * H.square().sum()),
            "the mean of h enters squared",
        ),
        "the variance divided by sigma^2": (
            parts(bend=lambda H, s, a: H.trace() ** 2 + 2 * H.square().sum() / s**2),
            "and sigma drops out",
        ),
        "divided by sigma^4": (
            parts(bend=lambda H, s, a: (H.trace() ** 2 + 2 * H.square().sum()) / s**4),
            "sigma drops out",
        ),
        "twice h": (parts(bend=lambda H, s, a: 4 * H.trace() ** 2 + 8 * H.square().sum()), "f has half of v'Hv"),
        "a mixed term": (
            lambda g, H, mu, s, a: (
                mu * (H.trace().abs() + (0 if a else 2 * g.norm() / s)) ** 2 + 2 * mu * H.square().sum()
            ),
            "an odd moment",
        ),
        "an average over draws": (monte_carlo, "from call to call"),
        "an average over the same draws": (one_seed, "close, but give the exact expectation"),
        "the mean over the dims": (lambda g, *rest: penalty(g, *rest) / len(g), "it should be"),
        "right but for one dimension": (
            lambda g, H, mu, s, a: penalty(g, H, mu, s, a) + (mu if len(g) == 1 else 0),
            "both parts together",
        ),
        "the root of the mean square": (lambda *a: penalty(*a) ** 0.5, "it should be"),
        "a vector": (lambda g, H, mu, s, a: mu * g, "should be one number"),
        "not a number": (lambda g, H, mu, s, a: float("nan"), "should be finite"),
        "text": (lambda g, H, mu, s, a: "4 mu", "should be one number"),
        "too few arguments": (lambda mu, s: 4 * mu / s**2, "TypeError"),
    },
    "linear_score_matching": {
        "the sign": (lambda j, lap: -solved(j, lap), "the sign is wrong"),
        "a mean over the coordinates": (
            with_gram(lambda j: (j @ j.mT / j.shape[2]).mean(0)),
            "where you take the mean",
        ),
        "a sum of the Laplacians": (lambda j, lap: solved(j, lap * len(j)), "the sum of the Laplacians"),
        "a sum of J J'": (lambda j, lap: solved(j, lap) / len(j), "the mean of the Laplacians, but"),
        "half of it": (lambda j, lap: solved(j, lap) / 2, "half of the best"),
        "twice of it": (lambda j, lap: 2 * solved(j, lap), "twice the best"),
        "times J J'": (lambda j, lap: -gram(j) @ lap.mean(0), "multiply by the inverse"),
        "the Laplacian alone": (lambda j, lap: -lap.mean(0), "Laplacians alone"),
        "the mean before the product": (with_gram(lambda j: j.mean(0) @ j.mean(0).T), "comes last"),
        "the covariance": (with_gram(lambda j: gram(j - j.mean(0))), "do not subtract the mean"),
        "the first coordinate alone": (with_gram(lambda j: gram(j[:, :, :1])), "not only the first"),
        "the diagonal alone": (with_gram(lambda j: gram(j).diag().diag()), "not orthogonal"),
        "a penalty": (with_gram(lambda j: gram(j) + 0.1 * torch.eye(j.shape[1])), "variance of all values"),
        "the Laplacian of the first example": (lambda j, lap: solved(j, lap[:1]), "von Mises"),
        "wrong for four features": (
            lambda j, lap: solved(j, lap) + (j.shape[1] == 4),
            "k = 4 and d = 2 there is a theta with a lower objective",
        ),
        "the median of the Laplacians": (
            lambda j, lap: -torch.linalg.solve(gram(j), lap.median(0).values),
            "von Mises",
        ),
        "half of the data": (lambda j, lap: solved(j[::2], lap[::2]), "should be"),
        "of length one": (lambda j, lap: solved(j, lap) / solved(j, lap).norm(), "should be"),
        "a column": (lambda j, lap: solved(j, lap)[:, None], "shape (2,)"),
        "a division by 0": (lambda j, lap: solved(j, lap) / 0, "finite"),
        "batches solved one by one": (lambda j, lap: torch.linalg.solve(j, lap), "raised"),
        "text": (lambda j, lap: "theta", "should be a tensor of shape (2,)"),
    },
    "langevin_chain": {
        "no noise": (varied(size=lambda eps: 0), "activation maximisation"),
        "noise of variance eps": (
            varied(size=lambda eps: eps**0.5),
            "deviation sqrt(eps), which is not Langevin's; samples come",
        ),
        "noise of deviation eps": (varied(size=lambda eps: eps), "deviation eps, which is not Langevin's (eps"),
        "noise of deviation 2 eps": (varied(size=lambda eps: 2 * eps), "deviation 2 eps,"),
        "noise of deviation sqrt(2) eps": (varied(size=lambda eps: 2**0.5 * eps), "deviation sqrt(2) eps,"),
        "noise of deviation 1": (varied(size=lambda eps: 1), "deviation 1,"),
        "noise of deviation 0.7": (varied(size=lambda eps: 0.7), "deviation 0.7,"),
        "the same noise for all chains": (varied(shape=lambda x: (1, x.shape[1])), "all chains get the same noise"),
        "the same noise for all coordinates": (varied(shape=lambda x: (len(x), 1)), "share their noise"),
        "coins for noise": (varied(draw=coins), "is not normal"),
        "uniform noise": (varied(draw=uniform), "is not normal"),
        "kept in the unit box": (
            lambda score, x, steps, eps, g: langevin(score, x, steps, eps, g).clamp(0, 1),
            "should move x by",
        ),
        "the mean of all chains": (
            lambda score, x, steps, eps, g: langevin(score, x, steps, eps, g).mean(0, keepdim=True).expand_as(x),
            "all chains get the same noise",
        ),
        "down the density": (varied(drift=lambda eps: -eps), "go down the density"),
        "no score": (varied(drift=lambda eps: 0), "does not move your chains"),
        "half the score, and noise for it": (
            varied(drift=lambda eps: eps / 2, size=lambda eps: eps**0.5),
            "follow half the score",
        ),
        "twice the score": (varied(drift=lambda eps: 2 * eps), "twice the score"),
        "no eps": (varied(drift=lambda eps: 1), "eps is missing"),
        "eps squared": (varied(drift=lambda eps: eps**2), "eps enters squared"),
        "the root of eps": (varied(drift=lambda eps: eps**0.5), "the root of eps times the score"),
        "a fixed eps": (varied(drift=lambda eps: 0.1, size=lambda eps: 0.2**0.5), "eps = 0.4"),
        "1.4 times the score": (varied(drift=lambda eps: 1.4 * eps), "should move x by"),
        "one step too many": (varied(more=1), "makes two steps"),
        "one step too few": (varied(more=-1), "a step too few"),
        "one step only": (lambda score, x, steps, eps, g: langevin(score, x, 1, eps, g), "only one step is made"),
        "one step too few, of several": (
            lambda score, x, steps, eps, g: langevin(score, x, max(1, steps - 1), eps, g),
            "a step too few (seen with steps = 3)",
        ),
        "one step too many, of several": (
            lambda score, x, steps, eps, g: langevin(score, x, steps + (steps > 1), eps, g),
            "a step too many (seen with steps = 3)",
        ),
        "the score of the start": (score_once, "take it anew in every step"),
        "the score after the noise": (score_after, "after the noise is added"),
        "one noise for all steps": (noise_once, "every step needs a new one"),
        "noise that shrinks": (late, "after 3 steps of eps = 0.1 the chains should have mean"),
        "the global generator": (global_noise, "generator=generator"),
        "a seed of its own": (own_seed, "from the one that you are given"),
        "the whole path": (all_points, "not all the points on the way"),
        "one mode only": (one_side, "100% of your chains end at one"),
        "too wide at the modes": (too_wide, "at each of two modes"),
        "the score of one point": (lambda score, x, steps, eps, g: score(x[0]), "score takes a batch"),
        "one chain": (lambda score, x, steps, eps, g: x[0], "shape of x"),
        "a division by 0": (lambda score, x, steps, eps, g: x / 0, "leave the finite numbers"),
        "text": (lambda score, x, steps, eps, g: "end", "is str"),
        "too few arguments": (lambda score, x, steps, eps: x, "TypeError"),
    },
}

RIGHT |= short_answers.RIGHT
WRONG |= short_answers.WRONG
