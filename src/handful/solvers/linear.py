"""Closed forms on tables: class means and ridge regression. N rows, D features, K outputs."""

from __future__ import annotations

import torch
from torch import Tensor


def class_means(features: Tensor, labels: Tensor, classes: int) -> Tensor:
    """(N, D), (N,) -> (K, D); 0 for a class without rows."""
    sums = features.new_zeros(classes, features.shape[1]).index_add(0, labels, features)
    return sums / torch.bincount(labels, minlength=classes).clamp(min=1)[:, None]


def squared_distances(rows: Tensor, points: Tensor) -> Tensor:
    """(N, D), (K, D) -> (N, K), without a table of N x K x D."""
    found = rows.square().sum(1)[:, None] - 2 * rows @ points.T + points.square().sum(1)
    return found.clamp(min=0)


def ridge(features: Tensor, numbers: Tensor, penalty: Tensor | float, row_weights: Tensor | None = None) -> Tensor:
    """(N, D), (N, K) -> (D, K): the minimum of sum_n w_n |x_n W - y_n|^2 + penalty |W|^2.

    Solves the smaller of the N x N and D x D systems (Woodbury).
    """
    if row_weights is not None:
        root = row_weights.to(features).sqrt()[:, None]
        features, numbers = features * root, numbers * root
    n, d = features.shape
    if n < d:
        gram = features @ features.T + penalty * torch.eye(n).to(features)
        return features.T @ torch.linalg.solve(gram, numbers)
    gram = features.T @ features + penalty * torch.eye(d).to(features)
    return torch.linalg.solve(gram, features.T @ numbers)


def with_one(features: Tensor) -> Tensor:
    """(N, D) -> (N, D + 1): a column of ones, for the intercept."""
    return torch.cat([features, torch.ones_like(features[:, :1])], dim=1)
