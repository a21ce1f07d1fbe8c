"""A transformer over rows: labelled rows read each other, other rows read the labelled ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Read = Callable[[Tensor], Tensor]


class Reading(nn.Module):
    """Attention to labelled rows, then two layers at each row, beside shortcuts (Vaswani et al. 2017,
    arXiv:1706.03762).

    Rows come in parts (rows, parts, width), such as dates: the weights of the layers are shared by the parts, and so is
    what a row attends to.
    """

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.before, self.middle = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ask, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.alike = nn.Parameter(torch.zeros(heads))
        self.same = nn.Parameter(torch.zeros(heads, width // heads))
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        for layer in (self.out, self.down):  # at first a layer changes little
            nn.init.normal_(layer.weight, std=0.02)

    def memory(self, labelled: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (heads, rows, parts, width of a head) of labelled rows (rows, parts, width)."""
        normed = self.before(labelled)
        return self.split(self.key(normed)), self.split(self.value(normed))

    def forward(self, rows: Tensor, memory: tuple[Tensor, Tensor], share: Tensor, alike: Tensor | None) -> Tensor:
        """Rows (rows, parts, width) that have read the labelled ones.

        share  (labelled,) logarithm of what each labelled row has to say
        alike  (rows, labelled) how alike their labels are, from 0 to 1; None where the rows have no label
        """
        keys, values = memory
        asked = self.split(self.ask(self.before(rows)))
        scores = torch.einsum("hrpd,hspd->hrs", asked, keys) / math.sqrt(max(1, keys[0, 0].numel())) + share
        if alike is not None:
            scores = scores + self.alike[:, None, None] * alike
        weights = scores.softmax(-1)
        read = torch.einsum("hrs,hspd->hrpd", weights, values)
        if alike is not None:
            read = read + (weights * alike).sum(-1)[:, :, None, None] * self.same[:, None, None]
        rows = rows + self.out(read.movedim(0, 2).flatten(2))
        return rows + self.down(F.gelu(self.up(self.middle(rows))))

    def split(self, rows: Tensor) -> Tensor:
        """(rows, parts, width) -> (heads, rows, parts, width of a head)"""
        return rows.unflatten(-1, (self.heads, -1)).movedim(2, 0)


class Reader(nn.Module):
    """Layers of `Reading` over rows of features, which come in parts of one width (dates of a scene).

    wide    features of a part
    width   of the rows while they read; a multiple of `heads`
    """

    def __init__(self, wide: int, width: int = 64, layers: int = 3, heads: int = 4):
        super().__init__()
        self.wide = wide
        self.enter = nn.Linear(2 * wide, width)
        self.layers: Iterable[Reading] = nn.ModuleList(Reading(width, heads) for _ in range(layers))  # type: ignore[assignment]
        self.leave = nn.LayerNorm(width)

    def read(self, features: Tensor, numbers: Tensor, shares: Tensor) -> tuple[Tensor, Read]:
        """Labelled rows (rows, features) that have read each other, and a function that lets other rows read them.

        Both are given (rows, parts * width) relative to the mean of the labelled ones.

        numbers  (rows, outputs) their targets, which say how alike any two of them are
        shares   (rows,) what each of them has to say, of mean 1
        """
        parts = self.parts(features)
        middle = (parts * shares[:, None, None]).mean(0)
        spread = ((parts - middle).square().mean((0, 2)) + 1e-2 * middle.square().mean(1) + 1e-12).sqrt()
        alike = torch.exp(-0.5 * (numbers[:, None] - numbers).square().sum(-1))
        states, memories = self.entered(parts, middle, spread), []
        for layer in self.layers:
            memories.append(layer.memory(states))
            states = layer(states, memories[-1], shares.log(), alike)

        read = self.left(states)
        centre = (read * shares[:, None]).mean(0)

        def look(others: Tensor) -> Tensor:
            found = self.entered(self.parts(others), middle, spread)
            for layer, memory in zip(self.layers, memories, strict=True):
                found = layer(found, memory, shares.log(), None)
            return self.left(found) - centre

        return read - centre, look

    def parts(self, features: Tensor) -> Tensor:
        """(rows, features) -> (rows, parts, wide); what is left over belongs to no part and is not read."""
        count = features.shape[1] // self.wide
        return features[:, : count * self.wide].unflatten(1, (count, self.wide))

    def entered(self, parts: Tensor, middle: Tensor, spread: Tensor) -> Tensor:
        """What a row is, and how it lies to the labelled rows."""
        relative = (parts - middle) / spread[:, None]
        return self.enter(torch.cat([math.sqrt(self.wide) * parts, relative], dim=-1))

    def left(self, states: Tensor) -> Tensor:
        """(rows, parts, width) -> (rows, parts * width), about 1 long."""
        found = self.leave(states).flatten(1)
        return found / math.sqrt(max(1, found.shape[1]))
