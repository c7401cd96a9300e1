"""What does the local geometry say? Attacks, robustness off the data manifold, and training that brings it about.

A network can be robust in some directions only: to noise that leads off the manifold of the data, and not along it.
Here are the measures of that, the tangent spaces of a manifold that an autoencoder has learned, and the three ways of
training that make networks robust.
"""

from interpbook.robustness.off_manifold import (
    on_manifold_fraction,
    relative_off_manifold_robustness,
    signal_fraction,
)
from interpbook.robustness.pgd import pgd_attack
from interpbook.robustness.tangent import tangent_projection
from interpbook.robustness.training_schemes import (
    adversarial_inputs,
    gradient_norm_regularizer,
    noisy_inputs,
    smoothness_regularizer,
)

__all__ = [
    "adversarial_inputs",
    "gradient_norm_regularizer",
    "noisy_inputs",
    "on_manifold_fraction",
    "pgd_attack",
    "relative_off_manifold_robustness",
    "signal_fraction",
    "smoothness_regularizer",
    "tangent_projection",
]
