"""Optimal transport with an entropy (Cuturi 2013, arXiv:1306.0895)."""

from __future__ import annotations

import torch
from torch import Tensor


def sinkhorn(
    cost: Tensor, of_rows: Tensor, of_columns: Tensor, *, sharpness: float, near: float = 1e-6, most: int = 1000
) -> Tensor:
    """The logarithm of the plan (N, K) that moves `of_rows` (N,) to `of_columns` (K,), both of one sum, at least cost.

    cost       (N, K)
    sharpness  of the plan: it is exp(-sharpness * cost), its rows and columns scaled in turn
    near       how little the sums of rows still change when it ends
    most       turns
    Its columns sum to `of_columns`, its rows to `of_rows` as near as that. Computed in logarithms: nothing underflows.
    """
    log_plan = -sharpness * cost
    log_plan = log_plan - log_plan.logsumexp((0, 1)) + of_rows.sum().log()
    before = torch.zeros_like(of_rows)
    for _ in range(most):
        sums = log_plan.logsumexp(1)
        if float((sums.exp() - before).abs().max()) <= near:
            break
        before = sums.exp()
        log_plan = log_plan + (of_rows.log() - sums)[:, None]
        log_plan = log_plan + of_columns.log() - log_plan.logsumexp(0)
    return log_plan
