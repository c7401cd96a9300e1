"""ResNet-18 for small colour images, smooth from end to end: what the chapters train where there is a GPU."""

import torch
from torch import nn

from interpbook.checks import check_count
from interpbook.models.small import SOFTPLUS, Activation, make_activation


def small_image_resnet18(classes: int = 10, activation: Activation = SOFTPLUS, *, seed: int = 0) -> nn.Module:
    """torchvision's ResNet-18 [he2016deep] as it is used for CIFAR: a first convolution of 3x3 with stride 1 and
    no max pooling, so that images keep their 32x32 pixels in the first stage; 11.2 million parameters.

    Maps Float[B 3 H W], colours in [0, 1], to logits Float[B classes].

    Args:
        classes: the number of logits.
        activation: as for `SmallCNN`, in place of every ReLU; by default softplus with beta = 10, which is
            near to it and has a second derivative.
        seed: of the initial weights. The global random state is as it was before.

    Raises:
        TypeError, ValueError: a wrong `classes` or `activation`.

    >>> model = small_image_resnet18(classes=100).eval()
    >>> model(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 100])
    """
    from torchvision.models import resnet18  # here, because it takes a second to import

    check_count(classes, "classes")
    make_activation(activation)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model: nn.Module = resnet18(num_classes=classes)
        model.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(model.conv1.weight, mode="fan_out", nonlinearity="relu")
    model.maxpool = nn.Identity()
    for module in [*model.modules()]:
        if hasattr(module, "relu"):
            module.relu = make_activation(activation)
    return model
