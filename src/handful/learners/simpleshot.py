"""SimpleShot: nearest class means on features of one pooled classifier, centred and brought to length 1."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..learner import RowAnswer, settings
from ..problem import Classes, Prediction, Problem
from ..solvers import class_means, squared_distances
from .pooled import Pooled

FORGETS = 0.01  # the least weight of a new set in the mean: features change while the encoder learns

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

    def forward(self, rows: Tensor) -> Tensor:
        if self.training:
            self.sets += 1
            self.mean += (rows.detach().mean(0) - self.mean) * max(FORGETS, 1 / float(self.sets))
        return super().forward(rows)

    def transformed(self, rows: Tensor, form: Form) -> Tensor:
        """Rows as they are, of length 1, or of length 1 once the mean is taken off."""
        if form == "un":
            return rows
        return F.normalize(rows - self.mean if form == "cl2n" else rows)


@settings
class SimpleShot(Pooled):
    """Wang, Chao, Weinberger & van der Maaten 2019, arXiv:1911.04623. Classes only.

    form  of the features: 'un' as they are, 'l2n' of length 1, 'cl2n' of length 1 once centred by the mean of the
          base features

    Differs: the base mean is a running one over the last steps of training instead of one over all base images after
    it; it lies in the net and is saved with it. Scores are minus squared distances.
    """

    form: Form = "cl2n"
    problems: ClassVar[tuple[type[Problem], ...]] = (Classes,)

    def head(self, encoder: nn.Module) -> nn.Module:
        return BaseClassifier(int(encoder.width), self.outputs)  # type: ignore[arg-type]

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        base: BaseClassifier = self.net.head  # type: ignore[assignment]
        means = class_means(base.transformed(features, self.form), targets, problem.outputs)
        return lambda rows: Prediction(-squared_distances(base.transformed(rows, self.form), means))
