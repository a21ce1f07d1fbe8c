"""What learners share that train the encoder on images alone, and fit a ridge on its features for each task."""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ..errors import TaskError
from ..learner import Learner, RowAnswer, settings
from ..problem import Prediction, Problem
from ..solvers import ridge, with_one
from ..solvers.views import patches
from ..task import Inputs, Task, stacked, values, with_values


@settings
class SelfSupervised(Learner):
    """The encoder learns from images without any label; only a task's own labels are ever looked at, for its ridge.

    penalty  of the ridge's squared weights; features are centred and scaled by the support, so it suits any encoder
    patch    pixels a side of the patches that are cut from maps; images that have one target each are taken whole
    patches  how many are cut for a step
    """

    penalty: float = Field(default=0.1, gt=0)
    patch: int = Field(default=32, ge=4)
    patches: int = Field(default=64, ge=2)
    labels_unread: ClassVar[bool] = True  # tables say that it learns from images alone

    def task_loss(self, task: Task) -> Tensor:
        """The loss of the images of the task. Raises TaskError where its inputs are none."""
        images, shape = task.support.inputs, tuple(values(task.support.inputs).shape)
        if len(shape) != 4:
            raise TaskError(f"self-supervision takes images, and was given inputs of {shape}: give rasters.")
        if not task.shared and shape[1:] == values(task.query.inputs).shape[1:]:
            images = stacked([images, task.query.inputs])
        if task.support.targets.dim() > 1:
            images = with_values(images, patches(values(images), self.patch, self.patches))
        return self.loss(images)

    def loss(self, images: Inputs) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} writes no `loss`")

    def seen(self, images: Inputs) -> Tensor:
        """Features of what the encoder learns, (n, width, ...): plain bands, which some pass on, are left out."""
        return self.net.encode(images)[:, : int(self.net.encoder.width)]  # type: ignore[arg-type]

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        middle = features.mean(0)
        length = (features - middle).square().sum(1).mean().clamp(min=1e-12).sqrt()
        table, scale = with_one((features - middle) / length), torch.tensor(1.0)
        say = problem.row_weights(targets).to(table)
        weights = ridge(table, problem.as_numbers(targets).to(table), self.penalty, say)
        return lambda rows: Prediction(problem.as_scores(with_one((rows - middle) / length) @ weights, scale))
