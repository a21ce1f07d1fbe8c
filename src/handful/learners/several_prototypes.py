"""Several prototypes a class: k-means of the support's rows, and the nearest by cosine speaks for its class."""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from ..learner import Learner, RowAnswer, settings
from ..problem import CLOSED, Classes, Prediction, Problem
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
        parts = [features[targets == c] for c in range(problem.outputs)]
        kinds = [centres(part, self.prototypes, self.steps, self.seed) if len(part) else None for part in parts]

        def decide(rows: Tensor) -> Prediction:
            nothing = rows.new_full((len(rows),), CLOSED)
            found = [nothing if kind is None else self.sharpness * cosines(rows, kind).amax(1) for kind in kinds]
            return Prediction(torch.stack(found, 1))

        return decide
