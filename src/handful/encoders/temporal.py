"""Sequences read by temporal convolutions and causal attention (SNAIL)."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Elements(NamedTuple):
    """Elements of a sequence, and the earlier ones that each may look at.

    rows    (rows, width)
    before  (length, width) what may lie before them
    open    (rows, length) which of these do
    """

    rows: Tensor
    before: Tensor
    open: Tensor

    def back(self, steps: int) -> Tensor:
        """(rows, width): what lies so many elements before each, 0 where the sequence has not begun."""
        place = self.open.sum(1) - steps
        return torch.where((place >= 0)[:, None], self.before[place.clamp(min=0)], 0.0)


class Convolution(nn.Module):
    """A dense block: a gated causal convolution over two elements, beside what came in (Mishra et al., section 3)."""

    def __init__(self, width: int, filters: int, dilation: int):
        super().__init__()
        self.dilation, self.width = dilation, width + filters
        self.change, self.gate = nn.Linear(2 * width, filters), nn.Linear(2 * width, filters)

    def forward(self, elements: Elements) -> Tensor:
        both = torch.cat([elements.back(self.dilation), elements.rows], dim=1)
        return torch.cat([elements.rows, self.change(both).tanh() * self.gate(both).sigmoid()], dim=1)


class Attention(nn.Module):
    """An attention block: each element reads itself and those before it, beside what came in."""

    def __init__(self, width: int, keys: int, values: int):
        super().__init__()
        self.width = width + values
        self.ask, self.key, self.value = nn.Linear(width, keys), nn.Linear(width, keys), nn.Linear(width, values)

    def forward(self, elements: Elements) -> Tensor:
        rows, before = elements.rows, elements.before
        asked = self.ask(rows) / math.sqrt(self.key.out_features)
        scores = (asked @ self.key(before).T).masked_fill(~elements.open, -math.inf)
        own = (asked * self.key(rows)).sum(1, keepdim=True)
        weights = torch.cat([scores, own], dim=1).softmax(1)
        return torch.cat([rows, weights[:, :-1] @ self.value(before) + weights[:, -1:] * self.value(rows)], dim=1)


class Temporal(nn.Module):
    """Attention, convolutions, attention, convolutions, attention (Mishra et al. 2018, arXiv:1707.03141, appendix).

    length   elements of the longest sequence that the convolutions are made for
    filters  of each convolution
    """

    def __init__(self, width: int, length: int, filters: int = 128):
        super().__init__()
        self.layers = nn.ModuleList([Attention(width, 64, 32)])
        for keys, values in ((256, 128), (512, 256)):
            for index in range(1, math.ceil(math.log2(length)) + 1):
                self.layers.append(Convolution(self.width, filters, 2**index))
            self.layers.append(Attention(self.width, keys, values))

    @property
    def width(self) -> int:
        """Of an element as it leaves."""
        return int(self.layers[-1].width)  # type: ignore[arg-type]

    def sequence(self, rows: Tensor) -> list[Tensor]:
        """(length, width) -> the sequence as it enters each layer, and as it leaves the last."""
        earlier = torch.ones(len(rows), len(rows), dtype=torch.bool).tril(-1)
        states = [rows]
        for layer in self.layers:
            states.append(layer(Elements(states[-1], states[-1], earlier)))
        return states

    def after(self, rows: Tensor, states: list[Tensor]) -> Tensor:
        """Rows (rows, width), each as the one element after a sequence, as they leave the last layer."""
        every = torch.ones(len(rows), len(states[0]), dtype=torch.bool)
        for layer, before in zip(self.layers, states[:-1], strict=True):
            rows = layer(Elements(rows, before, every))
        return rows
