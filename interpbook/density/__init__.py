"""What generative model hides in a classifier? Its implicit density, the score of it, and training that shapes both.

The logits of a classifier define a density for free. Here are its score, its curvature, samples from it, and the
training that makes it the data's or anything else; beside them a mixture of Gaussians whose density is known.
"""

from interpbook.density.hessian_trace import exact_trace, hutchinson_trace, trace_estimates
from interpbook.density.implicit_density import Shifted, log_density_ratio, noisy_log_density_ratio
from interpbook.density.mixture import GaussianMixture
from interpbook.density.sampling import activation_maximization, decreasing_steps, langevin
from interpbook.density.score_matching import anti_score_matching_loss, score_matching_loss
from interpbook.training import as_regularizer, gradient_norm_penalty

__all__ = [
    "GaussianMixture",
    "Shifted",
    "activation_maximization",
    "anti_score_matching_loss",
    "as_regularizer",
    "decreasing_steps",
    "exact_trace",
    "gradient_norm_penalty",
    "hutchinson_trace",
    "langevin",
    "log_density_ratio",
    "noisy_log_density_ratio",
    "score_matching_loss",
    "trace_estimates",
]
