"""Draws of k labels a class from a label raster, and the scores of a map on every other labelled pixel."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt

from handful.trust.scores import balanced_accuracy, class_weights, confusion, ece

FAR_M = 100.0  # from any support label
MANY = 500  # pixels of a class
FIGURES = {"all": "all", "far": f"more than {FAR_M:.0f} m from a label", "many": f"classes of {MANY} pixels or more"}


def draw(labels: np.ndarray, shots: int, seed: int) -> np.ndarray:
    """Flat indices of `shots` pixels a class, at most half of a class."""
    rng, flat = np.random.default_rng(seed), labels.ravel()
    found = [np.flatnonzero(flat == value) for value in np.unique(flat[flat > 0])]
    return np.concatenate([rng.choice(places, min(shots, len(places) // 2), replace=False) for places in found])


def support(labels: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The label raster with nothing but the chosen pixels."""
    kept = np.zeros_like(labels)
    kept.flat[chosen] = labels.flat[chosen]
    return kept


def figures(labels: np.ndarray, chosen: np.ndarray, predicted: np.ndarray, metres: float) -> dict[str, float]:
    """Balanced accuracies of a map (values of the label raster) on what is not in the support."""
    values, counts = np.unique(labels[labels > 0], return_counts=True)
    held = support(labels, chosen) == 0
    away = distance_transform_edt(held) * metres > FAR_M
    query, common = (labels > 0) & held, np.isin(labels, values[counts >= MANY])

    def accuracy(mask: np.ndarray) -> float:
        if not mask.any():
            return float("nan")
        given = np.searchsorted(values, predicted[mask])
        return balanced_accuracy(confusion(np.searchsorted(values, labels[mask]), given, len(values)))

    return {"all": accuracy(query), "far": accuracy(query & away), "many": accuracy(query & common)}


def errors(
    labels: np.ndarray, chosen: np.ndarray, values: np.ndarray, chances: np.ndarray, temperature: float
) -> dict[str, float]:
    """Calibration errors of a map's probabilities (classes, height, width), and before the temperature was applied."""
    held = ((labels > 0) & (support(labels, chosen) == 0)).ravel() & np.isfinite(chances[0]).ravel()
    targets, after = labels.ravel()[held], chances.reshape(len(chances), -1)[:, held].T.astype(float)
    before = after**temperature
    found = {}
    for name, odds in (("before", before / before.sum(1, keepdims=True)), ("after", after)):
        right, sure = values[odds.argmax(1)] == targets, odds.max(1)
        found[f"{name}, classes"] = ece(sure, right, class_weights(targets))
        found[f"{name}, pixels"] = ece(sure, right)
    return found
