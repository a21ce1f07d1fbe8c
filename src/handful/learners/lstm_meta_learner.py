"""LSTM meta-learner: how to descend is learned, and so is where to begin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from ..learner import Answer, Learner, settings
from ..solvers import answering, flat, moving, support_loss, unflat
from ..solvers.lstm_cell import UpdateCell
from ..task import Examples


class Updated(nn.Module):
    """A linear head, and the cell that moves all weights but its own."""

    def __init__(self, width: int, outputs: int, hidden: int):
        super().__init__()
        self.linear, self.cell = nn.Linear(width, outputs), UpdateCell(hidden)

    def forward(self, table: Tensor) -> Tensor:
        return self.linear(table)


@settings
class LstmMetaLearner(Learner):
    """Ravi & Larochelle 2017, Optimization as a model for few-shot learning, ICLR (OpenReview rJY0-Kcll).

    The net's weights are the cell state of an LSTM, whose input is their gradient and the loss; where they begin is
    learned with it. Gradients of the inner loss are constants, as in the paper's section on gradient independence.
    Differs: each step sees the whole support set. Memory in training is weights times steps: take a narrow encoder.

    steps   on the support set: the paper's 12 of 1 shot; it takes 5 for 5 shots
    hidden  width of the LSTM below the gates
    """

    steps: int = Field(default=12, ge=0)
    hidden: int = Field(default=20, ge=1)
    moves: str = ""
    column_a_class: ClassVar[bool] = True

    def head(self, encoder: nn.Module) -> nn.Module:
        return Updated(int(encoder.width), self.outputs, self.hidden)  # type: ignore[arg-type]

    def answers(self, support: Examples) -> Iterator[Answer]:
        cell: UpdateCell = self.net.head.cell  # type: ignore[assignment]
        begin = {n: w for n, w in moving(self.net, self.moves).items() if not n.startswith("head.cell.")}
        row, gates = flat(begin), cell.start(flat(begin))
        yield answering(self.net, begin)
        for _ in range(self.steps):
            here = row.detach().requires_grad_()
            with torch.enable_grad():
                loss = support_loss(self.net, unflat(here, begin), support)
                (slopes,) = torch.autograd.grad(loss, here)
            row, gates = cell(row, slopes, loss.detach(), gates)
            yield answering(self.net, unflat(row, begin))
