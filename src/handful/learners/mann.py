"""MANN: a recurrent net with a memory is presented the labelled rows one after the other, and then a row to answer."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from ..encoders.memory import MemoryNet
from ..learner import Learner, RowAnswer, settings
from ..problem import Prediction, Problem
from ..solvers import in_drawn_order, in_parts


class Presented(nn.Module):
    """The net with its memory, and a linear head."""

    def __init__(self, net: MemoryNet, outputs: int):
        super().__init__()
        self.net, self.last = net, nn.Linear(net.width, outputs)


@settings
class Mann(Learner):
    """Santoro, Bartunov, Botvinick, Wierstra & Lillicrap 2016, arXiv:1605.06065, section 3 (LRUA).

    An element is a row with the label of the one before it (section 2). Every row to answer is the element after the
    last labelled one, so that it doesn't see the others. Labelled rows are presented in a drawn order, another one each
    time it is trained. Each class has a column of its own, whatever it is.
    Differs: the loss is that of the query, not of every element of the sequence; a label is told as 1 beside -1.

    width   of the LSTM
    places  of the memory, each of `size` numbers
    reads   heads of the memory
    decay   of the usage of a place
    """

    width: int = Field(default=200, ge=1)
    places: int = Field(default=128, ge=1)
    size: int = Field(default=40, ge=1)
    reads: int = Field(default=4, ge=1)
    decay: float = Field(default=0.99, ge=0, le=1)
    column_a_class: ClassVar[bool] = True

    def head(self, encoder: nn.Module) -> nn.Module:
        features = int(encoder.width) + self.outputs  # type: ignore[arg-type]
        net = MemoryNet(features, self.width, self.places, self.size, self.reads, self.decay)
        return Presented(net, self.outputs)

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        head: Presented = self.net.head  # type: ignore[assignment]
        shown, labels = in_drawn_order(features, targets, None if self.net.training else self.seed)
        # the first row comes with no label
        told = F.pad(problem.as_numbers(labels).to(shown), (0, self.outputs - problem.outputs, 1, 0))
        recall = head.net.start()
        for row, label in zip(shown, told, strict=False):
            _, recall = head.net(torch.cat([row, label])[None], recall)

        def answer(rows: Tensor) -> Tensor:
            element = torch.cat([rows, told[-1:].expand(len(rows), -1)], dim=1)
            return head.last(head.net(element, recall)[0])

        return lambda rows: Prediction(in_parts(answer, rows, 1024))  # each has a memory of its own
