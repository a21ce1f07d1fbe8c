"""Layers that look at one pixel at a time, and maps that are computed in slabs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

SLAB = 8192  # pixels: what lies between the layers then stays in a core's cache


def at_pixels(layer: Callable[[Tensor], Tensor], maps: Tensor) -> Tensor:
    """A layer on vectors (..., d) at each pixel of (n, d, height, width)."""
    return layer(maps.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def by_slabs(
    change: Callable[[Tensor], Tensor],
    maps: Tensor,
    margin: int = 0,
    shortcut: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """`change` of maps (n, d, height, width), some rows at a time where that is faster.

    margin    rows that `change` leaves out at the top and at the bottom of what it is given
    shortcut  of the same maps, added to it
    """
    if torch.is_grad_enabled():  # everything in between is kept for the gradient anyway
        return change(maps) if shortcut is None else shortcut(maps) + change(maps)
    rows, step = maps.shape[2] - 2 * margin, max(1, SLAB // (maps.shape[0] * maps.shape[3]))
    found = maps.new_empty(0)
    for top in range(0, rows, step):
        end = min(top + step, rows)
        part = maps[:, :, top : end + 2 * margin]
        slab = change(part)
        if not top:
            shape = (slab.shape[0], slab.shape[1], rows, slab.shape[3])
            found = torch.empty(shape, dtype=slab.dtype, memory_format=torch.channels_last)
        if shortcut is None:
            found[:, :, top:end] = slab
        else:
            torch.add(shortcut(part), slab, out=found[:, :, top:end])
    return found
