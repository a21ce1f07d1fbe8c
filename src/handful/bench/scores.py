"""The scores of one task's predictions, by name."""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax

from ..trust.scores import (
    accuracy,
    balanced_accuracy,
    brier,
    class_weights,
    confusion,
    ece,
    kappa,
    macro_f1,
    nll,
    r2,
    rmse,
)


def class_scores(targets: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
    """Every score of classes, from targets (m,) and log-odds or log-probabilities (m, classes)."""
    log_probabilities = log_softmax(outputs.astype(float), axis=1)
    probabilities = np.exp(log_probabilities)
    predicted = log_probabilities.argmax(1)
    table = confusion(targets, predicted, outputs.shape[1])
    sure, right = probabilities.max(1), predicted == targets
    return {
        "balanced_accuracy": balanced_accuracy(table),
        "accuracy": accuracy(table),
        "kappa": kappa(table),
        "macro_f1": macro_f1(table),
        "nll": nll(targets, log_probabilities),
        "brier": brier(targets, probabilities),
        "ece": ece(sure, right, class_weights(targets)),
        "ece_pixels": ece(sure, right),
    }


def quantity_scores(targets: np.ndarray, predicted: np.ndarray, variance: np.ndarray | None = None) -> dict[str, float]:
    """Every score of a quantity, from targets (m,), predictions (m,) and their variances (m,) if there are any."""
    scores = {
        "rmse": rmse(targets, predicted),
        "r2": r2(targets, predicted),
        "mae": float(np.abs(targets - predicted).mean()),
        "bias": float((predicted - targets).mean()),
    }
    if variance is not None:
        gap = np.square(targets - predicted)
        scores["nll"] = float(0.5 * (np.log(2 * np.pi * variance) + gap / variance).mean())
    return scores
