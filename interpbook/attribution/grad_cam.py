"""Grad-CAM: which places of a layer's feature maps the chosen logit rests on."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interpbook.attribution.select import Target, take
from interpbook.checks import check_finite, check_input, check_model, check_output

__all__ = ["grad_cam"]


def grad_cam(
    model: nn.Module, x: Float[Tensor, "B *dims"], target: Target, layer: nn.Module | str
) -> Float[Tensor, "B h w"]:
    """The feature maps A_c of a layer, weighted by the logit's mean gradients [selvaraju2017gradcam]:

        sum over c of alpha_c A_c,    alpha_c = mean over places of dz_y / dA_c.

    The map is raw and signed, at the layer's resolution: the paper's ReLU, and any scaling or enlargement,
    belong to the figure. Only the part of the network after the layer is differentiated.

    Args:
        model: a module in evaluation mode, from (B, *dims) to logits (B, K).
        x: the batch.
        target: y, one class for all examples, a tensor of B classes, or "predicted".
        layer: a sub-module with an output of shape (B, C, h, w), or its name, as in `model.get_submodule`.

    Returns:
        One map per example, in units of the logit, in the dtype and on the device of x.

    Raises:
        TypeError, ValueError: a wrong `model`, `x` or `target`; logits that are not (B, K) or not finite; a
            `layer` that is not in the model, did not run or ran more than once, has another output than (B,
            C, h, w), or does not reach the logits.

    >>> model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3)).eval()
    >>> grad_cam(model, torch.randn(5, 1, 8, 8), "predicted", layer="1").shape
    torch.Size([5, 6, 6])
    """
    check_input(x)
    check_model(model, x)
    module, name = _find(model, layer)
    maps: list[Tensor] = []

    def restart(module: nn.Module, args: tuple, output: object) -> Tensor:
        """Let differentiation begin here: what ran before leaves no graph."""
        if maps:
            raise ValueError(f"layer: expected one that runs once, got {name}, which runs again in the same pass")
        if not isinstance(output, Tensor) or output.dim() != 4 or len(output) != len(x):
            came = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ValueError(f"layer: expected an output of shape (B, C, h, w) = ({len(x)}, C, h, w), got {came}")
        maps.append(output.detach().requires_grad_())
        torch.set_grad_enabled(True)
        # A copy, because an in-place ReLU behind the layer would overwrite the map that is differentiated and
        # kept.
        return maps[0].clone()

    handle = module.register_forward_hook(restart)
    try:
        with torch.inference_mode(False), torch.no_grad():
            logits = check_output(model(x.detach().clone()), len(x))
            if not maps:
                raise ValueError(f"layer: expected one that runs in the forward pass, got {name}, which did not")
            gradient = _head_gradient(take(logits, target), maps[0], name)
    finally:
        handle.remove()
    weights = gradient.mean((2, 3), keepdim=True)
    return (weights * maps[0].detach()).sum(1).to(x.dtype)


def _head_gradient(values: Tensor, maps: Tensor, name: str) -> Tensor:
    gradient = None
    if values.requires_grad:
        (gradient,) = torch.autograd.grad(values.sum(), maps, allow_unused=True)
    if gradient is None:
        raise ValueError(f"layer: expected one that the logits depend on, got {name}, which does not reach them")
    check_finite(gradient, "gradient at the layer")
    return gradient


def _find(model: nn.Module, layer: object) -> tuple[nn.Module, str]:
    """The layer itself, and what to call it in an error."""
    modules = dict(model.named_modules())
    if isinstance(layer, str):
        if layer not in modules:
            raise ValueError(f"layer: expected the name of a sub-module of the model, got '{layer}'")
        return modules[layer], f"'{layer}'"
    if not isinstance(layer, nn.Module):
        raise TypeError(f"layer: expected a torch.nn.Module or its name, got {type(layer).__name__}")
    for path, module in modules.items():
        if module is layer:
            return layer, f"'{path}'"
    raise ValueError(f"layer: expected a sub-module of the model, got another {type(layer).__name__}")
