"""A net that imagines further rows of features, and what its rows vary like."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .perceptron import perceptron


class Imagination(nn.Module):
    """The head of the learner that imagined rows are for, the net that makes them, and pairs that they vary like.

    pairs  (pairs, 2, width) rows of one base class each, of which `noted` were seen, the last ones kept
    """

    def __init__(self, learner: nn.Module, width: int, pairs: int):
        super().__init__()
        self.learner = learner
        self.generator = perceptron([(3 if pairs else 2) * width, width, width, width])
        last: nn.Linear = self.generator[-1]  # type: ignore[assignment]
        nn.init.zeros_(last.weight)  # what is imagined begins as the row itself, or as the bare analogy
        nn.init.zeros_(last.bias)
        self.register_buffer("pairs", torch.zeros(pairs, 2, width))
        self.register_buffer("noted", torch.zeros((), dtype=torch.int64))
        self.pairs: Tensor
        self.noted: Tensor

    def forward(self, rows: Tensor, draw: torch.Generator | None) -> Tensor:
        """Each row (rows, width) once more, varied by noise, or as one row of a pair became the other."""
        if not len(self.pairs):
            noise = torch.randn(rows.shape, generator=draw).to(rows)
            return rows + self.generator(torch.cat([rows, noise], 1))
        known = max(1, min(int(self.noted), len(self.pairs)))  # rows of 0 where there are none yet
        before, after = self.pairs[torch.randint(known, (len(rows),), generator=draw)].to(rows).unbind(1)
        return rows + (after - before) + self.generator(torch.cat([rows, before, after], 1))

    def note(self, rows: Tensor, targets: Tensor) -> None:
        """Keep pairs of neighbours among rows of one class."""
        order = targets.argsort(stable=True)
        same = targets[order][1:] == targets[order][:-1]
        found = torch.stack([rows[order][:-1][same], rows[order][1:][same]], 1)[-len(self.pairs) :]
        self.pairs[(self.noted + torch.arange(len(found))) % len(self.pairs)] = found
        self.noted += len(found)
