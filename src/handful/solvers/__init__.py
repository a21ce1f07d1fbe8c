"""Mathematics on plain tensors, shared by learners."""

from .descend import Loss, Rule, Weights, adam, answering, descent, flat, moving, plain, support_loss, unflat
from .linear import class_means, ridge, squared_distances, with_one
from .rows import few, in_drawn_order, in_parts, rows, unrows

__all__ = [
    "Loss",
    "Rule",
    "Weights",
    "adam",
    "answering",
    "class_means",
    "descent",
    "few",
    "flat",
    "in_drawn_order",
    "in_parts",
    "moving",
    "plain",
    "ridge",
    "rows",
    "squared_distances",
    "support_loss",
    "unflat",
    "unrows",
    "with_one",
]
