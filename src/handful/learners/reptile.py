"""Reptile: move the weights towards where training on a task takes them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from ..learner import Answer, Learner, settings
from ..solvers import Weights, adam, answering, descent, support_loss
from ..task import Examples, Task


@settings
class Reptile(Learner):
    """Nichol, Achiam & Schulman 2018, arXiv:1803.02999, algorithms 1 and 2; the values are those of 5-way Omniglot.

    The meta-loss is half the squared distance to the moved weights, which are constants, so that its slope is
    w - moved. The paper's outer step is that of recipes with optimizer = "sgd", schedule = "linear", warm_up = 0,
    weight_decay = 0, step_size = 1 and a `clip` beyond reach; its supports have 10 shots while training, whatever the
    test's. Differs: Adam's memory is each task's own, where the authors' code carries it from task to task.

    steps       of Adam without momentum while meta-training
    test_steps  the same afterwards
    batch       examples a step while meta-training, in shuffled passes over the support set
    test_batch  the same afterwards
    step_size   of Adam
    """

    steps: int = Field(default=5, ge=0)
    test_steps: int = Field(default=50, ge=0)
    batch: int = Field(default=10, ge=1)
    test_batch: int = Field(default=5, ge=1)
    step_size: float = Field(default=1e-3, gt=0)
    column_a_class: ClassVar[bool] = True
    moves: ClassVar[str] = ""  # all weights follow

    def head(self, encoder: nn.Module) -> nn.Module:
        return nn.Linear(int(encoder.width), self.outputs)  # type: ignore[arg-type]

    def answers(self, support: Examples) -> Iterator[Answer]:
        return (answering(self.net, moved) for moved in self.descent(support))

    def descent(self, support: Examples) -> Iterator[Weights]:
        training = self.net.training
        steps, size = (self.steps, self.batch) if training else (self.test_steps, self.test_batch)
        seed = int(torch.randint(2**31, ())) if training else self.seed
        batches = minibatches(support, steps, size, torch.Generator().manual_seed(seed))
        start = {name: w.detach() for name, w in self.net.named_parameters()}
        rule = adam(self.step_size)
        return descent(partial(self.loss_on, batches), start, steps=steps, rule=rule, second_order=False)

    def loss_on(self, batches: list[Examples], weights: Weights, step: int) -> Tensor:
        return support_loss(self.net, weights, batches[step])

    def task_loss(self, task: Task) -> Tensor:
        if not self.net.training:  # a score: the query's loss
            return super().task_loss(task)
        self.check(task.support)
        *_, moved = self.descent(self.standardised(self.multiplied(task.support)))
        gaps = [(w - moved[name].detach()).square().sum() for name, w in self.net.named_parameters()]
        return torch.stack(gaps).sum() / 2


def minibatches(support: Examples, steps: int, size: int, draw: torch.Generator) -> list[Examples]:
    """So many parts of the examples, cut from passes over all of them, each in an order of its own.

    A lone example, such as a map, is a part by itself: copies of it would change nothing.
    """
    size = size if len(support) > 1 else 1
    passes = -(-steps * size // len(support))
    order = [index for _ in range(passes) for index in torch.randperm(len(support), generator=draw).tolist()]
    parts = [torch.tensor(order[step * size : (step + 1) * size]) for step in range(steps)]
    return [support.part(part) for part in parts]
