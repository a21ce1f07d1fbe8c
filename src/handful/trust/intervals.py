"""Intervals of scores that come from one map's labels, where labels of one polygon aren't independent."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import norm, t

from .scores import class_weights


class Interval(NamedTuple):
    """A mean with the limits of its interval; None where there is too little to tell.

    units  how many groups or regions it rests on
    """

    mean: float
    low: float | None
    high: float | None
    units: int


def balanced_accuracy_interval(
    targets: np.ndarray, right: np.ndarray, groups: np.ndarray, level: float = 0.95
) -> Interval:
    """The balanced accuracy of judged labels (m,) and its interval; `right` says which were predicted rightly.

    Each class's recall has Wilson's interval on its effective number of labels, and the intervals of classes join as
    in Zou & Donner 2008 (doi:10.1002/sim.3095), which holds for a handful of labels and for recalls of 0 and 1.
    It takes predictions as independent of each other, though folds share most of their training labels.
    """
    if not len(targets):
        return Interval(float("nan"), None, None, 0)
    classes = np.unique(targets)
    parts = np.array([_wilson(right[targets == c], groups[targets == c], level) for c in classes])
    recall, low, high = parts.T
    below, above = np.sqrt(np.square(recall - low).sum()), np.sqrt(np.square(high - recall).sum())
    mean = float(recall.mean())
    return Interval(mean, mean - float(below) / len(classes), mean + float(above) / len(classes), len(set(groups)))


def balanced_difference_interval(
    targets: np.ndarray, ours: np.ndarray, theirs: np.ndarray, groups: np.ndarray, level: float = 0.95
) -> Interval:
    """Balanced accuracy of one model less that of another on the same judged labels (m,), and its interval.

    ours, theirs  (m,) which labels each predicted rightly

    Two pairs are added to each class, a quarter of them wins and a quarter losses, so that few labels never look
    certain (Agresti & Min 2005, doi:10.1002/sim.1781).
    """
    if not len(targets):
        return Interval(float("nan"), None, None, 0)
    classes = np.unique(targets)
    better = ours.astype(float) - theirs.astype(float)
    parts = np.array([_paired(better[targets == c], groups[targets == c]) for c in classes])
    mean = float(class_weights(targets) @ better)
    centre, half = parts[:, 0].mean(), norm.ppf(0.5 + level / 2) * np.sqrt(parts[:, 1].sum()) / len(classes)
    return Interval(mean, max(-1.0, float(centre - half)), min(1.0, float(centre + half)), len(set(groups)))


def rmse_interval(targets: np.ndarray, predicted: np.ndarray, groups: np.ndarray, level: float = 0.95) -> Interval:
    """The root mean squared error and its interval, by Student's t on the logarithm; no interval below 5 groups."""
    squared = np.square(targets - predicted)
    mean, count = float(squared.mean()) if len(squared) else float("nan"), len(set(groups))
    if count < 5 or mean == 0:
        return Interval(float(np.sqrt(mean)), None, None, count)
    error = np.sqrt(_variance_of_mean(squared, groups)) / mean
    factor = np.exp(0.5 * t.ppf(0.5 + level / 2, count - 1) * error)
    return Interval(float(np.sqrt(mean)), float(np.sqrt(mean) / factor), float(np.sqrt(mean) * factor), count)


def _wilson(right: np.ndarray, groups: np.ndarray, level: float) -> tuple[float, float, float]:
    """A recall with its interval (Wilson 1927)."""
    share, count = float(right.mean()), _effective_count(right.astype(float), groups)
    z2 = float(norm.ppf(0.5 + level / 2)) ** 2
    centre = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = np.sqrt(z2 * share * (1 - share) / count + (z2 / (2 * count)) ** 2) / (1 + z2 / count)
    return share, min(share, float(centre - half)), max(share, float(centre + half))


def _paired(better: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """Mean and variance of differences in {-1, 0, 1} with half a win, half a loss and a draw added."""
    count = _effective_count(better, groups)
    wins, losses = (better > 0).mean() * count + 0.5, (better < 0).mean() * count + 0.5
    pairs = count + 2
    return (wins - losses) / pairs, (wins + losses - (wins - losses) ** 2 / pairs) / pairs**2


def _effective_count(values: np.ndarray, groups: np.ndarray) -> float:
    """How many independent labels would tell the mean as well: between the number of groups and that of labels."""
    variance, smallest = _variance_of_mean(values, groups), len(set(groups))
    return float(np.clip(values.var() / variance, smallest, len(values))) if variance > 0 else float(smallest)


def _variance_of_mean(values: np.ndarray, groups: np.ndarray) -> float:
    """The variance of a mean of values (m,) drawn in groups of unequal size (ratio estimator, Cochran 1977)."""
    _, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        return 0.0
    off = np.bincount(inverse, values) - values.mean() * sizes
    return float(np.square(off).sum() * len(sizes) / (len(sizes) - 1) / len(values) ** 2)
