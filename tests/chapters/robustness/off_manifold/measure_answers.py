"""Answers to the exercises that ask for a measure or a projection: right in several ways, and wrong."""

import torch


def squares(values):
    return values.flatten(1).square().sum(1)


def share(gradient, mask):
    return squares(gradient * mask) / squares(gradient)


def by_norms(gradient, mask):
    on = torch.where(mask, gradient, 0.0).flatten(1).norm(dim=1)
    return ((on / gradient.flatten(1).norm(dim=1)) ** 2).float()


def one_minus(gradient, mask):
    return (1 - squares(gradient * ~mask) / squares(gradient)).numpy()


def by_hand(gradient, mask):
    shares = []
    for own, seen in zip(gradient, mask, strict=True):
        shares.append(float((own[seen] ** 2).sum() / (own**2).sum()))
    return shares


def by_inverse(jacobian):
    """Right where the columns are independent."""
    return jacobian @ torch.linalg.inv(jacobian.T @ jacobian) @ jacobian.T


def by_pinv(jacobian):
    return jacobian @ torch.linalg.pinv(jacobian)


def by_gram(jacobian):
    return jacobian @ torch.linalg.pinv(jacobian.T @ jacobian, hermitian=True) @ jacobian.T


def by_svd(jacobian):
    left, sizes, _ = torch.linalg.svd(jacobian.float(), full_matrices=False)
    basis = left[:, sizes > 1e-5 * sizes[0]]
    return basis @ basis.T


def by_eigenvectors(jacobian):
    """J J^T with its eigenvalues replaced by ones."""
    sizes, vectors = torch.linalg.eigh(jacobian @ jacobian.T)
    return (vectors * (sizes > 1e-9 * sizes[-1])) @ vectors.T


def by_qr(jacobian):
    basis, _ = torch.linalg.qr(jacobian)
    return basis @ basis.T


def full_svd(jacobian):
    left, _, _ = torch.linalg.svd(jacobian)
    return left @ left.T


def normalised(jacobian):
    columns = jacobian / jacobian.norm(dim=0)
    return columns @ columns.T


def oblique(jacobian):
    """It leaves the columns as they are, and is its own square, but not symmetric."""
    probe = jacobian.clone()
    probe[0] += 1
    return jacobian @ torch.linalg.pinv(probe.T @ jacobian) @ probe.T


def ridge(jacobian):
    gram = jacobian.T @ jacobian
    return jacobian @ torch.linalg.solve(gram + 0.1 * torch.eye(len(gram)), jacobian.T)


def silent_inverse(jacobian):
    """It does not complain where there is no inverse."""
    return jacobian @ torch.linalg.inv_ex(jacobian.T @ jacobian).inverse @ jacobian.T


def too_large(jacobian):
    """The columns and one direction more."""
    more = torch.cat([jacobian, torch.eye(len(jacobian)).double()[:, :1]], 1)
    return by_pinv(more)


def second(h):
    return h.trace() ** 2 + 2 * h.square().sum()


def moment(b, h, sigma):
    return sigma**2 * b.square().sum() + sigma**4 * second(h) / 4


def off(projection):
    return torch.eye(len(projection), dtype=projection.dtype) - projection


def rho(b, h, projection, sigma):
    q = off(projection)
    return moment(q @ b, q @ h @ q, sigma) / moment(b, h, sigma)


def from_parts(bend=second, slope=lambda b: b.square().sum(), weight=lambda sigma: sigma**2 / 4, side=None):
    """The ratio with other parts."""

    def answer(b, h, projection, sigma):
        q = off(projection)
        inner = side(q, h) if side else q @ h @ q
        above = slope(q @ b) + weight(sigma) * bend(inner)
        return above / (slope(b) + weight(sigma) * bend(h))

    return answer


def by_quadrature(b, h, projection, sigma):
    """The three points that integrate what is of degree five exactly, in every coordinate."""
    nodes = torch.tensor([-(3**0.5), 0, 3**0.5], dtype=b.dtype)
    weights = torch.tensor([1 / 6, 2 / 3, 1 / 6], dtype=b.dtype)
    u = sigma * torch.cartesian_prod(*[nodes] * len(b))
    weight = torch.cartesian_prod(*[weights] * len(b)).prod(1)

    def mean(moves):
        return weight @ (moves @ b + torch.einsum("ni,ij,nj->n", moves, h, moves) / 2) ** 2

    return (mean(u - u @ projection) / mean(u)).item()


def sampled(b, h, projection, sigma, generator=None):
    u = sigma * torch.randn(4000, len(b), generator=generator, dtype=b.dtype)

    def mean(moves):
        return (moves @ b + torch.einsum("ni,ij,nj->n", moves, h, moves) / 2).square().mean()

    return mean(u - u @ projection) / mean(u)


def one_seed(b, h, projection, sigma):
    return sampled(b, h, projection, sigma, torch.Generator().manual_seed(0))


def along(b, h, projection, sigma):
    return rho(b, h, off(projection), sigma)


def absolute(b, h, projection, sigma):
    return rho(b, h, projection, sigma) * moment(b, h, sigma)


def on_and_off(b, h, projection, sigma):
    return rho(b, h, projection, sigma) / along(b, h, projection, sigma)


RIGHT = {
    "signal_share": {
        "sums of squares": share,
        "squared norms, float32": by_norms,
        "what is left, numpy": one_minus,
        "example by example": by_hand,
    },
    "tangent_space": {
        "by the pseudo-inverse": by_pinv,
        "by that of the Gram matrix": by_gram,
        "by an SVD, float32": by_svd,
        "by eigenvectors": by_eigenvectors,
    },
    "finite_noise": {
        "by the formula": rho,
        "by quadrature": by_quadrature,
        "from its parts": from_parts(),
        "float32": lambda b, h, projection, sigma: rho(b.float(), h.float(), projection.float(), sigma),
    },
}

WRONG = {
    "signal_share": {
        "lengths": (lambda g, m: share(g, m).sqrt(), "square the lengths"),
        "absolute values": (
            lambda g, m: (g.abs() * m).flatten(1).sum(1) / g.abs().flatten(1).sum(1),
            "you sum absolute values",
        ),
        "signed sums": (lambda g, m: (g * m).flatten(1).sum(1) / g.flatten(1).sum(1), "both signs cancel"),
        "the rest": (lambda g, m: share(g, ~m), "the share beside the signal"),
        "on over off": (lambda g, m: squares(g * m) / squares(g * ~m), "divide by all"),
        "means": (
            lambda g, m: squares(g * m) / m.flatten(1).sum(1) / g.flatten(1).square().mean(1),
            "sums, not means",
        ),
        "no division": (lambda g, m: squares(g * m), "divide by the whole squared length"),
        "the batch below": (lambda g, m: squares(g * m) / g.square().sum(), "squared length of the whole batch"),
        "one share for all": (
            lambda g, m: ((g * m).square().sum() / g.square().sum()).expand(len(g)),
            "all examples get one share",
        ),
        "one number": (lambda g, m: (g * m).square().sum() / g.square().sum(), "do you sum over the batch"),
        "rows": (lambda g, m: (g * m).square().sum(-1) / g.square().sum(-1), "not over all of the rest"),
        "a map": (lambda g, m: (g * m).square() / g.square(), "do you sum over the batch"),
        "the pixels": (lambda g, m: m.double().flatten(1).mean(1), "whatever the gradient is"),
        "the first mask": (lambda g, m: share(g, m[:1].expand_as(m)), "you use the first for all"),
        "zeros": (lambda g, m: torch.zeros(len(g)), "the shares of a batch should be (0.8), and are (0)"),
        "a division by 0": (lambda g, m: share(g, m) / 0, "and are (inf)"),
        "text": (lambda g, m: "half", "should be a tensor of shape (1,)"),
    },
    "tangent_space": {
        "J J^T": (lambda j: j @ j.T, "only where the columns are orthonormal"),
        "over the squared length": (lambda j: j @ j.T / j.square().sum(), "right only for one column"),
        "columns of length one": (normalised, "not at right angles"),
        "what is off": (lambda j: torch.eye(len(j)) - by_pinv(j), "the part off the tangent space"),
        "the whole space": (full_svd, "of an SVD, the first k of U"),
        "no inverse": (lambda j: j @ (j.T @ j) @ j.T, "the inverse of J^T J is needed"),
        "not orthogonal": (oblique, "not the orthogonal one"),
        "with a ridge": (ridge, "moves the columns of J by"),
        "one direction more": (too_large, "too large a space"),
        "a basis": (lambda j: torch.linalg.qr(j).Q, "it is a basis, or acts on codes"),
        "of the codes": (lambda j: torch.linalg.pinv(j) @ j, "it is a basis, or acts on codes"),
        "the inverse": (by_inverse, "has no inverse where J has rank"),
        "QR": (by_qr, "a basis from QR or an SVD has k columns"),
        "an inverse that does not complain": (silent_inverse, "rounding decides"),
        "inf": (lambda j: by_pinv(j) / 0, "moves the columns of J"),
        "text": (lambda j: "P", "should be a tensor of shape (3, 3)"),
    },
    "finite_noise": {
        "the gradient alone": (
            lambda b, h, p, s: from_parts(weight=lambda s: 0.0)(b, h, p, s) if b.any() else rho(b, h, p, s),
            "right for small sigma only",
        ),
        "the share of the gradient": (
            lambda b, h, p, s: (off(p) @ b).square().sum() / b.square().sum(),
            "a share of the gradient is 0 / 0",
        ),
        "the part along": (along, "you keep the part of the noise on the manifold"),
        "off over on": (on_and_off, "you divide by the change along the manifold"),
        "upside down": (lambda *given: 1 / rho(*given), "upside down"),
        "the root": (lambda *given: rho(*given) ** 0.5, "not its root"),
        "no division": (absolute, "divide by that for all"),
        "the sum squared": (from_parts(slope=lambda b: b.sum() ** 2), "do not square the sum"),
        "times sigma^2": (lambda b, h, p, s: s**2 * rho(b, h, p, s), "sigma drops out where f is linear"),
        "no variance": (from_parts(bend=lambda h: h.trace() ** 2), "the variance of q = u'Hu is missing"),
        "no mean": (from_parts(bend=lambda h: 2 * h.square().sum()), "its mean is missing"),
        "half the variance": (from_parts(bend=lambda h: h.trace() ** 2 + h.square().sum()), "twice the sum of the"),
        "the diagonal": (
            from_parts(bend=lambda h: h.trace() ** 2 + 2 * h.diagonal().square().sum()),
            "not only of the diagonal",
        ),
        "the trace": (from_parts(bend=lambda h: h.trace() + 2 * h.square().sum()), "the trace enters squared"),
        "one side": (from_parts(side=lambda q, h: q @ h), "stands on both sides"),
        "no side": (from_parts(side=lambda q, h: h), "still the H of all the noise"),
        "the slope forgotten": (
            lambda b, h, p, s: from_parts(slope=lambda b: 0.0)(b, h, p, s) if h.any() else rho(b, h, p, s),
            "the slope is missing",
        ),
        "the half forgotten": (from_parts(weight=lambda s: s**2), "the half is a quarter"),
        "the half not squared": (from_parts(weight=lambda s: s**2 / 2), "the half before u'Hu is squared"),
        "no sigma": (from_parts(weight=lambda s: 1 / 4), "u'Hu holds sigma twice"),
        "sigma, not squared": (from_parts(weight=lambda s: s / 4), "sigma^2, not sigma"),
        "sigma^4 alone": (from_parts(weight=lambda s: s**4 / 4), "divide by sigma^2 both parts"),
        "another factor": (from_parts(weight=lambda s: s**2 / 3), "slope and curvature together"),
        "lengths": (from_parts(slope=lambda b: b.norm()), "not its root"),
        "an average over draws": (sampled, "from call to call"),
        "an average over the same draws": (one_seed, "close, but give the exact expectations"),
        "one": (lambda *given: 1.0, "rho should be"),
        "a vector": (lambda b, h, p, s: b, "should be one number"),
        "not a number": (lambda *given: float("nan"), "and is nan"),
    },
}
