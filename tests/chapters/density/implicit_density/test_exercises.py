"""Right answers pass however they are written; every stored wrong answer is refused with the hint for its mistake."""

import math
import re

import jaxtyping
import numpy as np
import pytest
import torch
from torch import nn

from interpbook import attribution, density
from interpbook.chapters.density.implicit_density.exercises import chain, features, shift
from interpbook.page.exercises import WrongAnswer, check


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


RIGHT = [
    ("any_picture", replace),
    ("any_picture", with_backward),
    ("any_picture", everywhere),
    ("any_picture", from_the_library),
    ("any_picture", bowl),
    ("any_picture", as_module),
    ("hidden_penalty", penalty),
    ("hidden_penalty", in_numpy),
    ("hidden_penalty", by_eigenvalues),
    ("hidden_penalty", parts()),
    ("linear_score_matching", solved),
    ("linear_score_matching", by_sums),
    ("linear_score_matching", by_descent),
    ("linear_score_matching", in_float32),
    ("langevin_chain", langevin),
    ("langevin_chain", in_place),
    ("langevin_chain", single),
    ("langevin_chain", noise_first),
    ("langevin_chain", varied()),
]

WRONG_ANSWERS = [
    ("any_picture", lambda model, x, y, picture: linear(picture), "added to the logit's own"),
    ("any_picture", lambda model, x, y, picture: linear(slope_of(model, x, y)[0] - picture), "sign is wrong"),
    ("any_picture", lambda model, x, y, picture: linear(slope_of(model, x, y)[0] + picture), "once more"),
    ("any_picture", lambda model, x, y, picture: linear(-slope_of(model, x, y)[0]), "not put in its place"),
    ("any_picture", lambda *a: lambda z: replace(*a)(z) / a[1].numel(), "where you take the mean"),
    ("any_picture", of_log_prob, "gradient of the log-probability"),
    ("any_picture", of_prob, "gradient of the probability"),
    ("any_picture", of_all, "all logits together"),
    ("any_picture", of_predicted, "where y is"),
    ("any_picture", lambda model, x, y, picture: replace(model, x, 0, picture), "gradient of logit 0, where y is 3"),
    ("any_picture", lambda model, x, y, picture: replace(model, 0 * x, y, picture), "at 0; take it at x"),
    ("any_picture", lambda model, x, y, picture: replace(model, -x, y, picture), "off the picture by"),
    ("any_picture", copies_per_call, "do not change as its gradient says"),
    ("any_picture", lambda *a: lambda z: replace(*a)(a[1]).expand(len(z)), "gradient of g at x is zero"),
    ("any_picture", lambda *a: lambda z: replace(*a)(z).detach(), "gradient of g at x is zero"),
    ("any_picture", lambda *a: lambda z: replace(*a)(z)[:, None].expand(-1, 4), "the probabilities change"),
    ("any_picture", lambda *a: lambda z: replace(*a)(z)[:, None], "has (6, 1): one number for each input"),
    ("any_picture", lambda *a: lambda z: replace(*a)(z).sum(), "sums over the batch"),
    ("any_picture", lambda *a: lambda z: a[3] * z, "sum over the input's dims"),
    ("any_picture", lambda *a: replace(*a)(a[1]), "return a function g, not its values"),
    ("any_picture", lambda *a: lambda z: 1.0, "returns float"),
    ("any_picture", lambda *a: lambda z: replace(*a)(z) / 0, "g should be finite"),
    ("any_picture", lambda *a: lambda z: None, "returned None"),
    ("any_picture", by_batch, "should not depend on the others"),
    ("any_picture", broken_inside, "raised IndexError"),
    ("any_picture", spoils_the_model, "changes the weights of the model"),
    ("any_picture", lambda model, x: 0, "TypeError"),
    ("hidden_penalty", parts(slope=lambda g, s: 0), "but not out of the mean of its square"),
    ("hidden_penalty", parts(slope=lambda g, s: 2 * g @ g / s**2), "is squared too"),
    ("hidden_penalty", parts(slope=lambda g, s: g @ g / s**2), "squared it is 4"),
    ("hidden_penalty", parts(slope=lambda g, s: 4 * g @ g / s**4), "sigma^2 |g|^2"),
    ("hidden_penalty", parts(slope=lambda g, s: 4 * g @ g / s), "one division by sigma is missing"),
    ("hidden_penalty", parts(slope=lambda g, s: 4 * g @ g), "the division by sigma^2 is missing"),
    ("hidden_penalty", parts(slope=lambda g, s: 4 * g @ g / s**3), "a division by sigma too many"),
    ("hidden_penalty", parts(slope=lambda g, s: 4 * g.norm() / s**2), "length of g enters squared"),
    ("hidden_penalty", parts(slope=lambda g, s: 4 * g.sum() ** 2 / s**2), "noises of their own"),
    ("hidden_penalty", parts(slope=lambda g, s: 5 * g @ g / s**2), "one-sided, with g = (1, -2, 0.5), H = 0"),
    ("hidden_penalty", lambda g, *rest: penalty(g, *rest) + g @ g / 2, "leave out |g|^2 / 2"),
    ("hidden_penalty", lambda g, H, mu, s, a: penalty(g, H, mu, s, False), "is 0 exactly"),
    ("hidden_penalty", lambda g, H, mu, s, a: penalty(g, H, mu, s, not a), "but not out of the mean of its square"),
    ("hidden_penalty", parts(pair=lambda g, s: 4 * g @ g / s**2), "the antithetic h is 0 exactly"),
    ("hidden_penalty", parts(pair=lambda g, s: 2 * g @ g / s**2), "no independent noises"),
    ("hidden_penalty", lambda g, H, mu, s, a: penalty(g, H, 1, s, a), "mu is missing"),
    ("hidden_penalty", lambda g, H, mu, s, a: penalty(g, H, mu**2, s, a), "mu enters squared"),
    ("hidden_penalty", lambda *a: -penalty(*a), "the sign is wrong"),
    ("hidden_penalty", lambda g, H, mu, s, a: penalty(g, H, mu, 0.3, a), "sigma = 0.01"),
    ("hidden_penalty", parts(bend=lambda H, s, a: 0.0), "part of the Hessian is missing"),
    ("hidden_penalty", parts(bend=lambda H, s, a: H.trace() ** 2), "not E[h]^2"),
    ("hidden_penalty", parts(bend=lambda H, s, a: 2 * H.square().sum()), "this is the variance of h"),
    (
        "hidden_penalty",
        parts(bend=lambda H, s, a: H.trace() ** 2 + (1 if a else 2) * H.square().sum()),
        "does not halve it (antithetic)",
    ),
    (
        "hidden_penalty",
        parts(bend=lambda H, s, a: H.trace() ** 2 + 2 * H.diag().square().sum()),
        "not only the diagonal",
    ),
    ("hidden_penalty", parts(bend=lambda H, s, a: H.trace() ** 2 + 2 * H.norm(2, (0, 1)).pow(1)), "|H| enters squared"),
    (
        "hidden_penalty",
        parts(bend=lambda H, s, a: H.trace() ** 2 + 2 * torch.linalg.eigvalsh(H).abs().max() ** 2),
        "not the largest eigenvalue",
    ),
    ("hidden_penalty", parts(bend=lambda H, s, a: H.trace() + 2 * H.square().sum()), "the mean of h enters squared"),
    (
        "hidden_penalty",
        parts(bend=lambda H, s, a: H.trace() ** 2 + 2 * H.square().sum() / s**2),
        "and sigma drops out",
    ),
    (
        "hidden_penalty",
        parts(bend=lambda H, s, a: (H.trace() ** 2 + 2 * H.square().sum()) / s**4),
        "sigma drops out",
    ),
    (
        "hidden_penalty",
        parts(bend=lambda H, s, a: 4 * H.trace() ** 2 + 8 * H.square().sum()),
        "f has half of v'Hv",
    ),
    (
        "hidden_penalty",
        lambda g, H, mu, s, a: mu * (H.trace().abs() + (0 if a else 2 * g.norm() / s)) ** 2 + 2 * mu * H.square().sum(),
        "an odd moment",
    ),
    ("hidden_penalty", monte_carlo, "from call to call"),
    ("hidden_penalty", one_seed, "close, but give the exact expectation"),
    ("hidden_penalty", lambda g, H, mu, s, a: mu * g, "should be one number"),
    ("hidden_penalty", lambda g, H, mu, s, a: float("nan"), "should be finite"),
    ("hidden_penalty", lambda g, H, mu, s, a: "4 mu", "should be one number"),
    ("hidden_penalty", lambda mu, s: 4 * mu / s**2, "TypeError"),
    ("linear_score_matching", lambda j, lap: -solved(j, lap), "the sign is wrong"),
    ("linear_score_matching", with_gram(lambda j: (j @ j.mT / j.shape[2]).mean(0)), "where you take the mean"),
    ("linear_score_matching", lambda j, lap: solved(j, lap * len(j)), "the sum of the Laplacians"),
    ("linear_score_matching", lambda j, lap: solved(j, lap) / len(j), "the mean of the Laplacians, but"),
    ("linear_score_matching", lambda j, lap: solved(j, lap) / 2, "half of the best"),
    ("linear_score_matching", lambda j, lap: 2 * solved(j, lap), "twice the best"),
    ("linear_score_matching", lambda j, lap: -gram(j) @ lap.mean(0), "multiply by the inverse"),
    ("linear_score_matching", lambda j, lap: -lap.mean(0), "Laplacians alone"),
    ("linear_score_matching", with_gram(lambda j: j.mean(0) @ j.mean(0).T), "comes last"),
    ("linear_score_matching", with_gram(lambda j: gram(j - j.mean(0))), "do not subtract the mean"),
    ("linear_score_matching", with_gram(lambda j: gram(j[:, :, :1])), "not only the first"),
    ("linear_score_matching", with_gram(lambda j: gram(j).diag().diag()), "not orthogonal"),
    ("linear_score_matching", with_gram(lambda j: gram(j) + 0.1 * torch.eye(j.shape[1])), "variance of all values"),
    ("linear_score_matching", lambda j, lap: solved(j, lap[:1]), "von Mises"),
    (
        "linear_score_matching",
        lambda j, lap: solved(j, lap) + (j.shape[1] == 4),
        "k = 4 and d = 2 there is a theta with a lower objective",
    ),
    ("linear_score_matching", lambda j, lap: solved(j, lap)[:, None], "shape (2,)"),
    ("linear_score_matching", lambda j, lap: solved(j, lap) / 0, "finite"),
    ("linear_score_matching", lambda j, lap: torch.linalg.solve(j, lap), "raised"),
    ("linear_score_matching", lambda j, lap: "theta", "should be a tensor of shape (2,)"),
    ("langevin_chain", varied(size=lambda eps: 0), "activation maximisation"),
    (
        "langevin_chain",
        varied(size=lambda eps: eps**0.5),
        "deviation sqrt(eps); Langevin needs sqrt(2 eps); samples come",
    ),
    ("langevin_chain", varied(size=lambda eps: eps), "deviation eps; Langevin needs sqrt(2 eps)"),
    ("langevin_chain", varied(size=lambda eps: 2 * eps), "deviation 2 eps;"),
    ("langevin_chain", varied(size=lambda eps: 2**0.5 * eps), "deviation sqrt(2) eps;"),
    ("langevin_chain", varied(size=lambda eps: 1), "deviation 1;"),
    ("langevin_chain", varied(size=lambda eps: 0.7), "deviation 0.7;"),
    ("langevin_chain", varied(shape=lambda x: (1, x.shape[1])), "all chains get the same noise"),
    ("langevin_chain", varied(shape=lambda x: (len(x), 1)), "share their noise"),
    ("langevin_chain", varied(draw=coins), "is not normal"),
    ("langevin_chain", varied(drift=lambda eps: -eps), "go down the density"),
    ("langevin_chain", varied(drift=lambda eps: 0), "does not move your chains"),
    ("langevin_chain", varied(drift=lambda eps: eps / 2, size=lambda eps: eps**0.5), "follow half the score"),
    ("langevin_chain", varied(drift=lambda eps: 2 * eps), "twice the score"),
    ("langevin_chain", varied(drift=lambda eps: 1), "eps is missing"),
    ("langevin_chain", varied(drift=lambda eps: eps**2), "eps enters squared"),
    ("langevin_chain", varied(drift=lambda eps: eps**0.5), "not by its root"),
    ("langevin_chain", varied(drift=lambda eps: 0.1, size=lambda eps: 0.2**0.5), "eps = 0.4"),
    ("langevin_chain", varied(drift=lambda eps: 1.4 * eps), "should move x by"),
    ("langevin_chain", varied(more=1), "makes two steps"),
    ("langevin_chain", varied(more=-1), "a step too few"),
    ("langevin_chain", lambda score, x, steps, eps, g: langevin(score, x, 1, eps, g), "only one step is made"),
    (
        "langevin_chain",
        lambda score, x, steps, eps, g: langevin(score, x, max(1, steps - 1), eps, g),
        "a step too few (seen with steps = 3)",
    ),
    (
        "langevin_chain",
        lambda score, x, steps, eps, g: langevin(score, x, steps + (steps > 1), eps, g),
        "a step too many (seen with steps = 3)",
    ),
    ("langevin_chain", score_once, "take it anew in every step"),
    ("langevin_chain", score_after, "after the noise is added"),
    ("langevin_chain", noise_once, "every step needs a new one"),
    ("langevin_chain", late, "after 3 steps of eps = 0.1 the chains should have mean"),
    ("langevin_chain", global_noise, "generator=generator"),
    ("langevin_chain", own_seed, "from the one that you are given"),
    ("langevin_chain", all_points, "not all the points on the way"),
    ("langevin_chain", one_side, "100% of your chains end at one"),
    ("langevin_chain", too_wide, "at each of two modes"),
    ("langevin_chain", lambda score, x, steps, eps, g: score(x[0]), "score takes a batch"),
    ("langevin_chain", lambda score, x, steps, eps, g: x[0], "shape of x"),
    ("langevin_chain", lambda score, x, steps, eps, g: x / 0, "leave the finite numbers"),
    ("langevin_chain", lambda score, x, steps, eps, g: "end", "is str"),
    ("langevin_chain", lambda score, x, steps, eps: x, "TypeError"),
    *((name, 3, "should be a function") for name in dir(check.implicit_density)),
    *((name, None, "no answer here yet") for name in dir(check.implicit_density)),
    *((name, lambda *arguments: None, "returned None") for name in dir(check.implicit_density)),
]


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_right_answers_pass(name: str, answer: object, capsys: pytest.CaptureFixture[str]) -> None:
    getattr(check.implicit_density, name)(answer)
    assert capsys.readouterr().out.startswith("Correct: ")


@pytest.mark.parametrize(("name", "answer", "hint"), WRONG_ANSWERS)
def test_wrong_answers_get_their_hint(monkeypatch, name: str, answer: object, hint: str) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(WrongAnswer, match=re.escape(hint)):
        getattr(check.implicit_density, name)(answer)


def test_every_exercise_has_right_and_wrong_answers() -> None:
    assert len(dir(check.implicit_density)) == 4
    for name in dir(check.implicit_density):
        assert sum(of == name for of, _ in RIGHT) >= 4
        assert sum(of == name for of, _, _ in WRONG_ANSWERS) >= 15


@pytest.mark.parametrize("name", dir(check.implicit_density))
def test_a_check_leaves_the_random_state_alone(name: str) -> None:
    before = torch.get_rng_state()
    getattr(check.implicit_density, name)(next(answer for of, answer in RIGHT if of == name))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("seed", range(20))
def test_a_right_chain_passes_whatever_the_noise(seed: int) -> None:
    def chain_of_seed(score, x, steps, eps, generator):
        return langevin(score, x, steps, eps, generator.manual_seed(1000 * seed + generator.initial_seed()))

    check.implicit_density.langevin_chain(chain_of_seed)


@pytest.mark.parametrize("antithetic", [False, True])
def test_the_penalty_is_what_the_library_s_estimates_have(antithetic: bool) -> None:
    g, H = torch.tensor([1.0, -2.0]).double(), torch.tensor([[1.0, 0.5], [0.5, -0.4]]).double()
    rows = density.trace_estimates(
        lambda v: v @ g + torch.einsum("ni,ij,nj->n", v, H, v) / 2,
        torch.zeros(1, 2).double(),
        samples=40_000,
        sigma=0.3,
        antithetic=antithetic,
    )
    squares = rows.square()
    error = float(squares.std()) / len(squares) ** 0.5
    assert float(squares.mean()) == pytest.approx(float(penalty(g, H, 1, 0.3, antithetic)), abs=5 * error)


def test_a_gaussian_s_parameters_come_back_from_its_moments() -> None:
    """Features x and x x': theta holds the precision of the sample and the precision times its mean."""
    x = torch.randn((50, 2), generator=torch.Generator().manual_seed(0), dtype=torch.float64) @ torch.tensor(
        [[1.0, 0.3], [0.0, 0.6]], dtype=torch.float64
    )
    zero, one = torch.zeros(50).double(), torch.ones(50).double()
    a, b = x.T
    rows = [(one, zero), (zero, one), (-a, zero), (zero, -b), (-b, -a)]
    jacobian = torch.stack([torch.stack(row, 1) for row in rows], 1)
    laplacian = torch.tensor([0.0, 0, -1, -1, 0]).double().expand(50, 5)
    precision = torch.linalg.inv(torch.cov(x.T, correction=0))
    want = torch.cat([precision @ x.mean(0), precision[[0, 1, 0], [0, 1, 1]]])
    assert torch.allclose(solved(jacobian, laplacian), want)


def test_the_points_of_the_von_mises_density_have_its_moments() -> None:
    angle, theta = features._von_mises()
    kappa = theta.norm()
    ratio = torch.special.i1(kappa) / torch.special.i0(kappa)
    mean = torch.stack([angle.cos().mean(), angle.sin().mean()])
    assert torch.allclose(mean, ratio * theta / kappa, atol=1e-6)


def test_the_chains_law_is_that_of_the_library_s_chains() -> None:
    x, mean, variance = torch.tensor([[3.0, -1.0], [0.0, 0.5], [0.4, 2.0]], dtype=torch.float64)
    ends = density.langevin(
        lambda z: -((z - mean).square() / variance).sum(1) / 2, x.expand(chain.CHAINS, 2), steps=4, step_size=0.1
    )
    chain._check_law(ends, x, mean, variance, 4, 0.1)
    with pytest.raises(WrongAnswer, match="a step too few"):
        chain._check_law(ends, x, mean, variance, 5, 0.1)


def test_the_networks_of_the_check_have_no_picture_of_their_own() -> None:
    """Gradients of all classes differ, and the shifted classifier is the library's."""
    model = shift._Network((3,), torch.Generator().manual_seed(0))
    x, picture = torch.tensor([[0.3, -0.4, 1.0], [2.0, 0.5, -1.0]]).double().split(1)
    shifted = density.Shifted(model, replace(model, x, 2, picture[0])).eval()
    assert torch.allclose(slope_of(shifted, x, 2), picture)
    points = torch.randn((5, 3), dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(shifted(points).softmax(1), model(points).softmax(1))
