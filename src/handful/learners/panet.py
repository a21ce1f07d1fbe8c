"""PANet: each pixel takes the class of the prototype that it points towards, and the query's own must lead back."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ..learner import Answer, Learner, settings
from ..problem import UNLABELLED, Classes, Prediction, Problem
from ..solvers import rows, unrows
from ..solvers.prototypes import cosines, masked_average
from ..task import Examples, Task


@settings
class PANet(Learner):
    """Wang, Liew, Zou, Zhou & Feng 2019, arXiv:1908.06391. Classes only; the background is a class like the others.

    sharpness  alpha, of the softmax over cosines
    alignment  lambda, of the loss of the support as the query's prototypes segment it, while meta-training

    Differs: the encoder is any of handful's, not VGG-16 pretrained on ImageNet, and its features have the images' own
    resolution. Pixels of a class that no pixel of the query is taken for have no prototype to go back to, and are left
    out, as in the authors' code; there the support is aligned way by way, here, as in the paper, all classes at once.
    """

    sharpness: float = Field(default=20.0, gt=0)
    alignment: float = Field(default=1.0, ge=0)
    problems: ClassVar[tuple[type[Problem], ...]] = (Classes,)

    def fit(self, support: Examples) -> Answer:
        features, targets, classes = self.net.encode(support.inputs), support.targets, support.problem.outputs
        prototypes = masked_average(features, targets, classes)  # eq. 1 and 2
        return lambda inputs: self.scores(self.net.encode(inputs), prototypes)

    def scores(self, features: Tensor, prototypes: Tensor) -> Prediction:
        """What the softmax of eq. 3 is over."""
        return Prediction(unrows(self.sharpness * cosines(rows(features), prototypes), tuple(features.shape)))

    def task_loss(self, task: Task) -> Tensor:
        """Segmentation of the query (eq. 5), and of the support by what was said of the query (eq. 8)."""
        self.check(task.support)
        encoded = [replace(e, inputs={"features": self.net.encode(e.inputs)}) for e in (task.support, task.query)]
        support, query = encoded
        found, problem = self.adapt(support).outputs(query.inputs), support.problem
        return problem.loss(found, query.targets) + self.alignment * self.aligned(found, support, query)

    def aligned(self, found: Prediction, support: Examples, query: Examples) -> Tensor:
        """The loss of the support as prototypes of the query segment it, which follow from answers alone (eq. 6)."""
        problem = support.problem
        said = problem.decide(found)
        back = self.fit(replace(query, targets=said))(support.inputs)
        lost = ~torch.isin(support.targets, said.unique())
        seen = replace(support, targets=support.targets.masked_fill(lost, UNLABELLED))
        return problem.loss(problem.restore(back, said), seen.targets)
