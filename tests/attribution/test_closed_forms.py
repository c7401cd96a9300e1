"""Every operation that is taken for homogeneous has no bias; affine ones are compared in test_linearise."""

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
