"""What learners share that train the encoder on images alone, and fit a ridge on its features for each task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from ..errors import TaskError
from ..learner import Learner, RowAnswer, settings
from ..problem import Prediction, Problem
from ..solvers import ridge, with_one
from ..solvers.views import patches
from ..task import Inputs, Task, first_tensor, stacked


@settings
class SelfSupervised(Learner):
    """The encoder learns from images without any label; only a task's own labels are ever looked at, to fit its ridge.

    penalty  of the ridge's squared weights; its features are centred and scaled by the support as a whole, so that one
             penalty suits any encoder
    patch    pixels a side of the patches that are cut from maps; images that have one target each are taken whole
    patches  how many are cut for a step
    """

    penalty: float = Field(default=0.1, gt=0)
    patch: int = Field(default=32, ge=4)
    patches: int = Field(default=64, ge=2)
    labels_unread: ClassVar[bool] = True

    def task_loss(self, task: Task) -> Tensor:
        """The loss of the images of the task; what they are labelled with isn't looked at."""
        images = task.support.inputs
        if not task.shared and same_size(images, task.query.inputs):
            images = stacked([images, task.query.inputs])
        if task.support.targets.dim() > 1:
            images = with_values(images, patches(values(images), self.patch, self.patches))
        return self.loss(images)

    def loss(self, images: Inputs) -> Tensor:
        """Of images (n, bands, height, width), or such beside what else is known of them."""
        raise NotImplementedError(f"{type(self).__name__} writes no `loss`")

    def seen(self, images: Inputs) -> Tensor:
        """Features of what the encoder learns, (n, width, ...): plain bands, which some pass on, are left out."""
        return self.net.encode(images)[:, : int(self.net.encoder.width)]  # type: ignore[arg-type]

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        middle = features.mean(0)
        length = (features - middle).square().sum(1).mean().clamp(min=1e-12).sqrt()
        table = with_one((features - middle) / length)
        weights = ridge(
            table, problem.as_numbers(targets).to(table), self.penalty, problem.row_weights(targets).to(table)
        )
        scale = torch.tensor(1.0)

        def decide(rows: Tensor) -> Prediction:
            return Prediction(problem.as_scores(with_one((rows - middle) / length) @ weights, scale))

        return decide


def pooled(features: Tensor) -> Tensor:
    """Features of an image (n, width): those of its pixels, averaged, where there are such."""
    return features.mean((2, 3)) if features.dim() == 4 else features


def projection(width: int, outputs: int) -> nn.Module:
    """g of SimCLR: the contrast is of what it gives, and the features before it are kept."""
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, outputs))


def values(inputs: Inputs) -> Tensor:
    """The bands (n, bands, height, width) among the inputs. Raises TaskError where they are no images."""
    found = inputs["bands"] if isinstance(inputs, Mapping) else inputs
    if found.dim() != 4:
        raise TaskError(f"self-supervision takes images, and was given inputs of {tuple(found.shape)}: give rasters.")
    return found


def with_values(inputs: Inputs, bands: Tensor) -> Inputs:
    """The inputs with other bands, and with as many of all else; of one scene all else is alike."""
    if not isinstance(inputs, Mapping):
        return bands
    return {name: bands if name == "bands" else t[:1].expand(len(bands), *t.shape[1:]) for name, t in inputs.items()}


def same_size(inputs: Inputs, others: Inputs) -> bool:
    return first_tensor(inputs).shape[1:] == first_tensor(others).shape[1:]


def reflecting(inputs: Inputs) -> Tensor:
    """Which bands (bands,) change with the light: those of known wavelength; all where nothing is told of them."""
    if isinstance(inputs, Mapping) and "wavelengths" in inputs:
        return inputs["wavelengths"][0].isfinite()
    return torch.ones(values(inputs).shape[1], dtype=torch.bool)
