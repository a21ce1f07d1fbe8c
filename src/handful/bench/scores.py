"""The scores of one task's predictions, by name."""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax
from scipy.stats import rankdata

from ..trust.scores import (
    accuracy,
    balanced_accuracy,
    brier,
    class_weights,
    confusion,
    ece,
    kappa,
    macro_f1,
    miou,
    nll,
    r2,
    rmse,
)

# Every score that a bench can be judged by, and whether more of it is better.
BETTER = {
    "balanced_accuracy": True, "accuracy": True, "kappa": True, "macro_f1": True, "miou": True, "auc": True,
    "foreground_iou": True, "binary_iou": True, "nll": False, "brier": False, "ece": False, "rmse": False, "mae": False,
    "r2": True,
}  # fmt: skip
CLASS_SCORES = ("balanced_accuracy", "accuracy", "kappa", "macro_f1", "miou", "auc", "nll", "brier", "ece")
MASK_SCORES = ("foreground_iou", "binary_iou")  # where a label is an image with its mask
QUANTITY_SCORES = ("rmse", "mae", "bias", "r2", "nll")


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
        "miou": miou(table),
        "auc": auc(targets, probabilities),
        "nll": nll(targets, log_probabilities),
        "brier": brier(targets, probabilities),
        "ece": ece(sure, right, class_weights(targets)),
        "ece_pixels": ece(sure, right),
    }


def mask_scores(targets: np.ndarray, outputs: np.ndarray) -> dict[str, float]:
    """What papers on few-shot segmentation report, of one task; class 0 is the background.

    foreground_iou  the intersection over union of each kind of thing, averaged over the kinds
    binary_iou      that of foreground, whatever kind, and of background, averaged (FB-IoU)
    """
    table = confusion(targets, outputs.argmax(1), outputs.shape[1])
    union = table.sum(0) + table.sum(1) - np.diag(table)
    things = np.diag(table)[1:][union[1:] > 0] / union[1:][union[1:] > 0]
    both = np.array([[table[0, 0], table[0, 1:].sum()], [table[1:, 0].sum(), table[1:, 1:].sum()]])
    return {"foreground_iou": float(things.mean()) if len(things) else float("nan"), "binary_iou": miou(both)}


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


def auc(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """The area under the curve, of two classes or the mean over one class against the rest (Hand & Till 2001 average
    pairs instead); over the classes that have labels, NaN where there is only one of them.

    >>> auc(np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]]))
    1.0
    """
    present = np.unique(targets)
    if len(present) < 2:
        return float("nan")
    return float(np.mean([one_auc(targets == c, probabilities[:, c]) for c in present]))


def one_auc(positive: np.ndarray, score: np.ndarray) -> float:
    """The share of pairs of a positive and another that the score orders rightly, ties as a half."""
    many, few = len(positive) - int(positive.sum()), int(positive.sum())
    return float((rankdata(score)[positive].sum() - few * (few + 1) / 2) / (few * many))
