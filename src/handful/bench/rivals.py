"""The cheap rivals that stand in every table: whoever can't beat them needn't be trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .entries import Entry, Frame
from .features import FEATURES
from .folds import Fold

# Of each form of examples: label, learner, features. MOSAIKS is a linear model on random patches.
RIVALS = {
    "rows": [
        ("forest", "random_forest", "bands"),
        ("nearest mean", "nearest_mean", "bands"),
        ("linear", "logistic", "bands"),
        ("mean of the support", "mean", "bands"),
    ],
    "images": [
        ("forest on image statistics", "random_forest", "image statistics"),
        ("nearest mean of image statistics", "nearest_mean", "image statistics"),
        ("linear on image statistics", "logistic", "image statistics"),
        ("linear on random patches", "logistic", "random patches"),
    ],
    "pixels": [
        ("forest on bands", "random_forest", "bands"),
        ("nearest mean of bands", "nearest_mean", "bands"),
        ("linear on surroundings", "logistic", "surroundings"),
        ("linear on random patches", "logistic", "random patches around"),
    ],
}


ONLY = {"nearest_mean": True, "mean": False}  # True: of classes, False: of quantities
# On rows of the train sites, where they form a table and answers mean the same in every task.
POOLED: dict[str, dict[str, Any]] = {
    "forest on the pool": {"weight": 0},
    "linear on the pool": {"weight": 0, "estimator": "logistic"},
    "forest on pool and support": {},
}


def rivals(frame: Frame, folds: Sequence[Fold]) -> list[Entry]:
    """A forest, a nearest mean or a mean, image statistics, random convolutional features; and the pool of rows."""
    found = []
    for label, name, features in RIVALS[frame.form]:
        encoder, inner = FEATURES[features]
        if ONLY.get(name, frame.classes) == frame.classes:
            settings = {"encoder": encoder, "encoder_settings": inner}
            found.append(Entry(name, label, settings, rival=True))
    if frame.form == "rows" and frame.shared and all(fold.train for fold in folds):
        plain = {"encoder": "plain", "encoder_settings": {}}
        found += [Entry("pooled", label, plain | own, train={}, rival=True) for label, own in POOLED.items()]
    return found
