"""What a detector finds in one image."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..solvers.boxes import clipped, suppressed

LEAST = 0.05  # score below which nothing is kept
OVERLAP = 0.4  # of two boxes of one kind, beyond which the better one stays
MOST = 100  # boxes of an image


class Detections(NamedTuple):
    """Boxes (n, 4) in pixels, kinds (n,) and scores (n,) from 0 to 1, best first."""

    boxes: Tensor
    kinds: Tensor
    scores: Tensor

    @classmethod
    def best(cls, boxes: Tensor, scores: Tensor, height: int, width: int) -> Detections:
        """From boxes (n, kinds, 4) and scores (n, kinds): those that are good enough and overlap no better one."""
        kinds = torch.arange(scores.shape[1]).expand_as(scores).flatten()
        flat, every = clipped(boxes.reshape(-1, 4), height, width), scores.flatten()
        good = (every >= LEAST) & ((flat[:, 2:] - flat[:, :2]) >= 1).all(1)
        flat, every, kinds = flat[good], every[good], kinds[good]
        stays = suppressed(flat, every, OVERLAP, kinds)[:MOST]
        return cls(flat[stays], kinds[stays], every[stays])
