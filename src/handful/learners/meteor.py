"""METEOR: MAML with a score of one class against the rest, so that one net serves any number of classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch.func import functional_call

from ..learner import Answer, Learner, settings
from ..problem import Classes, Prediction, Problem
from ..solvers import Loss, Weights, descent, moving, plain, support_loss
from ..task import Examples, Inputs, Task


class OneScore(nn.Linear):
    """A score of one class beside the rest's, which is 0: (rows, width) -> (rows, 2)."""

    def forward(self, table: Tensor) -> Tensor:
        return F.pad(super().forward(table), (1, 0))


@settings
class Meteor(Learner):
    """Russwurm, Wang, Kellenberger, Roscher & Tuia 2024, Communications Earth & Environment 5, 37
    (doi:10.1038/s43247-023-01146-0). Classes only.

    For each class of a task the weights descend from the same start on the binary problem of it against the rest;
    the class with the highest score is the answer. So an order of the classes, or their number, changes nothing.
    60 steps of 0.4, of first order, are the authors' code's. Differs: a step sees the whole support set, not 8 drawn
    from it; while meta-training there are fewer steps. The paper has instance norm for batch norm; `conv4` has one over
    the image, unless it is told otherwise.

    steps           gradient steps for each class
    training_steps  the same while meta-training
    step_size       their size
    second_order    False drops the gradient of the gradient while meta-training
    """

    steps: int = Field(default=60, ge=0)
    training_steps: int = Field(default=5, ge=0)
    step_size: float = Field(default=0.4, gt=0)
    second_order: bool = False
    moves: str = ""
    problems: ClassVar[tuple[type[Problem], ...]] = (Classes,)

    def head(self, encoder: nn.Module) -> nn.Module:
        return OneScore(int(encoder.width), 1)  # type: ignore[arg-type]

    def answers(self, support: Examples) -> Iterator[Answer]:
        steps = self.training_steps if self.net.training else self.steps
        twice, rule = self.second_order and self.net.training, plain(self.step_size)
        ways = [
            descent(self.loss_on(one), moving(self.net, self.moves), steps=steps, rule=rule, second_order=twice)
            for one in against_rest(support)
        ]
        return map(self.scores, zip(*ways, strict=True))

    def loss_on(self, support: Examples) -> Loss:
        return lambda weights, _: support_loss(self.net, weights, support)

    def scores(self, moved: tuple[Weights, ...]) -> Answer:
        def answer(inputs: Inputs) -> Prediction:
            return Prediction(torch.cat([functional_call(self.net, w, (inputs,))[:, 1:] for w in moved], 1))

        return answer

    def task_loss(self, task: Task) -> Tensor:
        """The binary losses of the query, averaged over classes."""
        found = self.adapt(task.support).outputs(task.query.inputs).mean.unbind(1)
        pairs = zip(against_rest(task.query), found, strict=True)
        losses = [one.problem.loss(Prediction(torch.stack([0 * s, s], 1)), one.targets) for one, s in pairs]
        return torch.stack(losses).mean()


def against_rest(examples: Examples) -> list[Examples]:
    """The same examples once a class: 1 where they are of it, 0 where of another."""
    known = examples.problem.labelled(examples.targets)
    return [
        replace(examples, targets=torch.where(known, (examples.targets == c).long(), examples.targets), problem=ONE)
        for c in range(examples.problem.outputs)
    ]


ONE = Classes(("the rest", "one"))
