"""Classifiers on features: with their mean, by cosines, and trained on a table by gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FORGETS = 0.01  # the least weight of a new set in the mean: features change while the encoder learns
MANY = 200  # classes from which on cosines are stretched more

Form = Literal["un", "l2n", "cl2n"]


class BaseClassifier(nn.Linear):
    """The pooled classifier, and the mean of the rows (width,) that it was trained on, kept as batch norm keeps its.

    The mean is over what was seen last, some hundred sets: earlier ones had another encoder. 0 before any training.
    """

    mean: Tensor
    sets: Tensor

    def __init__(self, width: int, outputs: int):
        super().__init__(width, outputs)
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("sets", torch.zeros(()))

    @torch.no_grad()
    def note(self, rows: Tensor) -> None:
        """Labelled rows of a set that it is trained on."""
        if len(rows):
            self.sets += 1
            self.mean += (rows.mean(0) - self.mean) * max(FORGETS, 1 / float(self.sets))

    def transformed(self, rows: Tensor, form: Form) -> Tensor:
        """Rows as they are, of length 1, or of length 1 once the mean is taken off."""
        if form == "un":
            return rows
        return F.normalize(rows - self.mean if form == "cl2n" else rows)


class CosineClassifier(nn.Module):
    """Cosines between rows and a vector a class, times 2, or times 10 where there are more than 200 classes.

    (N, width) -> (N, outputs). The factors are those of the code of Chen et al. 2019 (arXiv:1904.04232), and so is the
    length that vectors begin with, .58 on average: the longer they are, the less a step turns them.
    """

    def __init__(self, width: int, outputs: int):
        super().__init__()
        self.weight = nn.Linear(width, outputs, bias=False).weight
        self.factor = 2.0 if outputs <= MANY else 10.0

    def forward(self, rows: Tensor) -> Tensor:
        return self.factor * F.normalize(rows, dim=-1) @ F.normalize(self.weight).T


def train_on_rows(
    head: nn.Module,
    table: tuple[Tensor, Tensor],
    loss: Callable[[Tensor, Tensor], Tensor],
    *,
    passes: int,
    batch: int,
    step_size: float,
    seed: int,
) -> None:
    """Descend on `loss` of the head's answers and targets, in batches drawn anew each pass; changes the head.

    table  rows (N, D) and their targets (N,)
    Momentum, its dampening and weight decay are those of the code of Chen et al. 2019 (arXiv:1904.04232).
    """
    rows, targets = table
    draw = torch.Generator().manual_seed(seed)
    descent = torch.optim.SGD(head.parameters(), lr=step_size, momentum=0.9, dampening=0.9, weight_decay=1e-3)
    for _ in range(passes):
        for some in torch.randperm(len(rows), generator=draw).split(batch):
            with torch.enable_grad():
                descent.zero_grad()
                loss(head(rows[some]), targets[some]).backward()
            descent.step()
    head.requires_grad_(False)
