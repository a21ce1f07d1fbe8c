"""Layers that look at one pixel at a time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..solvers import rows, unrows

PART = 2048  # pixels: what lies between two layers then stays in a core's cache


def by_parts(change: Callable[[Tensor], Tensor], maps: Tensor) -> Tensor:
    """`change`, a function of rows (n, d), at each pixel of (n, d, height, width); in parts where that is faster."""
    table = rows(maps)
    if torch.is_grad_enabled():  # everything in between is kept for the gradient anyway
        return unrows(change(table), tuple(maps.shape))
    return unrows(torch.cat([change(part) for part in table.split(PART)]), tuple(maps.shape))
