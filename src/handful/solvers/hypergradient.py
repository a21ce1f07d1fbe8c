"""Gradient descent that corrects its own step size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


class Sgd(torch.optim.Optimizer):
    """Plain gradient descent, w - size * (slope + weight_decay * w).

    With a `rate_step_size` the size of the first group grows by it times the product of this step's slope with the last
    one's: hypergradient descent (Baydin et al. 2018, arXiv:1703.04782, algorithm 4). What the size has gained is kept
    beside the `last` slope of each weight.
    """

    def __init__(self, weights: Iterable[Any], *, weight_decay: float = 0.0, rate_step_size: float = 0.0):
        super().__init__(weights, {"lr": 0.0, "weight_decay": weight_decay})
        self.rate_step_size = rate_step_size

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        first, *others = self.param_groups
        gained = self.gained(first["params"]) if self.rate_step_size else 0.0
        for group, more in [(first, gained), *((other, 0.0) for other in others)]:
            for w in group["params"]:
                if w.grad is not None:
                    w.sub_((group["lr"] + more) * (w.grad + group["weight_decay"] * w))

    def gained(self, weights: list[Tensor]) -> float:
        """What the size has gained so far, this step included; the slopes are kept for the next."""
        moved = [w for w in weights if w.grad is not None]
        product = sum(float((w.grad * self.state[w]["last"]).sum()) for w in moved if "last" in self.state[w])
        before = float(self.state[weights[0]].get("gained", 0.0))
        total = torch.tensor(before + self.rate_step_size * product, dtype=torch.float64)
        for w in weights:
            self.state[w]["gained"] = total
        for w in moved:
            self.state[w]["last"] = w.grad.clone()  # type: ignore[union-attr]
        return float(total)
