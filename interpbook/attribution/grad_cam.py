"""Grad-CAM: which places of a layer's feature maps the chosen logit rests on."""

from collections.abc import Callable
from threading import get_ident

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interpbook.checks import check_finite, check_input, check_model, check_output
from interpbook.functions import Target, take

__all__ = ["grad_cam"]


def grad_cam(
    model: nn.Module,
    x: Float[Tensor, "B *dims"],
    target: Target,
    layer: nn.Module | str,
    *,
    reshape: Callable[[Tensor], Tensor] | None = None,
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
        reshape: for a layer with another output, such as tokens (B, n, C): a function that lays the output out as
            (B, C, h, w). It is used for the gradient as well, so that it may move and leave out elements, such as a
            class token, and nothing else.

    Returns:
        One map per example, in units of the logit, in the dtype and on the device of x.

    Raises:
        TypeError, ValueError: a wrong `model`, `x` or `target`; logits that are not (B, K) or not finite; a
            `layer` that is not in the model, did not run or ran more than once, has another output than (B,
            C, h, w), or does not reach the logits; a `reshape` that does not return (B, C, h, w).

    >>> model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3)).eval()
    >>> grad_cam(model, torch.randn(5, 1, 8, 8), "predicted", layer="1").shape
    torch.Size([5, 6, 6])

    In a vision transformer the logits depend on the last block's output by its class token alone; its patches are
    weighed where they still meet, at the block's first norm (here in torchvision's names):

    >>> import torchvision
    >>> def patches(tokens):
    ...     return tokens[:, 1:].transpose(1, 2).unflatten(2, (4, 4))
    >>> options = {"num_layers": 2, "num_heads": 2, "hidden_dim": 8, "mlp_dim": 16, "num_classes": 3}
    >>> model = torchvision.models.VisionTransformer(image_size=32, patch_size=8, **options).eval()
    >>> last = "encoder.layers.encoder_layer_1.ln_1"
    >>> grad_cam(model, torch.randn(5, 3, 32, 32), 1, last, reshape=patches).shape
    torch.Size([5, 4, 4])
    """
    check_input(x)
    check_model(model, x)
    module, name = _find(model, layer)
    if reshape is not None and not callable(reshape):
        raise TypeError(f"reshape: expected a function to (B, C, h, w), got {type(reshape).__name__}")
    outputs: list[Tensor] = []
    thread = get_ident()

    def restart(module: nn.Module, args: tuple, output: object) -> Tensor | None:
        """Let differentiation begin here: what ran before leaves no graph."""
        if get_ident() != thread:
            # The model runs in another thread too, which is not to notice.
            return None
        if outputs:
            raise ValueError(f"layer: expected one that runs once, got {name}, which runs again in the same pass")
        if reshape is None:
            _check_maps(output, len(x), "layer: expected an output")
        elif not isinstance(output, Tensor):
            raise ValueError(f"layer: expected an output that is one tensor, got {type(output).__name__}")
        else:
            _check_maps(reshape(output), len(x), "reshape: expected a result")
        assert isinstance(output, Tensor)
        outputs.append(output.detach().requires_grad_())
        torch.set_grad_enabled(True)
        # A copy, because an in-place ReLU behind the layer would overwrite the map that is differentiated and
        # kept.
        return outputs[0].clone()

    handle = module.register_forward_hook(restart)
    try:
        with torch.inference_mode(False), torch.no_grad():
            logits = check_output(model(x.detach().clone()), len(x))
            if not outputs:
                raise ValueError(f"layer: expected one that runs in the forward pass, got {name}, which did not")
            gradient = _head_gradient(take(logits, target), outputs[0], name)
    finally:
        handle.remove()
    maps = outputs[0].detach()
    if reshape is not None:
        maps, gradient = reshape(maps), reshape(gradient)
    return (gradient.mean((2, 3), keepdim=True) * maps).sum(1).to(x.dtype)


def _check_maps(output: object, batch: int, expected: str) -> None:
    if not isinstance(output, Tensor) or output.dim() != 4 or len(output) != batch:
        came = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise ValueError(f"{expected} of shape (B, C, h, w) = ({batch}, C, h, w), got {came}")


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
