"""Implicit MAML: pull the task's weights to the shared ones, and differentiate where that ends, not the way."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from ..learner import Answer, Learner, settings
from ..solvers import Weights, answering, descent, plain, support_loss
from ..solvers.implicit import implicit_gradient
from ..task import Examples, Task


@settings
class Imaml(Learner):
    """Rajeswaran, Finn, Kakade & Levine 2019, arXiv:1909.04630: a proximal inner problem, and algorithm 2.

    The inner problem is the support's loss + pull / 2 |w - start|^2, over all weights. While meta-training the loss has
    the query's value, and the gradient of <w, g> by the shared weights, with g from lemma 1 by conjugate gradients.
    Gradient descent inside, by the defaults of the authors' code; its command for 5-way Omniglot has step_size = 0.1.
    The code steps without the pull, pulls once at the end, and damps the conjugate gradients by 1; this is the paper's
    algorithm instead. The head's columns tell classes apart.

    steps            gradient steps on the inner problem
    step_size        their size
    pull             lambda of the paper
    conjugate_steps  of the conjugate gradients
    """

    steps: int = Field(default=16, ge=0)
    step_size: float = Field(default=1e-2, gt=0)
    pull: float = Field(default=2.0, gt=0)
    conjugate_steps: int = Field(default=5, ge=1)
    column_a_class: ClassVar[bool] = True
    moves: ClassVar[str] = ""  # all weights are pulled

    def head(self, encoder: nn.Module) -> nn.Module:
        return nn.Linear(int(encoder.width), self.outputs)  # type: ignore[arg-type]

    def descent(self, support: Examples) -> Iterator[Weights]:
        start = {name: w.detach() for name, w in self.net.named_parameters()}
        near = partial(self.pulled, support, {name: w.clone() for name, w in start.items()})
        return descent(near, start, steps=self.steps, rule=plain(self.step_size), second_order=False)

    def pulled(self, support: Examples, start: Weights, weights: Weights, step: int) -> Tensor:
        far = torch.stack([(w - start[name]).square().sum() for name, w in weights.items()]).sum()
        return support_loss(self.net, weights, support) + self.pull / 2 * far

    def answers(self, support: Examples) -> Iterator[Answer]:
        return (answering(self.net, ended) for ended in self.descent(support))

    def task_loss(self, task: Task) -> Tensor:
        return self.implicit_loss(task) if self.net.training else super().task_loss(task)

    def implicit_loss(self, task: Task) -> Tensor:
        given, query = task.support, task.query
        self.check(given)
        support = self.standardised(self.multiplied(given))
        *_, ended = self.descent(support)
        ended = {name: w.detach().requires_grad_() for name, w in ended.items()}
        said = self.predictor(answering(self.net, ended), given).outputs(query.inputs)
        loss = query.problem.loss(said, query.targets)
        outer = dict(zip(ended, torch.autograd.grad(loss, list(ended.values())), strict=True))
        inner = partial(support_loss, self.net, support=support)
        found = implicit_gradient(inner, ended, outer, pull=self.pull, steps=self.conjugate_steps)
        parts = [((w - w.detach()) * found[name]).sum() for name, w in self.net.named_parameters()]
        return loss.detach() + torch.stack(parts).sum()
