"""Area and accuracy with intervals, from a probability sample that wasn't used for training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from ..errors import LabelsError


@dataclass(frozen=True)
class Estimate:
    """Estimated values (classes,), or one, with their standard errors and the limits of their intervals."""

    value: np.ndarray
    error: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Areas:
    """What a stratified sample says of a map: `area` in the unit of the mapped areas, the others as shares.

    overall   accuracy of the whole map
    users     of what is mapped as a class, the share that is of it (1 - commission)
    producers of what is a class, the share that is mapped as it (1 - omission)
    """

    overall: Estimate
    users: Estimate
    producers: Estimate
    area: Estimate


def estimate_areas(table: np.ndarray, mapped: np.ndarray, *, level: float = 0.95, names: Sequence[str] = ()) -> Areas:
    """Area and accuracy of a map from a sample drawn at random in each mapped class, or over all of the map.

    table   (classes, classes) counts of the sample: rows the class on the ground, columns the class on the map
    mapped  (classes,) area of each class on the map

    Where a rare class hides in a large stratum, a sample that misses it there makes its interval too narrow: sample
    the large strata well. Raises LabelsError where a class that is mapped has fewer than two sampled places. Equation
    numbers are those of Olofsson et al. 2014 (doi:10.1016/j.rse.2014.02.015), whose tables have the map in rows.
    """
    counts, sampled = table.T.astype(float), table.sum(0).astype(float)
    _check(sampled, mapped, names)
    share = mapped / mapped.sum()  # W_i
    row = np.divide(counts, sampled[:, None], out=np.zeros_like(counts), where=sampled[:, None] > 0)
    spare = np.where(sampled > 1, sampled - 1, np.inf)[:, None]
    wobble = row * (1 - row) / spare  # variance of n_ij / n_i.
    cells = share[:, None] * row  # equation 4
    true = cells.sum(0)  # equation 9
    users, producers = _ratio(np.diag(row), sampled > 0), _ratio(_divide(np.diag(cells), true), true > 0)
    area_error = np.sqrt((np.square(share)[:, None] * wobble).sum(0))  # equation 10
    overall_error = np.sqrt(np.square(share) @ np.diag(wobble))  # equation 5
    z = float(norm.ppf(0.5 + level / 2))
    total = float(mapped.sum())
    return Areas(
        overall=_estimate(np.trace(cells), overall_error, z),
        users=_estimate(users, np.sqrt(np.diag(wobble)), z),  # equation 6
        producers=_estimate(producers, _producers_error(producers, wobble, share, true), z),
        area=_estimate(true * total, area_error * total, z, total),  # equation 11
    )


def _check(sampled: np.ndarray, mapped: np.ndarray, names: Sequence[str]) -> None:
    short = np.flatnonzero((mapped > 0) & (sampled < 2))
    if len(short):
        listed = ", ".join(names[i] if i < len(names) else f"class {i}" for i in short.tolist())
        raise LabelsError(
            f"fewer than 2 test labels where the map says {listed}: areas need a sample in every mapped class. "
            "Add test labels there, or read the scores without areas."
        )


def _divide(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)


def _ratio(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    return np.where(known, values, np.nan)


def _producers_error(producers: np.ndarray, wobble: np.ndarray, share: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Equation 7; the variance of n_ij / n_i. is in `wobble`, mapped classes in rows."""
    spread = np.square(share)[:, None] * wobble
    hits = np.diag(spread)
    misses = spread.sum(0) - hits
    return _divide(np.sqrt(np.square(1 - producers) * hits + np.square(producers) * misses), true)


def _estimate(value: np.ndarray, error: np.ndarray, z: float, most: float = 1.0) -> Estimate:
    low, high = np.clip(value - z * error, 0, most), np.clip(value + z * error, 0, most)
    return Estimate(np.asarray(value), np.asarray(error), low, high)


def sample_size(mapped: np.ndarray, users: np.ndarray, error: float = 0.01) -> int:
    """How many places to sample for a standard error of the overall accuracy, if users' accuracies are as expected.

    mapped  (classes,) area of each class on the map; equation 13 of Olofsson et al. 2014

    >>> sample_size(np.array([2.0, 1.5, 32.0, 64.5]), np.array([0.7, 0.6, 0.9, 0.95]))
    641
    """
    spread = mapped / mapped.sum() @ np.sqrt(users * (1 - users))
    return int(np.ceil((spread / error) ** 2))
