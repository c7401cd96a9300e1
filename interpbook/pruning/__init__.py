"""What can be removed? Single weights, by projected gradient descent; whole channels, by submodular selection.

Magnitude pruning keeps the k largest weights: the nearest point with k non-zeros. Done again and again while the
network learns, with a number k(t) that changes, it is projected gradient descent, and one-shot, gradual, iterative and
cyclical pruning are four schedules k(t).

A channel may go if the next layer can make up for it. Choosing those that stay is maximizing a weakly submodular
function, greedily, and the next layer's new weights are one least-squares problem: `prune_structured`.
"""

from interpbook.pruning.allocation import accuracy_curves, allocate, explained_curves
from interpbook.pruning.coupling import Coupling, find_couplings
from interpbook.pruning.criteria import CRITERIA
from interpbook.pruning.projected_training import PruningHistory, train_projected
from interpbook.pruning.projection import project_sparsity, prunable
from interpbook.pruning.schedule import SparsitySchedule, cosine_restarts
from interpbook.pruning.selection import greedy_select, reweight
from interpbook.pruning.sparse_regression import SparseRegression, sparse_regression
from interpbook.pruning.structured import Pruned, prune_structured
from interpbook.pruning.submodularity import best_subset, explained, submodularity_ratio

__all__ = [
    "CRITERIA",
    "Coupling",
    "Pruned",
    "PruningHistory",
    "SparseRegression",
    "SparsitySchedule",
    "accuracy_curves",
    "allocate",
    "best_subset",
    "cosine_restarts",
    "explained",
    "explained_curves",
    "find_couplings",
    "greedy_select",
    "project_sparsity",
    "prunable",
    "prune_structured",
    "reweight",
    "sparse_regression",
    "submodularity_ratio",
    "train_projected",
]
