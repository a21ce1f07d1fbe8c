"""What learners share that pretrain one classifier on the classes of all regions, and then adapt in their own way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar, Self

import torch
from pydantic import NonNegativeFloat
from torch import Tensor, nn

from ..encoders.also import NOISE_STEP, Also
from ..learner import Learner, Net, settings
from ..problem import Classes, Prediction
from ..process import seeded
from ..solvers import rows, unrows
from ..solvers.classifier import BaseClassifier
from ..task import Examples, Task


@settings
class Pretrained(Learner):
    """The encoder learns as one plain supervised problem; its head has a column for each class that regions share.

    also             further targets that the encoder learns meanwhile, a head each: `burn ratio`, a quantity, or
                     `forest kind: 3`, classes. Examples have them as inputs named `also.burn ratio`, NaN where missing
    also_weights     of their losses, the main one's being 1; all 1 where none is given
    learned_weights  the losses' weights are learned with the net
    """

    also: tuple[str, ...] = ()
    also_weights: tuple[NonNegativeFloat, ...] = ()
    learned_weights: bool = False
    pools_classes: ClassVar[bool] = True

    def head(self, encoder: nn.Module) -> nn.Module:
        return nn.Linear(int(encoder.width), self.outputs)  # type: ignore[arg-type]

    def fresh_net(self) -> Net:
        net = super().fresh_net()
        if self.also:
            with seeded(self.seed):
                net.also = Also(int(net.encoder.width), self.also, self.also_weights, self.learned_weights)  # type: ignore[arg-type]
        return net

    def gather(self, sets: Iterable[Examples]) -> Self:
        known = list(sets)
        found = super().gather(known)
        if self.also:
            found.net.also.note(known)  # type: ignore[union-attr, operator]
        return found

    def own_step_sizes(self) -> dict[str, float]:
        return {"also.noise": NOISE_STEP} if self.also and self.learned_weights else {}

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
    """The loss on the classes that regions share, a column of the head each; on the task's own where there are none.

    Where the net has heads for further targets, theirs are added while it trains: weights are chosen by the main one.
    """
    features = net.encode(examples.inputs)
    prediction = Prediction(unrows(net.head(rows(features)), tuple(features.shape)))
    problem, targets = examples.problem, examples.targets
    if examples.base_targets is not None:
        problem = Classes(tuple(str(column) for column in range(prediction.mean.shape[1])))
        targets = examples.base_targets
    if net.training and isinstance(net.head, BaseClassifier):
        net.head.note(rows(features)[problem.labelled(targets).flatten()])
    loss, also = problem.loss(prediction, targets), getattr(net, "also", None)
    if also is None or not net.training:
        return loss
    return also.total(loss, problem, features, examples.inputs, bool(problem.labelled(targets).any()))
