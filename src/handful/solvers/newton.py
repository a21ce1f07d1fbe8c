"""Logistic regression by Newton steps, each a weighted ridge regression. N rows, D features, K answers."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

LEAST = 1e-6  # of the curvature of a row: one that is answered with certainty weighs next to nothing


def logistic_steps(features: Tensor, yes: Tensor, penalty: Tensor | float, steps: int) -> Iterator[Tensor]:
    """(N, D), (N, K) of 0 and 1 -> the weights (D, K) after each Newton step from 0.

    The K answers are fitted apart (one against rest). They go to the minimum of the summed log loss plus half the
    penalty times |w|^2. Iteratively reweighted least squares: Bishop 2006, section 4.3.3.
    """
    weights = features.new_zeros(features.shape[1], yes.shape[1])
    for _ in range(steps):
        scores = features @ weights
        chance = torch.sigmoid(scores)
        curvature = (chance * (1 - chance)).clamp(min=LEAST)
        weights = weighted_ridges(features, scores + (yes - chance) / curvature, curvature, penalty)
        yield weights


def weighted_ridges(features: Tensor, numbers: Tensor, row_weights: Tensor, penalty: Tensor | float) -> Tensor:
    """(N, D), (N, K), (N, K) -> (D, K): a ridge an answer, each with row weights of its own.

    Solves the smaller of the N x N and D x D systems (Woodbury), all K at once.
    """
    (n, d), root = features.shape, row_weights.T.sqrt()[..., None]  # (K, N, 1)
    table, wanted = features * root, numbers.T[..., None] * root  # (K, N, D), (K, N, 1)
    if n < d:
        gram = table @ table.mT + penalty * torch.eye(n).to(table)
        return (table.mT @ torch.linalg.solve(gram, wanted))[..., 0].T
    gram = table.mT @ table + penalty * torch.eye(d).to(table)
    return torch.linalg.solve(gram, table.mT @ wanted)[..., 0].T
