"""Scores of predictions, on plain arrays. Those of classes are read from a confusion table."""

from __future__ import annotations

import numpy as np


def confusion(
    targets: np.ndarray, predicted: np.ndarray, classes: int, weights: np.ndarray | None = None
) -> np.ndarray:
    """The table (classes, classes) of counts, or of weights: rows are the labelled class, columns the predicted one.

    >>> confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    cell = np.asarray(targets) * classes + np.asarray(predicted)
    return np.bincount(cell, weights, minlength=classes * classes).astype(float).reshape(classes, classes)


def recalls(table: np.ndarray) -> np.ndarray:
    """The share of each labelled class that was found (..., classes); NaN for a class without labels."""
    labelled = table.sum(-1)
    return np.diagonal(table, axis1=-2, axis2=-1) / np.where(labelled > 0, labelled, np.nan)


def accuracy(table: np.ndarray) -> float:
    return float(np.trace(table) / table.sum())


def balanced_accuracy(table: np.ndarray) -> float:
    """The mean recall over the classes that have labels."""
    found = recalls(table)
    return float(found[np.isfinite(found)].mean())


def kappa(table: np.ndarray) -> float:
    """Agreement beyond chance (Cohen 1960); 0 where chance explains everything."""
    shares = table / table.sum()
    chance = float(shares.sum(0) @ shares.sum(1))
    return (float(np.trace(shares)) - chance) / (1 - chance) if chance < 1 else 0.0


def macro_f1(table: np.ndarray) -> float:
    """The mean F1 over classes that are labelled or predicted."""
    sizes = table.sum(0) + table.sum(1)
    return float((2 * np.diag(table)[sizes > 0] / sizes[sizes > 0]).mean())


def miou(table: np.ndarray) -> float:
    """The mean intersection over union, over classes that are labelled or predicted (Jaccard 1912)."""
    union = table.sum(0) + table.sum(1) - np.diag(table)
    return float((np.diag(table)[union > 0] / union[union > 0]).mean())


def nll(targets: np.ndarray, log_probabilities: np.ndarray) -> float:
    """The mean negative log-probability of the labelled class, in nats."""
    return float(-log_probabilities[np.arange(len(targets)), targets].mean())


def brier(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean squared distance of probabilities (m, classes) from the labelled class, 0 to 2 (Brier 1950)."""
    missed = probabilities.copy()
    missed[np.arange(len(targets)), targets] -= 1
    return float(np.square(missed).sum(1).mean())


def class_weights(targets: np.ndarray) -> np.ndarray:
    """A weight for each label (m,) such that every labelled class weighs the same and all sum to 1."""
    _, inverse, counts = np.unique(targets, return_inverse=True, return_counts=True)
    return 1 / (counts[inverse] * len(counts))


def ece(confidence: np.ndarray, right: np.ndarray, weights: np.ndarray | None = None, bins: int = 15) -> float:
    """The expected calibration error: |share right - mean confidence| averaged over bins of equal mass.

    confidence  (m,) the probability that was given to the answer
    right       (m,) whether the answer was right
    weights     (m,) such as `class_weights`; equal by default

    Equal confidences share a bin, so the order of the rows doesn't matter. Of m rows, the error of a perfectly
    calibrated model is about sqrt(bins / m) / 3 and not 0. Naeini, Cooper & Hauskrecht 2015 (AAAI), with equal-mass
    bins after Nguyen & O'Connor 2015 (arXiv 1508.05154).
    """
    weights = np.ones(len(confidence)) if weights is None else weights
    _, level = np.unique(confidence, return_inverse=True)
    mass = np.bincount(level, weights)
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    bin_of = np.minimum((middle * bins).astype(int), bins - 1)[level]
    gap = np.bincount(bin_of, weights * (right - confidence), minlength=bins)
    return float(np.abs(gap).sum() / weights.sum())


def rmse(targets: np.ndarray, predicted: np.ndarray) -> float:
    """The root mean squared error, in the quantity's unit."""
    return float(np.sqrt(np.square(targets - predicted).mean()))


def r2(targets: np.ndarray, predicted: np.ndarray) -> float:
    """The share of the targets' variance that is explained; below 0 where their mean would be better."""
    spread = np.square(targets - targets.mean()).sum()
    return float(1 - np.square(targets - predicted).sum() / spread) if spread > 0 else float("nan")
