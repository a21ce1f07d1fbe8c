"""The cheap rivals that stand in every table: whoever can't beat them needn't be trained."""

from __future__ import annotations

from typing import Any

from .entries import Entry, Frame

FEATURES: dict[str, tuple[str, dict[str, Any]]] = {
    "bands": ("plain", {}),
    "surroundings": ("context", {}),
    "image statistics": ("statistics", {}),
    "random patches": ("random_conv", {"pool": True}),
    "random patches around": ("random_conv", {"pool": False}),
}
# Of each form of examples: label, learner, features. MOSAIKS is a linear model on random patches.
RIVALS = {
    "rows": [
        ("forest", "random_forest", "bands"),
        ("nearest mean", "nearest_mean", "bands"),
        ("linear", "logistic", "bands"),
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


def rivals(frame: Frame) -> list[Entry]:
    """A forest, a nearest mean (of classes), image statistics, random convolutional features."""
    found = []
    for label, name, features in RIVALS[frame.form]:
        encoder, inner = FEATURES[features]
        if frame.classes or name != "nearest_mean":
            settings = {"encoder": encoder, "encoder_settings": inner}
            found.append(Entry(name, label, settings, rival=True))
    return found
