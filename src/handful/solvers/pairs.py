"""Pairs of rows: a table of N rows and one of M becomes a table of N x M answers of what compares two rows."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

AT_ONCE = 32768  # pairs whose comparison is in memory together, where no gradient keeps them all anyway

Compare = Callable[[Tensor, Tensor], Tensor]


def pairwise(compare: Compare, rows: Tensor, others: Tensor) -> Tensor:
    """(N, D), (M, D) -> (N, M): `compare` of each row with each other; it takes two tables (P, D) and gives (P,)."""
    step = len(rows) if torch.is_grad_enabled() else AT_ONCE // len(others)
    return torch.cat([all_pairs(compare, part, others) for part in rows.split(max(1, step))])


def all_pairs(compare: Compare, rows: Tensor, others: Tensor) -> Tensor:
    n, m = len(rows), len(others)
    return compare(rows.repeat_interleave(m, 0), others.repeat(n, 1)).view(n, m)


def best_of_class(scores: Tensor, labels: Tensor, classes: int) -> Tensor:
    """(N, M), (M,) -> (N, K): the highest score of the columns of a class, -inf for a class without any."""
    found = scores.new_full((len(scores), classes), -torch.inf)
    return found.scatter_reduce(1, labels.expand(len(scores), -1), scores, "amax")
