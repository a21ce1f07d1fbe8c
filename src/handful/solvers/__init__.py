"""Mathematics on plain tensors, shared by learners."""

from .descend import Loss, Rule, Weights, adam, descent, plain, support_loss
from .linear import class_means, ridge, with_one
from .rows import rows, unrows

__all__ = [
    "Loss",
    "Rule",
    "Weights",
    "adam",
    "class_means",
    "descent",
    "plain",
    "ridge",
    "rows",
    "support_loss",
    "unrows",
    "with_one",
]
