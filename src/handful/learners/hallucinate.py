"""Hallucination: a net that learns with a learner makes further support examples for it, in feature space."""

from __future__ import annotations

from functools import cached_property, partial
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from ..encoders.imagination import Imagination
from ..errors import SettingsError
from ..learner import Learner, RowAnswer, settings
from ..problem import Classes, Problem
from ..task import Task


@settings
class Hallucinate(Learner):
    """Wang, Girshick, Hebert & Hariharan 2018, arXiv:1801.05401, section 4; and the analogies of Hariharan & Girshick
    2017, arXiv:1606.02819, section 4. Classes only.

    learner           the one that solves a table of features, on labelled and imagined rows alike
    learner_settings  its settings
    form              'noise': x and a draw of noise, the former paper's; 'analogy': x and a pair of a base class
    imagined          rows made of each labelled one
    pairs             the last ones of training that are kept for analogies

    Differs from the former: what the net makes is added to x (theirs begins at x by its weights), the encoder learns
    with it, and each example has as many copies. From the latter: the net learns by the query's loss, as the former
    has it, not by the analogies' own; pairs are rows of the training's queries, not centres of clusters; and what is
    added begins as the difference of the pair.
    """

    learner: str = "protonet"
    learner_settings: dict[str, bool | int | float | str] = Field(default_factory=dict)
    form: Literal["noise", "analogy"] = "noise"
    imagined: int = Field(default=5, ge=1, le=256)
    pairs: int = Field(default=512, ge=1, le=65536)
    problems: ClassVar[tuple[type[Problem], ...]] = (Classes,)

    @cached_property
    def inner(self) -> Learner:
        """The learner that imagined rows are for. Raises SettingsError where none can be."""
        from . import make  # the catalogue, of which this file is a part

        common = {"encoder": self.encoder, "encoder_settings": self.encoder_settings, "outputs": self.outputs}
        made = make(self.learner, **{**common, "seed": self.seed, **self.learner_settings})
        kind, plain = type(made), Learner.__dict__
        if kind.solve is plain["solve"] or kind.task_loss is not plain["task_loss"] or not made.meta_learned:
            raise SettingsError(
                f"'{self.learner}' can't have rows imagined for it: give a learner that solves a table of features and "
                "learns by the query's loss, such as protonet, ridge or matching."
            )
        return made

    @property
    def limited(self) -> bool:
        return self.inner.limited

    def head(self, encoder: nn.Module) -> nn.Module:
        pairs = self.pairs if self.form == "analogy" else 0
        return Imagination(self.inner.head(encoder), int(encoder.width), pairs)  # type: ignore[arg-type]

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        head: Imagination = self.net.head  # type: ignore[assignment]
        draw = None if self.net.training else torch.Generator().manual_seed(self.seed)
        more = head(features.repeat(self.imagined, 1), draw)
        net = self.inner.net
        net.encoder, net.head, net.training = self.net.encoder, head.learner, self.net.training
        return self.inner.solve(torch.cat([features, more]), targets.repeat(1 + self.imagined), problem)

    def task_loss(self, task: Task) -> Tensor:
        loss = super().task_loss(task)
        if self.net.training and self.form == "analogy":
            self.net.eval()  # pairs as a task will see them later, past the statistics of a batch
            with torch.no_grad():
                self.net.head.note(*self.labelled_rows(task.query))  # type: ignore[operator]
            self.net.train()
        return loss


hallucinate_analogy = partial(Hallucinate, form="analogy")
