"""Gradient descent on the loss of a support set, kept differentiable on request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.func import functional_call
from torch.utils.checkpoint import get_device_states, set_device_states

from ..problem import Prediction
from ..task import Examples, Inputs

Weights = dict[str, Tensor]
Loss = Callable[[Weights, int], Tensor]  # of weights, at a step counted from 0
Rule = Callable[[Weights, int], Weights]  # slopes at a step -> what is taken off the weights
StepSize = float | Tensor | Weights | list[Weights]


def moving(net: nn.Module, prefix: str = "") -> Weights:
    """The weights whose names begin so: constants where the net doesn't train, so that nothing flows back to it."""
    learning = net.training
    return {name: w if learning else w.detach() for name, w in net.named_parameters() if name.startswith(prefix)}


def answering(net: nn.Module, weights: Weights) -> Callable[[Inputs], Prediction]:
    """What `net` answers with some of its weights replaced by `weights`."""
    return lambda inputs: Prediction(functional_call(net, weights, (inputs,)))


def flat(weights: Weights) -> Tensor:
    """All weights one after the other (count,)."""
    return torch.cat([w.flatten() for w in weights.values()])


def unflat(row: Tensor, like: Weights) -> Weights:
    """The reverse of `flat`, in the names and shapes of `like`."""
    parts = row.split([w.numel() for w in like.values()])
    return {name: part.view_as(w) for (name, w), part in zip(like.items(), parts, strict=True)}


def support_loss(net: nn.Module, weights: Weights, support: Examples) -> Tensor:
    """The loss of `net` with some of its weights replaced by `weights`."""
    return support.problem.loss(answering(net, weights)(support.inputs), support.targets)


def descent(
    loss: Loss, moving: Weights, *, steps: int, rule: Rule, second_order: bool, again: nn.Module | None = None
) -> Iterator[Weights]:
    """The moving weights before the first gradient step and after each, a function of where they started.

    second_order  keep the graph of the gradients themselves, for a gradient through them; without it they are
                  constants
    again         keep no graph, but take each step once more when a gradient comes back through it, which must flow to
                  the moving weights and the parameters of this net alone; the memory is then that of one step
    """
    yield moving
    for step in range(steps):
        take = partial(stepped, loss, rule, list(moving), step)
        if again is not None and second_order:
            given = list(moving.values()), list(again.parameters())
            moved = SteppedAgain.apply(take, again, len(moving), *given[0], *given[1])
            moving = dict(zip(moving, moved, strict=True))
        else:
            moving = dict(zip(moving, take(list(moving.values()), second_order), strict=True))
        yield moving


def stepped(
    loss: Loss, rule: Rule, names: list[str], step: int, weights: list[Tensor], second_order: bool
) -> list[Tensor]:
    """Weights after one gradient step."""
    with torch.enable_grad():
        moving = {name: w if w.requires_grad else w.requires_grad_() for name, w in zip(names, weights, strict=True)}
        slopes = torch.autograd.grad(loss(moving, step), list(moving.values()), create_graph=second_order)
        changes = rule(dict(zip(moving, slopes, strict=True)), step)
        return [w - changes[name] for name, w in moving.items()]


class SteppedAgain(torch.autograd.Function):
    """A gradient step that keeps nothing but where it began (Griewank 1992, Chen et al. 2016, arXiv:1604.06174)."""

    @staticmethod
    def forward(ctx: Any, take: Callable[..., list[Tensor]], net: nn.Module, count: int, *given: Tensor) -> Any:
        ctx.take, ctx.net, ctx.count = take, net, count
        ctx.drawn, ctx.devices = torch.get_rng_state(), get_device_states(*given)  # what is dropped is dropped again
        ctx.save_for_backward(*given)
        return tuple(w.detach() for w in take([w.detach() for w in given[:count]], False))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        given = [w.detach().requires_grad_() for w in ctx.saved_tensors[: ctx.count]]
        leaves = [w for w in ctx.net.parameters() if w.requires_grad]
        kept = [buffer.clone() for buffer in ctx.net.buffers()]  # statistics have followed this step already
        with torch.random.fork_rng(devices=ctx.devices[0]):
            torch.set_rng_state(ctx.drawn)
            set_device_states(*ctx.devices)
            moved = ctx.take(given, True)
        found = torch.autograd.grad(
            moved,
            [*given, *leaves],
            slopes,
            retain_graph=True,
            allow_unused=True,  # the graph is the leaves' too
        )
        for buffer, before in zip(ctx.net.buffers(), kept, strict=True):
            buffer.copy_(before)
        by_leaf = dict(zip(map(id, leaves), found[ctx.count :], strict=True))
        return None, None, None, *found[: ctx.count], *(by_leaf.get(id(w)) for w in ctx.net.parameters())


def plain(step_size: StepSize) -> Rule:
    """Slopes times a step size: one number, a tensor for each weight, or a list of such, one a step."""

    def rule(slopes: Weights, step: int) -> Weights:
        size = step_size[step] if isinstance(step_size, list) else step_size
        return {name: (size[name] if isinstance(size, dict) else size) * slope for name, slope in slopes.items()}

    return rule


def adam(step_size: float, *, beta: float = 0.999, epsilon: float = 1e-8) -> Rule:
    """Adam without momentum (Kingma & Ba 2015, arXiv:1412.6980, algorithm 1 with beta1 = 0); it remembers its steps."""
    squares: Weights = {}

    def rule(slopes: Weights, step: int) -> Weights:
        for name, slope in slopes.items():
            squares[name] = beta * squares.get(name, torch.zeros_like(slope)) + (1 - beta) * slope.square()
        unbiased = {name: square / (1 - beta ** (step + 1)) for name, square in squares.items()}
        return {name: step_size * slope / (unbiased[name].sqrt() + epsilon) for name, slope in slopes.items()}

    return rule
