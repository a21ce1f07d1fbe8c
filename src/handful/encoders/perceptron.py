"""Linear layers one after the other, for heads that are small nets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import nn


def perceptron(widths: Sequence[int], between: Callable[[], nn.Module] = nn.ReLU) -> nn.Sequential:
    """Linear layers of these widths, from what comes in to what goes out, with `between` in between."""
    layers = [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), between())]
    return nn.Sequential(*layers[:-1])
