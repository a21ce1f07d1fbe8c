"""Mathematics on plain tensors, shared by learners."""

from .descend import Weights, descent, support_loss
from .linear import class_means, ridge, with_one
from .rows import few, rows, unrows

__all__ = ["Weights", "class_means", "descent", "few", "ridge", "rows", "support_loss", "unrows", "with_one"]
