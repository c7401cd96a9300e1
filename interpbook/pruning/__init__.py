"""What can be removed? Networks with few weights, by projected gradient descent with a schedule.

Magnitude pruning keeps the k largest weights: the nearest point with k non-zeros. Done again and again while the
network learns, with a number k(t) that changes, it is projected gradient descent, and one-shot, gradual, iterative and
cyclical pruning are four schedules k(t).
"""

from interpbook.pruning.projected_training import PruningHistory, train_projected
from interpbook.pruning.projection import project_sparsity, prunable
from interpbook.pruning.schedule import SparsitySchedule, cosine_restarts
from interpbook.pruning.sparse_regression import SparseRegression, sparse_regression

__all__ = [
    "PruningHistory",
    "SparseRegression",
    "SparsitySchedule",
    "cosine_restarts",
    "project_sparsity",
    "prunable",
    "sparse_regression",
    "train_projected",
]
