"""How alike the examples are to each other: what a score of 1 means, and what few examples can't say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..maps.blocks import grown
from ..maps.outlines import filled
from ..maps.scene import Scene
from .features import Eye
from .peaks import contrast
from .prototypes import Prototypes, around, prototypes_of
from .shown import Shown

ALONE = 0.75  # of its likeness to itself that a lone example's kind is taken to reach
LEAST_TYPICAL = 0.05  # a yardstick below this would call anything alike
MOST_SIDE = 512


@dataclass(frozen=True)
class Yardstick:
    """What is typical of each kind.

    pixel   (kinds,) mean similarity of an example's pixels to the other examples of its kind
    box     (kinds,) contrast of an example's box, likewise
    found   (m,) whether each example would be found by the others with the given threshold; None for a lone one
    """

    pixel: np.ndarray
    box: np.ndarray
    found: tuple[bool | None, ...]


def level(similarity: np.ndarray, typical: np.ndarray) -> np.ndarray:
    """Similarity as it is written: 1 where it is typical, .5 where it is 0."""
    return np.asarray(0.5 + 0.5 * similarity / typical)


def measure(scene: Scene, eye: Eye, shown: Shown, means: Tensor, ground: Tensor, least: float, seed: int) -> Yardstick:
    """Each example beside the others of its kind; a lone one beside itself, less a quarter."""
    pixel, box, alone = np.zeros(len(shown)), np.zeros(len(shown)), np.zeros(len(shown), bool)
    for index, kind in enumerate(shown.kinds):
        others = np.flatnonzero((shown.kinds == kind) & (np.arange(len(shown)) != index))
        alone[index] = not len(others)
        used = torch.from_numpy(others if len(others) else np.array([index]))
        prototypes = prototypes_of(means[used], np.zeros(len(used), int), 1, ground, seed)
        pixel[index], box[index] = likeness(scene, eye, shown, index, prototypes)
    share = np.where(alone, ALONE, 1.0)
    typical = [
        np.median((values * share)[shown.kinds == k]) for values in (pixel, box) for k in range(len(shown.names))
    ]
    each = np.maximum(typical, LEAST_TYPICAL).reshape(2, -1)
    shares = np.stack([level(pixel, each[0][shown.kinds]), box / each[1][shown.kinds]])
    seen = shares[int(shown.boxes)] >= least
    return Yardstick(each[0], each[1], tuple(None if a else bool(f) for a, f in zip(alone, seen, strict=True)))


def likeness(scene: Scene, eye: Eye, shown: Shown, index: int, prototypes: Prototypes) -> tuple[float, float]:
    """Mean similarity of an example's pixels, and the contrast of its box with what surrounds it."""
    window = around(*shown.bounds[index])
    window = window._replace(height=min(window.height, MOST_SIDE), width=min(window.width, MOST_SIDE))
    margin = max(window.height, window.width)
    wide = grown(window, margin)
    features, valid = eye.see(scene, wide)
    similarity = np.where(valid, prototypes.similarity(features)[0].numpy(), np.nan)
    inside = filled([shown.shapes[index]], wide)[0] & valid
    pixel = float(similarity[inside].mean()) if inside.any() else 0.0
    score = contrast(similarity, window.height, window.width)
    return pixel, float(score[margin + window.height // 2, margin + window.width // 2])


def cannot_judge(shown: Shown) -> list[str]:
    """What so few examples can't say, in sentences."""
    said = []
    counts = np.bincount(shown.kinds, minlength=len(shown.names))
    lone = [name for name, number in zip(shown.names, counts, strict=True) if number == 1]
    if lone:
        said.append(
            f"One example of {', '.join(lone)}: it can't be held back to see whether another would find it. How alike "
            "things of the kind are to each other, and so what a score means, is a guess."
        )
    said.append(
        "How many were missed, and how many of those found are wrong: nobody has looked. Check the thumbnails from the "
        "last one up, and give what is right as further examples."
    )
    return said


def held_back(shown: Shown, yardstick: Yardstick) -> list[dict[str, Any]]:
    """For each kind: how many of its examples the others would find."""
    rows = []
    for kind, name in enumerate(shown.names):
        own = [f for f, k in zip(yardstick.found, shown.kinds, strict=True) if k == kind and f is not None]
        rows.append({"kind": name, "examples": int((shown.kinds == kind).sum()), "tried": len(own), "found": sum(own)})
    return rows


def unlooked(shown: Shown) -> list[dict[str, Any]]:
    """The same where no example was held back."""
    return [
        {"kind": name, "examples": int((shown.kinds == kind).sum()), "tried": 0, "found": 0}
        for kind, name in enumerate(shown.names)
    ]
