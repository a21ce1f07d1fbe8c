"""Differences between learners over regions as blocks: their interval counts the luck of training as well."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import t, wilcoxon

from ..trust.intervals import Interval
from .statistics import FEWEST, interval

LEVEL = 0.95


def seed_variance(values: np.ndarray) -> float:
    """How much the mean over regions varies between trainings, from scores (regions, seeds); 0 for one training.

    What the scatter of single regions adds to it is left in: an estimate without it is too often too small where a
    learner has two or three trainings (`benchmarks/coverage.py`).
    """
    return float(values.mean(0).var(ddof=1)) if values.shape[1] > 1 else 0.0


def difference(ours: np.ndarray, theirs: np.ndarray, seed: int = 0) -> Interval:
    """Ours less theirs, from scores (regions, seeds) of the same regions, and its interval.

    It covers other regions and, from two seeds on, other trainings: the variance between trainings is added and the
    degrees of freedom follow (Satterthwaite 1946). Without any it is the interval over regions.
    """
    gaps = ours.mean(1) - theirs.mean(1)
    over_regions = interval(gaps, LEVEL, seed)
    trainings = [(seed_variance(v) / v.shape[1], v.shape[1] - 1) for v in (ours, theirs)]
    if over_regions.low is None or not any(variance for variance, _ in trainings):
        return over_regions
    count = len(gaps)
    parts = [(float(gaps.var(ddof=1)) / count, count - 1), *trainings]
    total = sum(variance for variance, _ in parts)
    freedom = total**2 / sum(variance**2 / free for variance, free in parts if variance)
    half = float(t.ppf(0.5 + LEVEL / 2, freedom)) * np.sqrt(total)
    return Interval(over_regions.mean, over_regions.mean - half, over_regions.mean + half, count)


def signed_rank(gaps: np.ndarray) -> float | None:
    """The p-value of Wilcoxon's signed-rank test (1945); ties of 0 are split (Pratt 1959); None below 5 regions."""
    if len(gaps) < FEWEST:
        return None
    if not np.any(gaps):
        return 1.0
    return float(wilcoxon(gaps, zero_method="zsplit").pvalue)


def holm(values: Sequence[float | None]) -> list[float | None]:
    """P-values corrected for their number (Holm 1979); None stays.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    known = [(p, place) for place, p in enumerate(values) if p is not None]
    found: list[float | None] = [None] * len(values)
    most = 0.0
    for step, (p, place) in enumerate(sorted(known)):
        most = max(most, min(1.0, p * (len(known) - step)))
        found[place] = most
    return found
