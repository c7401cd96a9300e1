"""Projections onto tangent spaces: what a projection is, and whose space it is where that is known."""

import math

import pytest
import torch
from torch import nn
from traces import leaves_no_trace

from interpbook.robustness import tangent_projection


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=seeded(seed))


def decoder(latent=3, norm=False):
    """Curved, to pictures of 2x4 values."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [nn.Linear(latent, 10), nn.BatchNorm1d(10) if norm else nn.Identity(), nn.Softplus()]
        layers += [nn.Dropout(), nn.Linear(10, 8), nn.Sigmoid(), nn.Unflatten(1, (2, 4))]
        model = nn.Sequential(*layers).double().eval()
    if norm:
        model[1].running_mean.copy_(normal(10))
        model[1].running_var.copy_(normal(10).exp())
    return model


def brute_force(model, z):
    """J (J'J)^-1 J' with J from reverse differentiation, one example and one value at a time."""
    found = []
    for code in z:
        jacobian = torch.autograd.functional.jacobian(lambda c: model(c[None]).flatten(), code)
        found.append(jacobian @ torch.linalg.inv(jacobian.T @ jacobian) @ jacobian.T)
    return torch.stack(found)


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("latent", [1, 3, 8])
def test_a_curved_decoder(latent, norm):
    """Symmetric, idempotent, of rank k, and the same as by brute force; batch norm and dropout are at rest."""
    model, z = decoder(latent, norm), normal(5, latent)
    found = tangent_projection(model, z)
    torch.testing.assert_close(found, found.mT, rtol=0, atol=1e-14)
    torch.testing.assert_close(found @ found, found, rtol=0, atol=1e-12)
    torch.testing.assert_close(found.diagonal(dim1=1, dim2=2).sum(1), torch.full((5,), float(latent)).double())
    torch.testing.assert_close(found, brute_force(model, z), rtol=0, atol=1e-6)


def test_directions_along_the_manifold_stay_and_normals_vanish():
    """Points near each other on the manifold differ by a tangent, to first order."""
    model, z = decoder(), normal(5, 3)
    step = 1e-5 * normal(5, 3, seed=1)
    with torch.no_grad():
        tangent = (model(z + step) - model(z - step)).flatten(1) / 2e-5
    projected = (tangent_projection(model, z) @ tangent[..., None])[..., 0]
    torch.testing.assert_close(projected, tangent, rtol=0, atol=1e-8)


def test_a_linear_decoder_has_one_tangent_space():
    basis, _ = torch.linalg.qr(normal(7, 3))
    mix = normal(3, 3, seed=1)
    found = tangent_projection(lambda z: z @ mix @ basis.T + 5, normal(4, 3))
    torch.testing.assert_close(found, (basis @ basis.T).expand(4, 7, 7))


def test_a_sphere_has_the_tangent_spaces_of_a_sphere():
    """1 - n n', with n the point itself."""

    def sphere(z):
        return torch.stack([z[:, 0].cos() * z[:, 1].sin(), z[:, 0].sin() * z[:, 1].sin(), z[:, 1].cos()], 1)

    z = torch.rand(6, 2, dtype=torch.float64, generator=seeded()) + 0.5
    n = sphere(z)
    torch.testing.assert_close(tangent_projection(sphere, z), torch.eye(3).double() - n[:, :, None] * n[:, None])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_jacobian_without_full_rank_spans_what_it_spans(dtype):
    """Two of three coordinates act as one; at the second code a coordinate has no effect at all."""
    basis, _ = torch.linalg.qr(normal(50, 2))

    def model(z):
        return (z[:, :1] + 2 * z[:, 1:2]) * basis[:, 0].to(z) + z[:, 2:] ** 2 * basis[:, 1].to(z)

    z = torch.tensor([[0.1, 0.2, 0.7], [0.3, 0.4, 0.0]], dtype=dtype)
    found = tangent_projection(model, z)
    assert found.dtype == dtype
    tolerance = {"rtol": 0, "atol": 1e-5 if dtype == torch.float32 else 1e-12}
    torch.testing.assert_close(
        found.diagonal(dim1=1, dim2=2).sum(1), torch.tensor([2.0, 1.0], dtype=dtype), **tolerance
    )
    torch.testing.assert_close(found[0], (basis @ basis.T).to(dtype), **tolerance)
    torch.testing.assert_close(found[1], torch.outer(basis[:, 0], basis[:, 0]).to(dtype), **tolerance)


def test_more_coordinates_than_values_span_everything():
    torch.testing.assert_close(
        tangent_projection(lambda z: z[:, :2], normal(3, 5)), torch.eye(2).double().expand(3, 2, 2)
    )


def test_neither_batch_nor_order_changes_a_result():
    model, z = decoder(), normal(6, 3)
    together = tangent_projection(model, z)
    torch.testing.assert_close(together, torch.cat([tangent_projection(model, z[i : i + 1]) for i in range(6)]))
    torch.testing.assert_close(tangent_projection(model, z.flip(0)), together.flip(0))


def test_leaves_no_trace_in_any_gradient_mode():
    model, z = decoder(norm=True), normal(4, 3).requires_grad_()
    with leaves_no_trace(model, z):
        expected = tangent_projection(model, z)
        assert not expected.requires_grad
        with torch.no_grad():
            assert torch.equal(tangent_projection(model, z), expected)
        with torch.inference_mode():
            assert torch.equal(tangent_projection(model, z.clone()), expected)
        torch.testing.assert_close(tangent_projection(lambda codes: model(codes.mul_(1.0)), z), expected)


Z = normal(3, 2)
WRONG = [
    (lambda: tangent_projection(decoder(2).train(), Z), ValueError, "model: expected evaluation mode"),
    (lambda: tangent_projection("vae", Z), TypeError, "decoder: expected a module or a function, got str"),
    (lambda: tangent_projection(decoder(2), Z.float()), ValueError, "x: expected dtype torch.float64"),
    (lambda: tangent_projection(decoder(2), normal(3, 5)), ValueError, r"z: expected codes .* got shape \(3, 5\)"),
    (lambda: tangent_projection(lambda z: z, Z.half()), ValueError, r"z: expected float32 or float64 .*torch\.float16"),
    (lambda: tangent_projection(lambda z: z, Z[:, None]), ValueError, r"z: expected .* of shape \(B, k\).*\(3, 1, 2\)"),
    (lambda: tangent_projection(lambda z: z, Z.long()), TypeError, "z: expected a floating tensor"),
    (lambda: tangent_projection(lambda z: z, Z * math.nan), ValueError, "z: expected finite values"),
    (lambda: tangent_projection(lambda z: z.sum(1), Z), ValueError, r"output of the decoder: .*B = 3, got \(3,\)"),
    (lambda: tangent_projection(lambda z: (z, z), Z), ValueError, "output of the decoder: .* got tuple"),
    (lambda: tangent_projection(lambda z: z / 0, Z), ValueError, "output of the decoder: expected finite values"),
    (lambda: tangent_projection(lambda z: (0 * z).sqrt(), Z), ValueError, "Jacobian of the decoder: expected finite"),
    (lambda: tangent_projection(lambda z: 0 * z, Z), ValueError, "decoder: .* got a constant at 3 of 3 codes"),
    (lambda: tangent_projection(lambda z: torch.ones(3, 4), Z), ValueError, "decoder: .* got a constant at 3 of 3"),
]


@pytest.mark.parametrize(("call", "error", "said"), WRONG)
def test_wrong_arguments(without_shape_checks, call, error, said):
    with pytest.raises(error, match=said):
        call()
