"""What each row would be given by a fit on all other rows: the cheapest honest judge of a penalty."""

from __future__ import annotations

import torch
from torch import Tensor


def ridge_left_out(
    features: Tensor, numbers: Tensor, penalty: Tensor | float, row_weights: Tensor
) -> tuple[Tensor, Tensor]:
    """(N, D), (N, K) -> the weights (D, K) of `ridge`, and what the ridge without a row predicts for it (N, K).

    In closed form (Allen 1974, doi:10.1080/00401706.1974.10489157): a row left out misses by its residual over one
    less its leverage. Inverts the smaller of the N x N and D x D systems.
    """
    root = row_weights.to(features).sqrt()[:, None]
    table, wanted = features * root, numbers * root
    n, d = table.shape
    if n <= d:
        inverse = torch.linalg.inv(table @ table.T + penalty * torch.eye(n).to(table))
        dual = inverse @ wanted
        weights, missed = table.T @ dual, dual / inverse.diagonal()[:, None]
    else:
        inverse = torch.linalg.inv(table.T @ table + penalty * torch.eye(d).to(table))
        weights = inverse @ (table.T @ wanted)
        leverage = ((table @ inverse) * table).sum(1, keepdim=True)
        missed = (wanted - table @ weights) / (1 - leverage)
    return weights, numbers - missed / root
