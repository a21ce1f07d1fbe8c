"""Learners compared over regions as blocks: differences that count the luck of training, Wilcoxon, Holm, ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import friedmanchisquare, rankdata, studentized_range, t, wilcoxon

from ..trust.intervals import Interval
from .statistics import FEWEST, interval

BLOCKS = 6  # regions from which on a critical difference is drawn
LEVEL = 0.95


class Ranks(NamedTuple):
    """Average ranks, 1 the best; those less than `critical` apart don't differ (Nemenyi), None below 6 blocks."""

    mean: dict[str, float]
    critical: float | None
    blocks: int
    p: float | None


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


def critical_difference(learners: int, blocks: int) -> float:
    """How far average ranks must lie apart to differ at 5 % (Nemenyi 1963; Demsar 2006, JMLR 7, section 3.2.2).

    >>> round(critical_difference(4, 14), 2)
    1.25
    """
    critical = studentized_range.ppf(LEVEL, learners, np.inf) / np.sqrt(2)
    return float(critical * np.sqrt(learners * (learners + 1) / (6 * blocks)))


def average_ranks(scores: Mapping[str, Mapping[str, float]], more_is_better: bool = True) -> Ranks:
    """Ranks of learners over the regions that all have, from each learner's score by region."""
    names = list(scores)
    blocks = [region for region in next(iter(scores.values()), {}) if all(region in scores[name] for name in names)]
    table = np.array([[scores[name][region] for name in names] for region in blocks]).reshape(len(blocks), len(names))
    finite = table[np.isfinite(table).all(1)]
    ranks = rankdata(-finite if more_is_better else finite, axis=1)
    mean = dict(zip(names, ranks.mean(0).tolist() if len(finite) else [float("nan")] * len(names), strict=True))
    enough = len(finite) >= BLOCKS and len(names) > 1
    critical = critical_difference(len(names), len(finite)) if enough else None
    p = float(friedmanchisquare(*finite.T).pvalue) if enough and len(names) > 2 and np.ptp(ranks) else None
    return Ranks(mean, critical, len(finite), p)


def cliques(mean: Mapping[str, float], critical: float) -> list[list[str]]:
    """The largest groups of learners whose ranks all lie within the critical difference; single ones are left out."""
    names = sorted(mean, key=lambda name: mean[name])
    groups: list[list[str]] = []
    for place, name in enumerate(names):
        group = [other for other in names[place:] if mean[other] - mean[name] <= critical]
        if len(group) > 1 and not (groups and set(group) <= set(groups[-1])):
            groups.append(group)
    return groups
