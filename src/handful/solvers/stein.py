"""Stein variational gradient descent: particles that climb a density together and keep apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from .descend import Weights


def stein_direction(particles: Tensor, slopes: Tensor) -> Tensor:
    """(M, P) particles and the slopes of their log density -> where each of them goes.

    Liu & Wang 2016, arXiv:1608.04471, eq. 8, with a Gaussian kernel as wide as the median distance (the logarithm is of
    M + 1, so that one particle has a width).
    """
    apart = torch.cdist(particles.detach(), particles.detach()).square()
    i, j = torch.triu_indices(len(apart), len(apart), 1)
    middle = apart[i, j].median() if len(i) else apart.new_ones(())
    width = (middle / math.log(len(particles) + 1)).clamp(min=1e-12)
    squares = (particles[:, None] - particles).square().sum(2)
    kernel = torch.exp(-squares / width)
    away = 2 / width * (kernel.sum(1, keepdim=True) * particles - kernel @ particles)
    return (kernel @ slopes + away) / len(particles)


def stein_steps(
    log_density: Callable[[Weights], Tensor], particles: Weights, *, steps: int, step_size: float, second_order: bool
) -> Iterator[Weights]:
    """The particles, each weight (M, ...), before the first step and after each.

    log_density   of the weights of one particle
    second_order  keep the graph of the slopes, for a gradient through the steps
    """
    yield particles
    for _ in range(steps):
        with torch.enable_grad():
            particles = {name: w if w.requires_grad else w.detach().requires_grad_() for name, w in particles.items()}
            count = len(next(iter(particles.values())))
            each = [log_density({name: w[at] for name, w in particles.items()}) for at in range(count)]
            slopes = torch.autograd.grad(
                torch.stack(each).sum(), list(particles.values()), create_graph=second_order, materialize_grads=True
            )
            moves = stein_direction(flat(particles.values()), flat(slopes)).split(
                [w[0].numel() for w in particles.values()], 1
            )
            pairs = zip(particles.items(), moves, strict=True)
            particles = {name: w + step_size * move.view_as(w) for (name, w), move in pairs}
        yield particles


def flat(tensors: object) -> Tensor:
    """Tensors (M, ...) as one table (M, P)."""
    return torch.cat([w.flatten(1) for w in tensors], 1)  # type: ignore[attr-defined]
