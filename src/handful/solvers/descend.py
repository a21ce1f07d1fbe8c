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
    net: nn.Module, support: Examples, moving: Weights, *, steps: int, step_size: float, keep_graph: bool
) -> Iterator[Weights]:
    """The moving weights before the first gradient step and after each.

    With `keep_graph` they stay a function of where they started, through the gradients themselves.
    """
    yield moving
    for _ in range(steps):
        with torch.enable_grad():
            moving = moving if keep_graph else {k: w.detach().requires_grad_() for k, w in moving.items()}
            loss = support_loss(net, moving, support)
            slopes = torch.autograd.grad(loss, list(moving.values()), create_graph=keep_graph)
            moving = {name: w - step_size * slope for (name, w), slope in zip(moving.items(), slopes, strict=True)}
        yield moving
