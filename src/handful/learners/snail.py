"""SNAIL: the labelled rows are a sequence, read by temporal convolutions and attention, and a row to answer its end."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from ..encoders.temporal import Temporal
from ..learner import Learner, RowAnswer, settings
from ..problem import Prediction, Problem
from ..solvers import in_drawn_order, in_parts


class Sequence(nn.Module):
    """The layers of the sequence, and a linear head on its last element."""

    def __init__(self, features: int, outputs: int, length: int, filters: int):
        super().__init__()
        self.body = Temporal(features + outputs, length, filters)
        self.last = nn.Linear(self.body.width, outputs)


@settings
class Snail(Learner):
    """Mishra, Rohaninejad, Chen & Abbeel 2018, arXiv:1707.03141, section 3 and the few-shot net of its appendix.

    Labelled rows stand in the sequence with their labels, and the row to answer comes last with none; each row to
    answer is such an end of its own, so that it doesn't see the others. The order of the rows is drawn, anew while
    meta-training, so that it tells nothing of their labels; classes have a fixed column each. Differs: a label is told
    as 1 beside -1, and the net is no deeper than its encoder, where the paper has a linear layer of 64 in between.

    length   elements of the longest sequence, ways times shots and one, that the convolutions are made for; in a
             longer one they see the last elements only, and attention all of them
    filters  of each convolution
    """

    length: int = Field(default=26, ge=2)
    filters: int = Field(default=128, ge=1)
    column_a_class: ClassVar[bool] = True

    def head(self, encoder: nn.Module) -> nn.Module:
        return Sequence(int(encoder.width), self.outputs, self.length, self.filters)  # type: ignore[arg-type]

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        head: Sequence = self.net.head  # type: ignore[assignment]
        features, targets = in_drawn_order(features, targets, None if self.net.training else self.seed)
        told = F.pad(problem.as_numbers(targets).to(features), (0, self.outputs - problem.outputs))
        states = head.body.sequence(torch.cat([features, told], dim=1))

        def answer(rows: Tensor) -> Tensor:
            return head.last(head.body.after(F.pad(rows, (0, self.outputs)), states))

        return lambda rows: Prediction(in_parts(answer, rows, 4096))
