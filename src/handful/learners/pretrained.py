"""What learners share that pretrain one classifier on the classes of all regions, and then adapt in their own way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from ..learner import Learner, Net, settings
from ..problem import Classes, Prediction
from ..solvers.classifier import BaseClassifier
from ..task import Examples, Task


@settings
class Pretrained(Learner):
    """The encoder learns as one plain supervised problem; its head has a column for each class that regions share."""

    pools_classes: ClassVar[bool] = True

    def head(self, encoder: nn.Module) -> nn.Module:
        return nn.Linear(int(encoder.width), self.outputs)  # type: ignore[arg-type]

    @torch.no_grad()
    def settle(self, sets: Iterable[Examples]) -> Self:
        """With the base mean, of the labelled rows of all sets, where the head has one."""
        head = self.net.head
        if isinstance(head, BaseClassifier):
            found = [(rows.double().sum(0), len(rows)) for rows, _ in map(self.labelled_rows, sets)]
            head.mean.copy_(torch.stack([total for total, _ in found]).sum(0) / sum(count for _, count in found))
        return self

    def task_loss(self, task: Task) -> Tensor:
        """Plain supervision on all labels of the region, on the classes that regions share.

        Support and query are two sets of labels; pooled training makes no difference between them.
        """
        return self.supervised(task, self.net)

    def supervised(self, task: Task, net: Net) -> Tensor:
        """The mean loss of a net on both sets of labels."""
        known = self.like(task.support.targets)
        sets = [replace(e, targets=e.problem.standardise(e.targets, known)) for e in (task.support, task.query)]
        return torch.stack([pooled_loss(examples, net) for examples in sets]).mean()


def pooled_loss(examples: Examples, net: Net) -> Tensor:
    """The loss on the classes that regions share, a column of the head each; on the task's own where there are none."""
    prediction = Prediction(net(examples.inputs))
    if examples.base_targets is None:
        return examples.problem.loss(prediction, examples.targets)
    every = Classes(tuple(str(column) for column in range(prediction.mean.shape[1])))
    return every.loss(prediction, examples.base_targets)
