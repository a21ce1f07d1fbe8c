"""ProtoNet: a class is the mean of its examples in feature space."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Literal

import torch.nn.functional as F
from torch import Tensor, nn, ones

from ..learner import Learner, RowAnswer, settings
from ..problem import Classes, Prediction, Problem
from ..solvers import class_means


class Temperature(nn.Module):
    """A learned factor of the scores: cosines need one, squared distances begin at 1."""

    def __init__(self, start: float):
        super().__init__()
        self.factor = nn.Parameter(start * ones(()))


@settings
class ProtoNet(Learner):
    """Snell, Swersky & Zemel 2017, arXiv:1703.05175, eq. 1 and 2. Classes only.

    distance  'euclidean': minus the squared distance, as the paper's; 'cosine': as Vinyals et al. 2016 have it,
              times a learned factor that the paper doesn't have (Gidaris & Komodakis 2018, arXiv:1804.09458)
    """

    distance: Literal["euclidean", "cosine"] = "euclidean"
    problems: ClassVar[tuple[type[Problem], ...]] = (Classes,)

    def head(self, encoder: nn.Module) -> nn.Module:
        return Temperature(10.0) if self.distance == "cosine" else nn.Identity()

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        prototypes = class_means(features, targets, problem.outputs)  # eq. 1
        if self.distance == "cosine":
            factor: Tensor = self.net.head.factor  # type: ignore[assignment]
            return lambda rows: Prediction(factor * F.normalize(rows) @ F.normalize(prototypes).T)
        # eq. 2 before the softmax; |row|^2 is the same for every class, so its linear form (eq. 8) is enough
        shift = prototypes.square().sum(1)
        return lambda rows: Prediction(2 * rows @ prototypes.T - shift)


protonet_cosine = partial(ProtoNet, distance="cosine")
