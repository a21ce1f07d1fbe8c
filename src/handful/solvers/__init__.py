"""Mathematics on plain tensors, shared by learners."""

from .descend import Weights, descent, support_loss
from .linear import class_means, ridge, with_one
from .rows import in_parts, rows, unrows

__all__ = ["Weights", "class_means", "descent", "in_parts", "ridge", "rows", "support_loss", "unrows", "with_one"]
