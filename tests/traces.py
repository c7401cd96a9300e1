"""What an explanation must leave as it found it: the model, the tensors, the modes and the random state.

The state of `random` is left out: beartype, which checks annotations in the tests, draws from it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn


@contextmanager
def leaves_no_trace(model: nn.Module, *tensors: Tensor) -> Iterator[None]:
    """Assert that the block changes nothing, whether it ends or raises."""
    before = _state(model, tensors)
    try:
        yield
    finally:
        after = _state(model, tensors)
        changed = [key for key in before if before[key] != after[key]]
        assert not changed, changed


def _state(model: nn.Module, tensors: tuple[Tensor, ...]) -> dict[str, object]:
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    hooks = {kind: [len(getattr(module, kind)) for module in model.modules()] for kind in kinds}
    variables = [*model.parameters(), *model.buffers(), *tensors]
    return hooks | {
        "global hooks": len(torch.nn.modules.module._global_forward_hooks),
        "training": [module.training for module in model.modules()],
        "requires_grad": [v.requires_grad for v in variables],
        "grad": [v.grad is None for v in variables if v.is_leaf],
        "tensor hooks": [len(v._backward_hooks or ()) for v in variables],
        "values": [v.detach().cpu().numpy().tobytes() for v in variables],
        "gradient mode": torch.is_grad_enabled(),
        "torch random state": torch.get_rng_state().numpy().tobytes(),
        "numpy random state": np.random.get_state()[1].tobytes(),  # noqa: NPY002
    }
