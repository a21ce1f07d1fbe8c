"""Gradient descent on the loss of a support set, kept differentiable on request."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..problem import Prediction
from ..task import Examples

Weights = dict[str, Tensor]


def support_loss(net: nn.Module, weights: Weights, support: Examples) -> Tensor:
    """The loss of `net` with some of its weights replaced by `weights`."""
    prediction = Prediction(functional_call(net, weights, (support.inputs,)))
    return support.problem.loss(prediction, support.targets)


def descent(
    net: nn.Module, support: Examples, moving: Weights, *, steps: int, step_size: float, second_order: bool
) -> Iterator[Weights]:
    """The moving weights before the first gradient step and after each, a function of where they started.

    second_order  keep the graph of the gradients themselves, for a gradient through them; without it they are
                  constants
    """
    yield moving
    for _ in range(steps):
        with torch.enable_grad():
            moving = {name: w if w.requires_grad else w.requires_grad_() for name, w in moving.items()}
            loss = support_loss(net, moving, support)
            slopes = torch.autograd.grad(loss, list(moving.values()), create_graph=second_order)
            moving = {name: w - step_size * slope for (name, w), slope in zip(moving.items(), slopes, strict=True)}
        yield moving
