"""The pool: labelled rows of the regions learned from, to which a task adds its own; an estimator is fitted to them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from ..errors import SettingsError, TaskError
from ..learner import Learner, Predictor, RowAnswer, settings
from ..problem import Problem
from ..task import Examples
from .classical import Classical, Kind

FITTED: dict[bytes, RowAnswer] = {}  # the last one of this process, by what it was fitted on


class Pool(nn.Module):
    """Rows kept of the regions: features (rows, width) and targets (rows,), class indices as floats too."""

    features: Tensor
    targets: Tensor

    def __init__(self, rows: int, width: int):
        super().__init__()
        self.register_buffer("features", torch.zeros(rows, width))
        self.register_buffer("targets", torch.zeros(rows))


@settings
class Pooled(Learner):
    """An estimator of scikit-learn on the regions' rows and the support's, where answers mean the same everywhere.

    What is kept across tasks is a table of rows; nothing else is learned, and the estimator is fitted anew for each
    task, about half a second for 2,000 rows and 100 trees. Without a pool it is fitted on the support alone.

    estimator, trees, strength, standard  as of the estimators without a pool
    weight  how often a row of the support counts beside a row of the pool; 0 leaves the support out, so that one fit
            serves all tasks
    most    rows kept of all regions, drawn with the seed: what bounds memory and seconds
    kept    rows and features of the pool, and
    means   what its targets mean: names of classes, or quantity and unit. `gather` sets both
    """

    encoder: str = "context"
    estimator: Kind = "extra_trees"
    trees: int = Field(default=100, ge=1)
    strength: float = Field(default=1.0, gt=0)
    standard: bool = True
    weight: int = Field(default=10, ge=0)
    most: int = Field(default=2000, ge=1)
    kept: tuple[int, int] = (0, 0)
    means: tuple[str, ...] = ()
    meta_learned: ClassVar[bool] = False
    keeps_rows: ClassVar[bool] = True

    def head(self, encoder: nn.Module) -> nn.Module:
        return Pool(*self.kept)

    @torch.no_grad()
    def gather(self, sets: Iterable[Examples]) -> Self:
        """The learner with a pool in which every labelled row of the sets is as likely.

        Raises SettingsError where nothing is labelled, or where the sets' answers don't mean the same.
        """
        draw, means = torch.Generator().manual_seed(self.seed), set()
        lots, features, targets = torch.zeros(0), torch.zeros(0, 0), torch.zeros(0)
        for examples in sets:
            means.add(examples.problem.means)
            table, answers = self.labelled_rows(examples)
            lots = torch.cat([lots, torch.rand(len(table), generator=draw)])
            first = lots.argsort(stable=True)[: self.most]
            features, targets = torch.cat([features.view(-1, table.shape[1]), table]), torch.cat([targets, answers])
            lots, features, targets = lots[first], features[first], targets[first]
        if len(means) != 1 or not len(lots):
            raise SettingsError("a pool takes labelled rows of regions whose answers mean the same: there are none.")
        found = replace(self, kept=(len(features), features.shape[1]), means=means.pop())
        found.net.head.load_state_dict({"features": features, "targets": targets})
        return found

    def adapt(self, support: Examples) -> Predictor:
        self.check(support)
        return super().adapt(self.with_pool(self.multiplied(support)))

    def with_pool(self, support: Examples) -> Examples:
        """Rows of the pool that the task has a name for, and the support's. Raises TaskError where there are none."""
        features, targets = self.labelled_rows(support)
        if not self.kept[0]:
            return replace(support, inputs={"features": features}, targets=targets)
        pool: Pool = self.net.head  # type: ignore[assignment]
        answers = support.problem.translated(pool.targets, self.means).to(targets)
        known = support.problem.labelled(answers)
        if self.kept[1] != features.shape[1] or not bool(known.any()):
            raise TaskError(
                f"the pool has {self.kept[1]} features of {', '.join(self.means)}, the task {features.shape[1]} of "
                f"{', '.join(support.problem.means)}: use a pool of the same bands and answers."
            )
        table = torch.cat([pool.features[known].to(features), *[features] * self.weight])
        return Examples({"features": table}, torch.cat([answers[known], *[targets] * self.weight]), support.problem)

    def solve(self, features: Tensor, targets: Tensor, problem: Problem) -> RowAnswer:
        made = Classical(
            encoder="plain", estimator=self.estimator, trees=self.trees, strength=self.strength,
            standard=self.standard, seed=self.seed,
        )  # fmt: skip
        told = [repr((made, problem)).encode(), *(t.detach().cpu().numpy().tobytes() for t in (features, targets))]
        key = hashlib.sha256(b"".join(told)).digest()
        if key not in FITTED:
            FITTED.clear()
            FITTED[key] = made.solve(features, targets, problem)
        return FITTED[key]
