"""Labels that neighbours agree on: a bound of an entropy with a graph Laplacian, lowered in turn."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from .linear import squared_distances

AT_ONCE = 1024  # rows whose distances are in memory together


def neighbours(rows: Tensor, points: Tensor, count: int, *, apart: bool = False) -> Tensor:
    """(N, D), (P, D) -> (N, count): the nearest points of each row, fewer where there are no more.

    apart  rows and points are the same, and none is its own neighbour
    """
    count, found = min(count, len(points) - apart), []
    for start in range(0, len(rows), AT_ONCE):
        away = squared_distances(rows[start : start + AT_ONCE], points)
        if apart:
            place = torch.arange(len(away))
            away[place, place + start] = torch.inf
        found.append(away.topk(count, dim=1, largest=False).indices)
    return torch.cat(found)


def pull(near: Tensor, soft: Tensor) -> Tensor:
    """W Y (N, K) of the symmetric affinity W = (A + A^T) / 2, where A is 1 from a row to its neighbours (N, count)."""
    of_neighbours = soft[near].sum(1)
    of_those_near = torch.zeros_like(soft).index_add(0, near.flatten(), soft.repeat_interleave(near.shape[1], 0))
    return (of_neighbours + of_those_near) / 2


def objective(soft: Tensor, cost: Tensor, near: Tensor, strength: float) -> Tensor:
    """sum_q y_q log y_q + a_q y_q - strength / 2 sum_qp w_qp y_q y_p; the Laplacian's, up to a constant."""
    entropy = torch.special.xlogy(soft, soft).sum()
    return entropy + (soft * cost).sum() - strength / 2 * (soft * pull(near, soft)).sum()


def agreed(cost: Tensor, near: Tensor, *, strength: float, steps: int) -> Iterator[Tensor]:
    """The logarithm of soft labels (N, K) at the start and after each step, from costs (N, K) and neighbours.

    A step is the minimum of a bound that is linear in the neighbours' part. The objective falls with each as long as
    strength times the most negative eigenvalue of the affinity stays above -2 (Pinsker's inequality).
    """
    log_soft = (-cost).log_softmax(1)
    yield log_soft
    for _ in range(steps):
        log_soft = (strength * pull(near, log_soft.exp()) - cost).log_softmax(1)
        yield log_soft
