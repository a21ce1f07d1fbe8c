"""Episodic training: a net that works when one of its halves is that of a net which knows another region only."""

from __future__ import annotations

import copy
import zlib
from typing import Any, Self

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.func import functional_call

from ..learner import Net, settings
from ..task import Task
from .fine_tune import FineTune

REGIONS = 4096  # that are told apart, by a checksum of their names


class Halves(nn.Linear):
    """The shared classifier, and beside it a whole net a domain and a classifier that stays random."""

    met: Tensor

    def __init__(self, encoder: nn.Module, outputs: int, domains: int):
        width = int(encoder.width)  # type: ignore[arg-type]
        super().__init__(width, outputs)
        self.own = nn.ModuleList(Net(copy.deepcopy(encoder), nn.Linear(width, outputs)) for _ in range(domains))
        self.random = nn.Linear(width, outputs)
        self.register_buffer("met", torch.full((REGIONS,), -1))

    def domain(self, name: str) -> int:
        """The number of a region's domain."""
        if not name:
            return int(torch.randint(len(self.own), ()))
        mark, known = zlib.crc32(name.encode()), self.met[self.met >= 0].tolist()
        if mark not in known and len(known) < REGIONS:
            self.met[len(known)] = mark
        return (known.index(mark) if mark in known else len(known)) % len(self.own)


class Frozen(nn.Module):
    """A module whose weights don't move, and whose running statistics don't either; gradients pass through it."""

    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = module

    def forward(self, inputs: Any) -> Tensor:
        held = {name: weight.detach() for name, weight in self.module.named_parameters()}
        held |= {name: buffer.clone() for name, buffer in self.module.named_buffers()}
        found: Tensor = functional_call(self.module, held, (inputs,))
        return found


@settings
class Episodic(FineTune):
    """Li, Zhang, Yang, Liu, Song & Hospedales 2019, arXiv:1902.00113, for regions that share their classes.

    Beside the shared net each domain has a net of its own, trained on it alone. The shared features must also serve
    the frozen classifier of another domain, and one of random weights; the shared classifier must also do with frozen
    features of another domain. What is learned is used as `fine_tune` uses what it pretrained: with `steps = 0` and
    `new_head = false` the shared net answers as it is.

    domains        regions are dealt to so many in turn, as they are met; a task without a name to any of them
    of_features    lambda 1: other domains' classifiers on the shared features
    of_classifier  lambda 2: the shared classifier on other domains' features
    of_random      lambda 3: a random classifier on the shared features

    The three weights are those of the authors' code. Differs: all parts are trained from the first step, without stages
    that warm them up; a task is of one domain, and one other is drawn for it.
    """

    domains: int = Field(default=4, ge=2, le=64)
    of_features: float = Field(default=2.0, ge=0)
    of_classifier: float = Field(default=0.05, ge=0)
    of_random: float = Field(default=0.1, ge=0)

    def head(self, encoder: nn.Module) -> nn.Module:
        return Halves(encoder, self.outputs, self.domains)

    def gather(self, sets: Any) -> Self:
        found = super().gather(sets)
        for net in found.net.head.own:  # type: ignore[union-attr]
            net.encoder.load_state_dict(found.net.encoder.state_dict())  # type: ignore[union-attr, operator]
        return found

    def task_loss(self, task: Task) -> Tensor:
        """Of the shared net, of the domain's own, and of the shared net's halves beside halves of another domain."""
        halves: Halves = self.net.head  # type: ignore[assignment]
        if not self.net.training:
            return self.supervised(task, self.net)
        domain = halves.domain(task.name)
        other = (domain + 1 + int(torch.randint(self.domains - 1, ()))) % self.domains
        own, stranger, shared = halves.own[domain], halves.own[other], self.net.encoder
        parts: list[tuple[float, Any]] = [
            (1.0, self.net),
            (1.0, own),
            (self.of_features, Net(shared, Frozen(stranger.head))),  # type: ignore[arg-type]
            (self.of_classifier, Net(Frozen(stranger.encoder), halves)),  # type: ignore[arg-type]
            (self.of_random, Net(shared, Frozen(halves.random))),
        ]
        return torch.stack([weight * self.supervised(task, net) for weight, net in parts]).sum()
