"""SimpleShot: nearest class means on features of one pooled classifier, centred and brought to length 1."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from torch import Tensor, nn

from ..learner import RowAnswer, settings
from ..problem import Classes, Prediction, Problem
from ..solvers import class_means, squared_distances
from ..solvers.classifier import BaseClassifier, Form
from .pretrained import Pretrained


@settings
class SimpleShot(Pretrained):
    """Wang, Chao, Weinberger & van der Maaten 2019, arXiv:1911.04623. Classes only.

    form  of the features: 'un' as they are, 'l2n' of length 1, 'cl2n' of length 1 once centred by the mean of the
          base features

    Differs: the base mean is a running one over the last steps of training instead of one over all base images after
    it; on the encoder of another learner, and not trained itself, it is that of all base rows (`settle`). It lies in
    the net and is saved with it. Scores are minus squared distances.
    """

    form: Form = "cl2n"
    problems: ClassVar[tuple[type[Problem], ...]] = (Classes,)

    def head(self, encoder: nn.Module) -> nn.Module:
        return BaseClassifier(int(encoder.width), self.outputs)  # type: ignore[arg-type]

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        transformed = partial(self.net.head.transformed, form=self.form)  # type: ignore[arg-type, operator, misc]
        means = class_means(transformed(features), targets, problem.outputs)
        return lambda rows: Prediction(-squared_distances(transformed(rows), means))
