"""One training loop for every network of the book, and what it may add to its loss: the same seed, the same network."""

from interpbook.training.fit import Perturbation, Regularizer, accuracy, fit
from interpbook.training.loop import History
from interpbook.training.preparation import Loss
from interpbook.training.regularizers import as_regularizer, gradient_norm_penalty
from interpbook.training.together import fit_together

__all__ = [
    "History",
    "Loss",
    "Perturbation",
    "Regularizer",
    "accuracy",
    "as_regularizer",
    "fit",
    "fit_together",
    "gradient_norm_penalty",
]
