"""One training loop for every network of the book, and what it may add to its loss: the same seed, the same network."""

from interpbook.training.fit import History, Loss, Perturbation, Regularizer, accuracy, fit
from interpbook.training.regularizers import as_regularizer, gradient_norm_penalty

__all__ = [
    "History",
    "Loss",
    "Perturbation",
    "Regularizer",
    "accuracy",
    "as_regularizer",
    "fit",
    "gradient_norm_penalty",
]
