"""Smoothing of maps of numbers by a Gaussian: neighbours are mostly alike."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def gaussian(sigma: float, reach: int) -> Tensor:
    """(2 reach + 1,) weights of a Gaussian cut at `reach` pixels, summing to 1."""
    place = torch.arange(-reach, reach + 1, dtype=torch.float32)
    weights = torch.exp(-0.5 * (place / sigma).square())
    return weights / weights.sum()


def smoothed(maps: Tensor, valid: Tensor, sigma: float, reach: int) -> Tensor:
    """(n, d, height, width) -> (n, d, height - 2 reach, width - 2 reach): the Gaussian mean over valid pixels.

    valid  (n, 1, height, width) bool; where no pixel within reach is valid the result is 0
    """
    weight = valid.to(maps)
    stacked = torch.cat([maps * weight, weight], dim=1).contiguous(memory_format=torch.channels_last)
    line = gaussian(sigma, reach).to(maps).expand(stacked.shape[1], 1, 1, -1)
    total = F.conv2d(F.conv2d(stacked, line, groups=len(line)), line.transpose(2, 3), groups=len(line))
    return total[:, :-1] / total[:, -1:].clamp(min=1e-6)
