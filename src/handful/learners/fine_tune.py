"""Gradient descent from pretrained weights, or from none: the field's plain comparison."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch
from pydantic import Field
from torch import nn

from ..learner import Answer, Net, settings
from ..problem import Prediction
from ..solvers.folds import folds
from ..task import Examples, Inputs
from .pretrained import Pretrained

FOLDS = 5  # of the support, at most


@settings
class FineTune(Pretrained):
    """Pretrained on pooled regions as one plain supervised problem, then adapted by Adam on the support set.

    steps         Adam steps on the support set; 0 answers with the pooled model as it is
    step_size     of Adam
    weight_decay  decoupled, as in AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101)
    moves         prefix of the weights that move, or several: '' all, 'head.' a linear probe, ['head.',
                  'encoder.layer4.'] the last layers of a ResNet too
    pretrained    False starts each task from random weights and ignores what was learned before
    new_head      begin with a head of zeros, where classes mean something else in each task
    batch         examples a step, drawn with the seed; 4 as in Chen et al. 2019 (arXiv:1904.04232)
    stop_early    take only as many of the steps as answer left-out labels of the support best, over at most 5 folds of
                  it (and 6 times as long); all of them where a class has one label
    """

    steps: int = Field(default=100, ge=0)
    step_size: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    moves: str | tuple[str, ...] = ""
    pretrained: bool = True
    new_head: bool = True
    batch: int = Field(default=4, ge=1)
    stop_early: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.pretrained:  # nothing is learned across tasks
            self.net.requires_grad_(False)

    @property
    def limited(self) -> bool:
        return not self.new_head

    def fit(self, support: Examples) -> Answer:
        if not self.moves_encoder:  # the features stay: they are computed once
            with torch.no_grad():
                support = replace(support, inputs={"features": self.start(support).encode(support.inputs)})
        *_, net = self.descent(support, self.best_steps(support))
        net.requires_grad_(False)

        def answer(inputs: Inputs) -> Prediction:
            return Prediction(net(inputs))

        return answer

    def descent(self, support: Examples, steps: int) -> Iterator[Net]:
        """The net before the first step and after each: one net, which moves."""
        net = self.start(support)
        draw = torch.Generator().manual_seed(self.seed)
        moving = [w.requires_grad_() for name, w in net.named_parameters() if name.startswith(self.moves)]
        optimizer = torch.optim.AdamW(moving, lr=self.step_size, weight_decay=self.weight_decay)
        yield net
        for _ in range(steps):
            some = drawn(support, self.batch, draw)
            with torch.enable_grad():
                optimizer.zero_grad()
                some.problem.loss(Prediction(net(some.inputs)), some.targets).backward()
            optimizer.step()
            yield net

    @torch.no_grad()
    def best_steps(self, support: Examples) -> int:
        """`steps`, or as many of them as make the loss of left-out labels least, where that is to be asked."""
        parts = folds(support, FOLDS, self.seed) if self.stop_early else []
        losses = [
            [out.problem.loss(Prediction(net(out.inputs)), out.targets) for net in self.descent(kept, self.steps)]
            for kept, out in parts
        ]
        return int(torch.tensor(losses).mean(0).argmin()) if parts else self.steps

    def start(self, support: Examples) -> Net:
        """A net of the task's own, so that the learner stays as it was."""
        net = (copy.deepcopy(self.net) if self.pretrained else self.fresh_net()).requires_grad_(False)
        if hasattr(net.encoder, "dropout"):
            net.encoder.dropout = 0.0  # type: ignore[assignment]  # of modalities: a task has too few examples for it
        if self.new_head:
            net.head = nn.Linear(net.head.in_features, support.problem.outputs)  # type: ignore[arg-type]
            nn.init.zeros_(net.head.weight)
            nn.init.zeros_(net.head.bias)
        return net


def drawn(support: Examples, count: int, draw: torch.Generator) -> Examples:
    """So many of the examples at random; all of them, in order, where there are no more."""
    if len(support) <= count:
        return support
    return support.part(torch.randperm(len(support), generator=draw)[:count])


scratch = partial(FineTune, pretrained=False)
linear_probe = partial(FineTune, moves="head.", steps=300, step_size=1e-2)
