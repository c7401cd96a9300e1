"""Every operation that is taken for homogeneous has no bias; affine ones are compared in test_linearize."""

import jaxtyping
import pytest
import torch
from torch import Tensor

from interpbook.attribution import closed_forms


def test_every_shortcut_is_exercised() -> None:
    """A wrong closed form must not hide: each operation is checked alone against its forward-mode derivative."""
    u = torch.randn(2, 4, 6, 6, dtype=torch.float64)
    arguments = {
        "relu": (), "leaky_relu": (0.2,), "max_pool2d_with_indices": ([2, 2],), "avg_pool2d": ([2, 2],),
        "_adaptive_avg_pool2d": ([2, 2],), "mean": ([2, 3],), "sum": ([1],), "view": ([2, -1],),
        "_unsafe_view": ([2, -1],), "permute": ([0, 2, 3, 1],), "transpose": (1, 2), "expand": ([2, 4, 6, 6],),
        "squeeze": (1,), "unsqueeze": (1,), "slice": (1, 0, 2), "select": (1, 0), "clone": (), "add": (u,), "sub": (u,),
    }  # fmt: skip
    for operation in closed_forms.HOMOGENEOUS | closed_forms.SUMS:
        name = operation.__name__.split(".")[0]
        if name in {"t", "cat"}:
            continue

        def value(v: Tensor, operation=operation, name=name) -> Tensor:
            others = [2 * v if isinstance(a, Tensor) else a for a in arguments[name]]
            out = operation(v, *others)
            return out[0] if isinstance(out, tuple) else out

        z, product = torch.func.jvp(value, (u,), (u,))
        torch.testing.assert_close(z, product, msg=name)


@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm_has_a_closed_form_with_fixed_statistics_alone(monkeypatch, affine: bool) -> None:
    """With `training` set the statistics are those of the input, so that `z` is no affine map of it."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    u, parameters = torch.randn(2, 3, 4, 4, dtype=torch.float64), torch.rand(4, 3, dtype=torch.float64) + 0.5
    weight, bias = parameters[:2] if affine else (None, None)
    for training in (False, True):
        options = weight, bias, parameters[2].clone(), parameters[3].clone(), training, 0.1, 1e-3
        z = torch.ops.aten.native_batch_norm.default(u, *options)[0]
        found = closed_forms._batch_norm(z, u, *options)
        if training:
            assert found is NotImplemented
        else:
            at_zero = torch.ops.aten.native_batch_norm.default(torch.zeros_like(u), *options)[0]
            torch.testing.assert_close(found, at_zero)
