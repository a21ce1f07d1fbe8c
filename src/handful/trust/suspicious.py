"""Labels that look wrong: a model that was fitted without them disagrees strongly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Suspicious(NamedTuple):
    """A label that looks wrong.

    row          its number among the labels
    label        what it says: a class index, or a value
    predicted    what the model says
    probability  of the predicted class; for a quantity, the error in robust standard deviations
    given        probability of the label's own class; NaN for a quantity
    """

    row: int
    label: float
    predicted: float
    probability: float
    given: float


def suspicious_labels(
    log_probabilities: np.ndarray,
    targets: np.ndarray,
    groups: np.ndarray,
    judged: np.ndarray | None = None,
    *,
    given_below: float = 0.05,
    sure_above: float = 0.8,
    most: int = 50,
) -> list[Suspicious]:
    """Labels to look at again, the worst first, one (the worst) a group.

    log_probabilities  (m, classes) out of fold, calibrated
    targets, groups    (m,) class indices and polygon ids
    judged             (m,) mask of labels that some fold judged; all by default

    A label is listed if its class has a probability below `given_below` and another has one above `sure_above`.
    """
    probabilities = np.exp(log_probabilities)
    rows = np.arange(len(targets))
    given, predicted, sure = probabilities[rows, targets], probabilities.argmax(1), probabilities.max(1)
    odd = (given < given_below) & (sure > sure_above) & (True if judged is None else judged)
    worst = log_probabilities[rows, targets] - log_probabilities.max(1)  # finer than probabilities that round to 0
    return [
        Suspicious(int(row), int(targets[row]), int(predicted[row]), float(sure[row]), float(given[row]))
        for row in _one_a_group(np.flatnonzero(odd), worst, groups)[:most]
    ]


def suspicious_values(
    predicted: np.ndarray,
    targets: np.ndarray,
    groups: np.ndarray,
    judged: np.ndarray | None = None,
    *,
    deviations: float = 4.0,
    most: int = 50,
) -> list[Suspicious]:
    """Values of a quantity that lie far from the out-of-fold prediction, the worst first, one a group.

    Far is more than `deviations` robust standard deviations (1.4826 times the median absolute error) away.
    """
    judged = np.ones(len(targets), dtype=bool) if judged is None else judged
    if not judged.any():
        return []
    error = np.abs(targets - predicted)
    deviation = error / max(1.4826 * float(np.median(error[judged])), 1e-12)
    rows = _one_a_group(np.flatnonzero(judged & (deviation > deviations)), -deviation, groups)[:most]
    return [
        Suspicious(int(row), float(targets[row]), float(predicted[row]), float(deviation[row]), float("nan"))
        for row in rows
    ]


def _one_a_group(rows: np.ndarray, badness: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The row of each group with the lowest `badness`, sorted by it."""
    rows = rows[np.argsort(badness[rows], kind="stable")]
    first = np.unique(groups[rows], return_index=True)[1]
    return rows[np.sort(first)]
