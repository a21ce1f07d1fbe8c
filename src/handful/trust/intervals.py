"""Intervals of scores that come from one map's labels, where labels of one polygon aren't independent."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import norm, t

EVEN = 4.0  # labels of a class that its own variance weighs as much as the variance over all classes


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

    groups  (m,) ids of polygons, or better the `places` of the folds, because labels near each other err together

    Wilson's interval (1927) on the effective number of labels, so it holds for a handful of labels and for a score of
    1. It takes predictions as independent of each other, though folds share most of their training labels.
    """
    if not len(targets):
        return Interval(float("nan"), None, None, 0)
    mean, _, count = _balanced(right.astype(float), targets, groups)
    z2 = float(norm.ppf(0.5 + level / 2)) ** 2
    centre = (mean + z2 / (2 * count)) / (1 + z2 / count)
    half = np.sqrt(z2 * mean * (1 - mean) / count + (z2 / (2 * count)) ** 2) / (1 + z2 / count)
    low, high = max(0.0, min(mean, float(centre - half))), min(1.0, max(mean, float(centre + half)))
    return Interval(mean, low, high, len(set(groups)))


def balanced_difference_interval(
    targets: np.ndarray, ours: np.ndarray, theirs: np.ndarray, groups: np.ndarray, level: float = 0.95
) -> Interval:
    """Balanced accuracy of one model less that of another on the same judged labels (m,), and its interval.

    ours, theirs  (m,) which labels each predicted rightly

    Two pairs are added to the effective number, a quarter of them wins and a quarter losses, so that few labels never
    look certain (Agresti & Min 2005, doi:10.1002/sim.1781).
    """
    if not len(targets):
        return Interval(float("nan"), None, None, 0)
    mean, unequal, count = _balanced(ours.astype(float) - theirs.astype(float), targets, groups)
    centre, pairs = mean * count / (count + 2), count + 2
    spread = (unequal * count + 1) / pairs - centre**2
    half = float(norm.ppf(0.5 + level / 2)) * float(np.sqrt(spread / pairs))
    return Interval(mean, max(-1.0, centre - half), min(1.0, centre + half), len(set(groups)))


def rmse_interval(targets: np.ndarray, predicted: np.ndarray, groups: np.ndarray, level: float = 0.95) -> Interval:
    """The root mean squared error and its interval, by Student's t on the logarithm; no interval below 5 groups."""
    squared = np.square(targets - predicted)
    mean, count = float(squared.mean()) if len(squared) else float("nan"), len(set(groups))
    if count < 5 or mean == 0:
        return Interval(float(np.sqrt(mean)), None, None, count)
    error = np.sqrt(_variance_of_mean(squared, groups)) / mean
    factor = np.exp(0.5 * t.ppf(0.5 + level / 2, count - 1) * error)
    return Interval(float(np.sqrt(mean)), float(np.sqrt(mean) / factor), float(np.sqrt(mean) * factor), count)


def _balanced(values: np.ndarray, targets: np.ndarray, groups: np.ndarray) -> tuple[float, float, float]:
    """The mean over classes of values (m,) in {-1, 0, 1}, that of their squares, and the effective number of labels.

    That is the number of labels, drawn without regard to class, whose mean is as certain. Variances within classes
    count for less than they seem where labels are few: they are drawn towards the variance over all by EVEN labels.
    """
    parts = [(values[targets == c], groups[targets == c]) for c in np.unique(targets)]
    counts = np.array([_effective_count(*part) for part in parts])
    means = np.array([part[0].mean() for part in parts])
    squares = np.array([np.square(part[0]).mean() for part in parts])
    mean, square = float(means.mean()), float(squares.mean())
    over_all = square - mean**2
    number = len(parts) ** 2 / float((1 / counts).sum())
    if over_all <= 0:
        return mean, square, number
    within = (squares - means**2) * counts / np.maximum(counts - 1, 1)
    drawn = (counts * within + EVEN * over_all) / (counts + EVEN)
    gain = over_all * (1 / counts).sum() / (drawn / counts).sum()
    return mean, square, number * max(1.0, float(gain))


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
