"""Intervals over regions: tasks and pixels of one region aren't independent, so regions are the unit."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from scipy.stats import t

from ..trust.intervals import Interval

FEWEST = 5  # regions below which no interval is given
MANY = 30  # regions from which on their own distribution is resampled
RESAMPLES = 1999


def region_means(regions: Sequence[Hashable], values: Sequence[float] | np.ndarray) -> dict[Hashable, float]:
    """The mean over the draws of each region, in the order in which regions first appear."""
    by_region: dict[Hashable, list[float]] = {}
    for region, value in zip(regions, values, strict=True):
        by_region.setdefault(region, []).append(float(value))
    return {region: float(np.mean(of_region)) for region, of_region in by_region.items()}


def interval(values: Sequence[float] | np.ndarray, level: float = 0.95, seed: int = 0) -> Interval:
    """The mean of one value a region and its interval.

    Student's t below 30 regions; from there on the bootstrap-t (Efron & Tibshirani 1993, chapter 12), which follows a
    skewed distribution; none below 5.
    """
    values = np.asarray(values, dtype=float)
    mean, count = float(values.mean()) if len(values) else float("nan"), len(values)
    if count < FEWEST:
        return Interval(mean, None, None, count)
    error = float(values.std(ddof=1)) / np.sqrt(count)
    tails = _student(count, level) if count < MANY else _bootstrap_t(values, level, seed)
    return Interval(mean, float(mean - tails[1] * error), float(mean - tails[0] * error), count)


def paired_interval(
    ours: Mapping[Hashable, float], theirs: Mapping[Hashable, float], level: float = 0.95, seed: int = 0
) -> Interval:
    """Ours less theirs over the regions that both have, from the means of `region_means`, and its interval."""
    shared = [region for region in ours if region in theirs]
    return interval([ours[region] - theirs[region] for region in shared], level, seed)


def _student(count: int, level: float) -> tuple[float, float]:
    high = float(t.ppf(0.5 + level / 2, count - 1))
    return -high, high


def _bootstrap_t(values: np.ndarray, level: float, seed: int) -> tuple[float, float]:
    """The tails of the studentised mean of resampled values."""
    count = len(values)
    again = values[np.random.default_rng(seed).integers(0, count, (RESAMPLES, count))]
    error = again.std(axis=1, ddof=1) / np.sqrt(count)
    off = (again.mean(1) - values.mean())[error > 0] / error[error > 0]
    if not len(off):  # every region has the same value
        return 0.0, 0.0
    low, high = np.quantile(off, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)
