"""Domain-adversarial training of a small net on tables: the gradient of what tells domains apart is turned."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..process import seeded

LONGEST = 1.0  # gradient, as a norm: a squared error would throw the first steps far off
Loss = Callable[[Tensor, Tensor], Tensor]


class Reversed(torch.autograd.Function):
    """Forwards the identity, backwards minus `strength` times the gradient (Ganin et al. 2016, eq. 16 and 17)."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return rows.view_as(rows)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None


def strength_at(done: float) -> float:
    """lambda_p of the paper's section 5.2.2: from 0 to 1 while the share `done` of training goes from 0 to 1."""
    return 2 / (1 + math.exp(-10 * done)) - 1


def rate_at(done: float, start: float) -> float:
    """mu_p of the same section: how the step size falls."""
    return start / (1 + 10 * done) ** 0.75


class Adversaries(nn.Module):
    """A hidden layer, what answers from it, and what tells the two domains apart by it."""

    def __init__(self, width: int, hidden: int, outputs: int):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(width, hidden), nn.Sigmoid())
        self.answers = nn.Linear(hidden, outputs)
        self.domain = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    @classmethod
    def begun(cls, width: int, hidden: int, outputs: int, seed: int) -> Adversaries:
        """Random with the seed, but for answers of 0, so that their order means nothing."""
        with seeded(seed):
            net = cls(width, hidden, outputs)
        for weight in net.answers.parameters():
            nn.init.zeros_(weight)
        return net

    def forward(self, rows: Tensor) -> Tensor:
        return self.answers(self.features(rows))

    def doubt(self, source: Tensor, target: Tensor, strength: float) -> Tensor:
        """The loss of the domain classifier on as many rows of each (source 0, target 1), seen through the reversal."""
        scores = self.domain(Reversed.apply(self.features(torch.cat([source, target])), strength))[:, 0]
        truth = torch.cat([torch.zeros(len(source)), torch.ones(len(target))]).to(scores)
        return F.binary_cross_entropy_with_logits(scores, truth)


@dataclass(frozen=True)
class Draws:
    """What batches are drawn from.

    known, targets  rows (N, D) with labels, and these (N,)
    source, target  rows of the two domains (M, D) and (Q, D); without a source nothing is told apart
    """

    known: Tensor
    targets: Tensor
    source: Tensor
    target: Tensor


def train_adversaries(
    net: Adversaries, draws: Draws, loss: Loss, strength: float, steps: int, batch: int, step_size: float, seed: int
) -> None:
    """Gradient descent, no gradient longer than 1; half a batch has labels, and each domain gives as many rows.

    loss  answers, targets -> a number
    """
    chance = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(net.parameters(), lr=step_size)
    weights = list(net.parameters())

    def some(table: Tensor) -> Tensor:
        return torch.randint(len(table), (max(1, batch // 2),), generator=chance)

    for step in range(steps):
        done, own = step / steps, some(draws.known)
        optimizer.param_groups[0]["lr"] = rate_at(done, step_size)
        with torch.enable_grad():
            total = loss(net(draws.known[own]), draws.targets[own])
            if len(draws.source):
                both = draws.source[some(draws.source)], draws.target[some(draws.target)]
                total = total + net.doubt(*both, strength * strength_at(done))
            gradients = torch.autograd.grad(total, weights, allow_unused=True)
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = gradient
        nn.utils.clip_grad_norm_(weights, LONGEST)
        optimizer.step()
