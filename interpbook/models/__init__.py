"""The book's networks: small ones with checkpoints and their recipes, and one for photographs.

The small ones train in a minute; `make checkpoints` follows their recipes again. ResNet-18 is for those who have a GPU.
"""

from interpbook.models.denoiser import Denoiser, train_denoiser
from interpbook.models.efficientnet import efficientnet_lite0, imagenet_classes, preprocess
from interpbook.models.recipes import Recipe, train
from interpbook.models.registry import get_recipe, load
from interpbook.models.resnet import small_image_resnet18
from interpbook.models.small import MLP, SmallCNN

__all__ = [
    "MLP",
    "Denoiser",
    "Recipe",
    "SmallCNN",
    "efficientnet_lite0",
    "get_recipe",
    "imagenet_classes",
    "load",
    "preprocess",
    "small_image_resnet18",
    "train",
    "train_denoiser",
]
