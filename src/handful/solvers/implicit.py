"""The gradient of where an inner problem ends by where it is pulled to, without the path that led there."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .descend import Weights, flat, unflat


def conjugate_gradient(apply: Callable[[Tensor], Tensor], wanted: Tensor, steps: int) -> Tensor:
    """An x (n,) with apply(x) = wanted, for a linear, symmetric and positive `apply` (Hestenes & Stiefel 1952).

    Exact after n steps but for rounding; it ends sooner where nothing is left, or where `apply` isn't positive.
    """
    found, rest = torch.zeros_like(wanted), wanted
    toward, length = rest, rest @ rest
    for _ in range(steps):
        image = apply(toward)
        curvature = toward @ image
        if not curvature > 0:
            break
        found = found + length / curvature * toward
        rest = rest - length / curvature * image
        before, length = length, rest @ rest
        toward = rest + length / before * toward
    return found


def implicit_gradient(
    loss: Callable[[Weights], Tensor], ended: Weights, outer: Weights, *, pull: float, steps: int
) -> Weights:
    """The gradient, by the weights that the inner problem is pulled to, of an outer loss.

    The inner problem is loss(w) + pull / 2 |w - start|^2; then it is (1 + H / pull)^-1 outer, where H are the second
    derivatives of `loss` (Rajeswaran et al. 2019, arXiv:1909.04630, lemma 1).

    ended  where the inner problem ended
    outer  the gradient of the outer loss there
    """
    ended = {name: w.detach().requires_grad_() for name, w in ended.items()}
    variables = list(ended.values())
    with torch.enable_grad():
        slopes = torch.cat([s.flatten() for s in torch.autograd.grad(loss(ended), variables, create_graph=True)])

    def apply(row: Tensor) -> Tensor:
        bent = torch.autograd.grad(slopes, variables, row, retain_graph=True, allow_unused=True, materialize_grads=True)
        return row + torch.cat([part.flatten() for part in bent]) / pull

    return unflat(conjugate_gradient(apply, flat(outer).detach(), steps), ended)
