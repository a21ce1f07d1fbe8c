"""Where the map should not be trusted: pixels unlike anything that is labelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist, pdist

from .dealing import is_quantity, quarters

CHUNK = 4096  # rows compared at a time; with 500 labels, 8 MB
CANCELS = 1e-2  # of a squared length: what is left below it is computed again, from the difference


@dataclass(frozen=True)
class Applicability:
    """The area of applicability: pixels whose features lie about as near to the labels as labels to each other.

    mean, scale       (features,) of the labelled rows
    weights           (features,) importance, 1 on average
    rows              (labels, features) labelled rows, standardised and weighted, float32
    average_distance  between labelled rows
    threshold         the largest dissimilarity that is inside

    Meyer & Pebesma 2021 (doi:10.1111/2041-210X.13650).
    """

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    rows: np.ndarray
    average_distance: float
    threshold: float

    def dissimilarity(self, rows: np.ndarray) -> np.ndarray:
        """The distance (n,) of rows (n, features) to the nearest label, in units of the labels' average distance."""
        parts = [self._nearest(rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK)]
        return np.concatenate(parts) if parts else np.empty(0, np.float32)

    def inside(self, rows: np.ndarray) -> np.ndarray:
        """A mask (n,) of the rows (n, features) on which the map can be trusted as its validation says."""
        return self.dissimilarity(rows) <= self.threshold

    def _nearest(self, rows: np.ndarray) -> np.ndarray:
        rows = _standardised(rows, self.mean, self.scale, self.weights)
        lengths, order = np.einsum("nd,nd->n", rows, rows), rows @ (-2 * self.rows.T)
        order += np.square(self.rows).sum(1)  # squared distance, less a row's own squared length
        squared = order.min(1) + lengths
        near = np.flatnonzero(squared < CANCELS * lengths)
        squared[near] = np.square(rows[near] - self.rows[order[near].argmin(1)]).sum(1)
        return np.sqrt(squared) / np.float32(self.average_distance)


def fit_applicability(
    rows: np.ndarray,
    fold: np.ndarray,
    weights: np.ndarray | None = None,
    *,
    most: int = 500,
    seed: int = 0,
) -> Applicability:
    """The area of applicability of labelled rows (m, features) that were validated in folds (m,).

    fold     the fold of each label; -1 is always trained on and sets no threshold
    weights  (features,) importance, such as `importance`; equal by default
    most     labels kept, drawn at random

    The threshold is the upper whisker (third quartile and 1.5 times the quartiles' distance, at most the maximum) of
    the labels' dissimilarities to the labels of other folds.
    """
    if len(rows) > most:
        chosen = np.sort(np.random.default_rng(seed).choice(len(rows), most, replace=False))
        rows, fold = rows[chosen], fold[chosen]
    mean, spread = rows.mean(0, dtype=float), rows.std(0, dtype=float)
    varies = spread > 1e-7 * np.abs(mean)
    scale = np.where(varies, spread, 1.0)
    weights = varies * (np.ones(rows.shape[1]) if weights is None else np.asarray(weights, dtype=float))
    kept = _standardised(rows, mean, scale, weights)
    average = (float(pdist(kept).mean()) if len(kept) > 1 else 0.0) or 1.0
    return Applicability(mean, scale, weights, kept, average, _whisker(_to_others(kept, fold) / average))


def _standardised(rows: np.ndarray, mean: np.ndarray, scale: np.ndarray, weights: np.ndarray) -> np.ndarray:
    found = np.subtract(rows, mean, dtype=np.float32, casting="same_kind")
    found *= (weights / scale).astype(np.float32)
    return found


def _to_others(rows: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The distance of each judged row to the nearest of another fold; of each row to any other, if none is judged."""
    away = cdist(rows, rows)
    apart = fold[:, None] != fold[None]
    judged = (fold >= 0) & apart.any(1)
    if not judged.any():
        judged, apart = np.ones(len(rows), dtype=bool), ~np.eye(len(rows), dtype=bool)
    nearest = np.where(apart, away, np.inf).min(1)[judged]
    return nearest[np.isfinite(nearest)]


def _whisker(values: np.ndarray) -> float:
    if not len(values):
        return 0.0
    low, high = np.quantile(values, (0.25, 0.75))
    return float(min(values.max(), high + 1.5 * (high - low)))


def importance(rows: np.ndarray, targets: np.ndarray, even: float = 20.0) -> np.ndarray:
    """Weights (features,), 1 on average, by how well each feature of rows (m, features) alone tells the targets apart.

    The share of a feature's variance that lies between classes (or quarters of a quantity's range), less what chance
    gives: Kelley's adjusted eta squared, the F test's effect size. `even` is the number of labels at which half of
    the weight is still spread evenly.
    """
    strata = np.unique(quarters(targets) if is_quantity(targets) else targets, return_inverse=True)[1]
    counts = np.bincount(strata)
    spare = len(rows) - len(counts)  # degrees of freedom within classes
    if spare < 1 or len(counts) < 2:
        return np.ones(rows.shape[1])
    means = np.stack([rows[strata == stratum].mean(0) for stratum in range(len(counts))])
    within = np.square(rows - means[strata]).sum(0)
    total = np.square(rows - rows.mean(0)).sum(0)
    unexplained = np.divide(within, total, out=np.ones(rows.shape[1]), where=total > 0)
    effect = np.clip(1 - unexplained * (len(rows) - 1) / spare, 0, None)
    if effect.sum() == 0:
        return np.ones(rows.shape[1])
    return (even + spare * effect / effect.mean()) / (even + spare)
