"""Average precision: how well scored boxes find the true ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .boxes import overlaps


class Found(NamedTuple):
    """Boxes (n, 4) and their scores (n,) in one image, of one kind."""

    boxes: Tensor
    scores: Tensor


class Truth(NamedTuple):
    """The true boxes (m, 4) of one image and kind, and which of them are too hard to count (m,)."""

    boxes: Tensor
    hard: Tensor


def judged(found: Found, truth: Truth, least: float) -> Tensor:
    """(n,) 1 right, 0 wrong, -1 not counted, as Everingham et al. 2010 judge (PASCAL VOC).

    In the order of their scores, each box takes the true one that it overlaps most, by at least `least`, unless a
    better box took that already: then it is wrong. One that takes a hard one doesn't count.
    """
    right = torch.zeros(len(found.scores), dtype=torch.long)
    if not len(truth.boxes):
        return right
    table, taken = overlaps(found.boxes, truth.boxes), torch.zeros(len(truth.boxes), dtype=torch.bool)
    for index in torch.argsort(found.scores, descending=True, stable=True).tolist():
        best = int(table[index].argmax())
        if table[index, best] < least:
            continue
        if truth.hard[best]:
            right[index] = -1
        elif not taken[best]:
            taken[best], right[index] = True, 1
    return right


def curve(scores: Tensor, right: Tensor, total: int) -> tuple[Tensor, Tensor]:
    """Precision and recall (n,) as one goes down the scores; `right` as `judged` gives it, over all images."""
    counted = right >= 0
    order = torch.argsort(scores[counted], descending=True, stable=True)
    hits = right[counted][order].cumsum(0).double()
    return hits / torch.arange(1, len(hits) + 1), hits / max(total, 1)


def average_precision(found: Sequence[Found], truth: Sequence[Truth], least: float = 0.5) -> float:
    """The area under the curve of precision over recall, precision made to fall only (VOC 2010's rule).

    found, truth  one an image; NaN where nothing is there to be found
    """
    total = sum(int((~one.hard).sum()) for one in truth)
    if not total:
        return float("nan")
    right = torch.cat([judged(ours, theirs, least) for ours, theirs in zip(found, truth, strict=True)])
    precision, recall = curve(torch.cat([one.scores for one in found]), right, total)
    falling = precision.flip(0).cummax(0).values.flip(0) if len(precision) else precision
    steps = torch.diff(recall, prepend=torch.zeros(1, dtype=recall.dtype))
    return float((falling * steps).sum())
