"""Baseline and Baseline++: features of one pooled classifier, and a new classifier on them for each task."""

from __future__ import annotations

from functools import partial
from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from ..learner import RowAnswer, settings
from ..problem import Prediction, Problem
from ..process import seeded
from ..solvers.classifier import CosineClassifier, train_on_rows
from .pretrained import Pretrained


@settings
class Baseline(Pretrained):
    """Chen, Liu, Kira, Wang & Huang 2019, arXiv:1904.04232, section 3.

    classifier  'linear': Baseline; 'cosine': Baseline++, a cosine to a vector a class in both stages
    passes      over the support set
    step_size   of gradient descent with momentum; the paper's, for hundreds of features: narrow ones need more
    batch       rows a step, drawn with the seed

    Differs: the linear classifier of a task starts at 0 instead of at random, so that the order of classes means
    nothing; the cosine one starts at random and has no learned norm a class, which the authors' code has. Their base
    stage augments images and uses Adam alone; here it is the outer loop's.
    """

    classifier: Literal["linear", "cosine"] = "linear"
    passes: int = Field(default=100, ge=0)
    step_size: float = Field(default=0.01, gt=0)
    batch: int = Field(default=4, ge=1)

    def head(self, encoder: nn.Module) -> nn.Module:
        return self.new_classifier(int(encoder.width), self.outputs)  # type: ignore[arg-type]

    def new_classifier(self, width: int, outputs: int) -> nn.Module:
        return CosineClassifier(width, outputs) if self.classifier == "cosine" else nn.Linear(width, outputs)

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        with seeded(self.seed):
            head = self.new_classifier(features.shape[1], problem.outputs).to(features)
        if isinstance(head, nn.Linear):
            for weight in head.parameters():
                nn.init.zeros_(weight)
        train_on_rows(
            head,
            (features.detach(), targets),
            lambda numbers, wanted: problem.loss(Prediction(numbers), wanted),
            passes=self.passes,
            batch=self.batch,
            step_size=self.step_size,
            seed=self.seed,
        )
        return lambda rows: Prediction(head(rows))


baseline_plus_plus = partial(Baseline, classifier="cosine")
