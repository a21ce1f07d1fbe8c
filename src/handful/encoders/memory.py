"""A recurrent net with a memory beside it, whose least used places are written to (MANN)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Recall(NamedTuple):
    """All that is carried from one element of a sequence to the next, for each of some sequences.

    hidden, cell  (sequences, width) of the LSTM
    memory        (sequences, places, size)
    read          (sequences, reads, places) weights of the last reading, each row summing to 1
    usage         (sequences, places)
    recalled      (sequences, reads * size) what was read
    """

    hidden: Tensor
    cell: Tensor
    memory: Tensor
    read: Tensor
    usage: Tensor
    recalled: Tensor


def least_used(usage: Tensor, count: int) -> Tensor:
    """(..., places) -> the same, 1 at the `count` places of least usage and 0 elsewhere (Santoro et al., eq. 6)."""
    lowest = usage.detach().topk(min(count, usage.shape[-1]), dim=-1, largest=False).indices
    return torch.zeros_like(usage).scatter(-1, lowest, 1.0)


class MemoryNet(nn.Module):
    """Santoro et al. 2016, arXiv:1605.06065, section 3: an LSTM with least recently used access to a memory.

    features  of an element of the sequence
    places    of the memory, of `size` numbers each
    reads     heads, each with a key of its own that is looked for and written
    decay     of the usage, gamma of eq. 5
    """

    def __init__(self, features: int, width: int, places: int, size: int, reads: int, decay: float):
        super().__init__()
        self.places, self.size, self.reads, self.decay = places, size, reads, decay
        self.lstm = nn.LSTMCell(features + reads * size, width)
        self.keys = nn.Linear(width, reads * size)
        self.gates = nn.Linear(width, reads)
        self.width = width + reads * size

    def start(self) -> Recall:
        """Before the first element: a memory that holds nearly nothing, its places used in turn."""
        hidden = self.keys.weight.new_zeros(1, self.lstm.hidden_size)
        memory = hidden.new_full((1, self.places, self.size), 1e-6)
        usage = torch.linspace(0, 1e-3, self.places).to(hidden)[None]
        read = hidden.new_full((1, self.reads, self.places), 1 / self.places)
        return Recall(hidden, hidden, memory, read, usage, hidden.new_zeros(1, self.reads * self.size))

    def forward(self, elements: Tensor, before: Recall) -> tuple[Tensor, Recall]:
        """Elements (sequences, features) -> what the net makes of them (sequences, width), and what is carried on."""
        before = Recall(*(part.expand(len(elements), *part.shape[1:]) for part in before))
        hidden, cell = self.lstm(torch.cat([elements, before.recalled], dim=1), (before.hidden, before.cell))
        keys = self.keys(hidden).tanh().unflatten(1, (self.reads, self.size))
        memory, written = self.write(keys, self.gates(hidden).sigmoid(), before)
        read = self.attend(keys, memory)
        recalled = torch.einsum("brp,bps->brs", read, memory).flatten(1)  # eq. 4
        usage = self.decay * before.usage + read.sum(1) + written.sum(1)  # eq. 5
        return torch.cat([hidden, recalled], dim=1), Recall(hidden, cell, memory, read, usage, recalled)

    def write(self, keys: Tensor, gates: Tensor, before: Recall) -> tuple[Tensor, Tensor]:
        """The memory after writing, and the weights of writing (sequences, reads, places).

        Keys go to places that were just read, or to the least used, as the gates (sequences, reads) say; the least
        used place is wiped before.
        """
        free = least_used(before.usage, self.reads)
        weights = gates[:, :, None] * before.read + (1 - gates[:, :, None]) * free[:, None]  # eq. 7
        wiped = before.memory * (1 - least_used(before.usage, 1))[:, :, None]
        return wiped + torch.einsum("brp,brs->bps", weights, keys), weights  # eq. 8

    def attend(self, keys: Tensor, memory: Tensor) -> Tensor:
        """Weights of reading (sequences, reads, places): a softmax of cosines (eq. 2 and 3)."""
        return (F.normalize(keys, dim=2) @ F.normalize(memory, dim=2).transpose(1, 2)).softmax(2)
