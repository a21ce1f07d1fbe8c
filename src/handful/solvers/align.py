"""Features of one place brought to the statistics of another, and how far two places lie apart. N rows, D features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Move = Callable[[Tensor], Tensor]
STILL = 1e-6  # of a feature's size: what varies less doesn't vary


@dataclass(frozen=True)
class Moments:
    """Mean (D,) and covariance (D, D) of rows, float64."""

    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, rows: Tensor) -> Moments:
        table = rows.detach().double()
        away = table - table.mean(0)
        return cls(table.mean(0), away.T @ away / max(1, len(table) - 1))

    @property
    def varies(self) -> Tensor:
        """A mask (D,) of the features that aren't the same everywhere."""
        return self.covariance.diagonal().clamp(min=0).sqrt() > STILL * (self.mean.abs() + STILL)

    @property
    def deviation(self) -> Tensor:
        """(D,); 1 for a feature that doesn't vary."""
        return torch.where(self.varies, self.covariance.diagonal().clamp(min=0).sqrt(), 1.0)

    @property
    def correlation(self) -> Tensor:
        """(D, D); 0 beside a feature that doesn't vary."""
        return self.covariance / torch.outer(self.deviation, self.deviation) * torch.outer(self.varies, self.varies)


@dataclass(frozen=True)
class Across:
    """Labelled rows and a query of another place.

    known, targets  rows (N, width) with labels, and these (N,)
    pooled          a mask (N,) of those that are of the pool, and so of other places than the query
    query           rows (M, width) that are asked about
    """

    known: Tensor
    targets: Tensor
    pooled: Tensor
    query: Tensor


def statistics(source: Moments, target: Moments) -> Move:
    """Rows of the source with the target's mean and deviation of each feature, where both vary.

    Li, Wang, Shi, Liu & Hou 2016 (AdaBN, arXiv:1603.04779) do so in each batch norm of a net; here once, on features.
    """
    both = source.varies & target.varies
    scale = torch.where(both, target.deviation / source.deviation, 1.0)
    return lambda rows: ((rows - source.mean) * scale + target.mean).to(rows)


def coral(source: Moments, target: Moments, penalty: float = 1.0) -> Move:
    """CORAL (Sun, Feng & Saenko 2016, arXiv:1511.05547): the source whitened, coloured with the target's covariance.

    Algorithm 1, on features of mean 0 and deviation 1 as the paper has them: each place on its own scale first. What
    was moved gets the target's scale again, so that the target's rows stay as they are.

    penalty  what is added to the variances of both; the paper's 1
    """
    eye = penalty * torch.eye(len(source.mean), dtype=torch.float64)
    turn = power(source.correlation + eye, -0.5) @ power(target.correlation + eye, 0.5)
    scale = torch.where(target.varies, target.deviation, source.deviation)
    return lambda rows: ((rows - source.mean) / source.deviation @ turn * scale + target.mean).to(rows)


ALIGNMENTS: dict[str, Callable[[Moments, Moments], Move]] = {"statistics": statistics, "coral": coral}


def power(symmetric: Tensor, exponent: float) -> Tensor:
    """A power of a symmetric matrix without negative eigenvalues; of those that are 0, 0."""
    values, vectors = torch.linalg.eigh(symmetric)
    kept = values > 1e-12 * values.abs().sum()
    raised = torch.where(kept, values.clamp(min=1e-300) ** exponent, 0.0)
    return vectors * raised @ vectors.T


def frechet(one: Moments, other: Moments) -> float:
    """How far two normal distributions lie apart, in deviations of `one` a feature (Dowson & Landau 1982).

    The root of |m - m'|^2 + tr(C + C' - 2 (C C')^1/2), each feature in deviations of `one`, over the root of how many
    features vary there; so 1 is as if each mean were off by a deviation.
    """
    kept = one.varies
    scale = one.deviation[kept]
    away = (other.mean - one.mean)[kept] / scale
    mine, theirs = ((m.covariance[kept][:, kept] / torch.outer(scale, scale)) for m in (one, other))
    root = power(mine, 0.5)
    both = torch.linalg.eigvalsh(root @ theirs @ root).clamp(min=0).sqrt().sum()
    squared = away.square().sum() + mine.trace() + theirs.trace() - 2 * both
    return float((squared.clamp(min=0) / max(1, int(kept.sum()))).sqrt())
