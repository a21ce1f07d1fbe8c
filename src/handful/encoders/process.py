"""A net that encodes pairs of rows and labels, and decodes rows in the light of their means (CNP)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .perceptron import perceptron


class Process(nn.Module):
    """The encoder of pairs h, and the decoder g, of the paper.

    Weights begin as in the authors' code (Glorot & Bengio 2010, shifts of 0): with smaller ones the labels of the pairs
    are lost on their way through eight layers, and training stays for long where it answers without them.
    """

    def __init__(self, features: int, outputs: int, width: int):
        super().__init__()
        self.width, self.outputs = width, outputs
        self.pairs = perceptron([features + outputs, width, width, width])
        self.answers = perceptron([features + outputs * width, width, width, width, width, 2 * outputs])
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, rows: Tensor, seen: Tensor) -> Tensor:
        """Rows (rows, features) and what was seen (outputs, width) -> means and variances (rows, 2, outputs)."""
        seen = F.pad(seen, (0, 0, 0, self.outputs - len(seen)))
        told = seen.flatten().expand(len(rows), -1)
        mean, spread = self.answers(torch.cat([rows, told], dim=1)).chunk(2, dim=1)
        return torch.stack([mean, (0.1 + 0.9 * F.softplus(spread)).square()], dim=1)
