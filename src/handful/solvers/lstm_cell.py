"""An LSTM that is a way to descend: each weight of a net is the cell state of a coordinate."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

STRENGTH = 10.0  # p of the scaling; smaller numbers than exp(-p) are told by their value


class Gates(NamedTuple):
    """What a coordinate remembers between steps: gates (n, 1), and the hidden and cell state (n, width) below them."""

    forget: Tensor
    input: Tensor
    below: tuple[Tensor, Tensor]


class UpdateCell(nn.Module):
    """Ravi & Larochelle 2017 (OpenReview rJY0-Kcll), eq. 2 and the gates after it, the same for every coordinate.

    An ordinary LSTM reads the loss and the coordinate's slope; its state, the weight and the last gates give the
    gates. It begins as gradient descent: the forget gate nearly 1, the input gate about 0.01.

    width  of the LSTM below
    """

    def __init__(self, width: int):
        super().__init__()
        self.below = nn.LSTMCell(4, width)
        self.forget, self.input = nn.Linear(width + 2, 1), nn.Linear(width + 2, 1)
        for weight in self.parameters():
            nn.init.uniform_(weight, -0.01, 0.01)
        nn.init.uniform_(self.forget.bias, 4.0, 5.0)
        nn.init.uniform_(self.input.bias, -5.0, -4.0)

    def start(self, weights: Tensor) -> Gates:
        none = weights.new_zeros(len(weights), self.below.hidden_size)
        return Gates(none[:, :1], none[:, :1], (none, none))

    def forward(self, weights: Tensor, slopes: Tensor, loss: Tensor, last: Gates) -> tuple[Tensor, Gates]:
        """The weights (n,) after a step, from their slopes (n,) and the loss ()."""
        seen = torch.cat([scaled(loss[None]).expand(len(weights), -1), scaled(slopes)], 1)
        state, memory = self.below(seen, last.below)
        forget = self.forget(torch.cat([state, weights[:, None], last.forget], 1)).sigmoid()
        step = self.input(torch.cat([state, weights[:, None], last.input], 1)).sigmoid()
        moved = forget[:, 0] * weights - step[:, 0] * slopes  # eq. 2, where the candidate is minus the slope
        return moved, Gates(forget, step, (state, memory))


def scaled(numbers: Tensor) -> Tensor:
    """Size and sign of numbers (n,) of any magnitude: (n, 2), between -1 and 1 or so (Andrychowicz et al. 2016,
    arXiv:1606.04474, appendix A)."""
    small = numbers.abs() < math.exp(-STRENGTH)
    size = torch.where(small, -1.0, numbers.abs().clamp(min=math.exp(-STRENGTH)).log() / STRENGTH)
    return torch.stack([size, torch.where(small, math.exp(STRENGTH) * numbers, numbers.sign())], 1)
