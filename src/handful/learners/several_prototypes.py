"""Several prototypes a class: k-means of the support's rows, and the nearest by cosine speaks for its class."""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ..learner import Learner, RowAnswer, settings
from ..problem import Classes, Prediction, Problem
from ..solvers.prototypes import centres, cosines


@settings
class SeveralPrototypes(Learner):
    """For classes that look several ways, such as a background; no published method. Classes only.

    prototypes  of a class, at most: fewer where it has fewer rows
    steps       of k-means, begun at rows drawn with the seed
    sharpness   of the softmax over cosines

    With one prototype a class this is protonet_cosine without a learned factor, or PANet where images have one mask
    each and pixels count alike. Yang et al. 2020 (PMMs, arXiv:2008.03898) fit mixtures by EM and go on with a net that
    reads the activated maps; neither is done here.
    """

    prototypes: int = Field(default=3, ge=1)
    steps: int = Field(default=10, ge=1)
    sharpness: float = Field(default=20.0, gt=0)
    problems: ClassVar[tuple[type[Problem], ...]] = (Classes,)

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        kinds = [self.kinds(features[targets == c]) for c in range(problem.outputs)]

        def decide(rows: Tensor) -> Prediction:
            return Prediction(self.sharpness * torch.stack([nearest(rows, kind) for kind in kinds], dim=1))

        return decide

    def kinds(self, rows: Tensor) -> Tensor:
        """The prototypes of a class (at most so many, width); none of a class without a row, which is closed later."""
        if not len(rows):
            return rows
        return centres(rows, self.prototypes, self.steps, self.seed)


def nearest(rows: Tensor, kind: Tensor) -> Tensor:
    """The cosine (rows,) to the nearest prototype of a class; 0 where it has none."""
    if not len(kind):
        return rows.new_zeros(len(rows))
    found = cosines(rows, kind)
    return found.amax(dim=1)
