"""Average ranks of learners over regions as blocks, and how far apart they must lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy.stats import friedmanchisquare, rankdata, studentized_range

BLOCKS = 6  # regions from which on a critical difference is drawn
LEVEL = 0.95


class Ranks(NamedTuple):
    """Average ranks, 1 the best; those less than `critical` apart don't differ (Nemenyi), None below 6 blocks."""

    mean: dict[str, float]
    critical: float | None
    blocks: int
    p: float | None


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
