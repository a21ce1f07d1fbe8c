"""Mathematics on plain tensors, shared by learners."""

from .descend import Weights, descent, support_loss
from .linear import class_means, ridge, squared_distances, with_one
from .rows import rows, unrows

__all__ = [
    "Weights",
    "class_means",
    "descent",
    "ridge",
    "rows",
    "squared_distances",
    "support_loss",
    "unrows",
    "with_one",
]
