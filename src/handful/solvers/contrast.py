"""Contrast of two views: which row of one table shows the same as a row of another."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def nt_xent(rows: Tensor, others: Tensor, temperature: float) -> Tensor:
    """NT-Xent (Chen et al. 2020, arXiv:2002.05709, eq. 1), the mean over both directions.

    rows, others  (N, D) two views of N examples, in one order; at least two examples, or there is nothing to tell apart
    """
    both = F.normalize(torch.cat([rows, others]), dim=1)
    likeness = both @ both.T / temperature
    likeness.fill_diagonal_(-torch.inf)  # the sum of eq. 1 leaves out k = i
    partner = torch.arange(len(both)).roll(len(rows)).to(both.device)
    return F.cross_entropy(likeness, partner)
