"""What learners share that keep labelled rows of the regions learned from, and add those of a task to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from ..errors import SettingsError, TaskError
from ..learner import Answer, Learner, Predictor, settings
from ..problem import Prediction, Problem
from ..solvers.align import Across
from ..task import Examples


class Pool(nn.Module):
    """Rows kept of the regions: features (rows, width) and targets (rows,), class indices as floats too."""

    features: Tensor
    targets: Tensor

    def __init__(self, rows: int, width: int):
        super().__init__()
        self.register_buffer("features", torch.zeros(rows, width))
        self.register_buffer("targets", torch.zeros(rows))


@settings
class KeepsRows(Learner):
    """A table of rows is kept across tasks, where answers mean the same everywhere; nothing else is learned.

    Without a pool a task has its own rows alone. One that sees the query writes `across`, and is marked transductive.

    weight  how often a row of the support counts beside a row of the pool; 0 leaves the support out
    most    rows kept of all regions, drawn with the seed: what bounds memory and seconds
    kept    rows and features of the pool, and
    means   what its targets mean: names of classes, or quantity and unit. `gather` sets both
    """

    encoder: str = "context"
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
        """Rows of the pool that the task has a name for, and the support's; `pooled` tells the one from the other.

        Raises TaskError where there are none.
        """
        features, targets = self.labelled_rows(support)
        if not self.kept[0]:
            own = torch.zeros(len(targets), dtype=torch.bool)
            return replace(support, inputs={"features": features, "pooled": own}, targets=targets)
        pool: Pool = self.net.head  # type: ignore[assignment]
        answers = support.problem.translated(pool.targets, self.means).to(targets)
        known = support.problem.labelled(answers)
        if self.kept[1] != features.shape[1] or not bool(known.any()):
            raise TaskError(
                f"the pool has {self.kept[1]} features of {', '.join(self.means)}, the task {features.shape[1]} of "
                f"{', '.join(support.problem.means)}: use a pool of the same bands and answers."
            )
        table = torch.cat([pool.features[known].to(features), *[features] * self.weight])
        pooled = torch.arange(len(table)) < int(known.sum())
        answers = torch.cat([answers[known], *[targets] * self.weight])
        return Examples({"features": table, "pooled": pooled}, answers, support.problem)

    def fit(self, support: Examples) -> Answer:
        if not self.transductive:
            return super().fit(support)
        known, targets = self.labelled_rows(support)
        pooled: Tensor = support.inputs["pooled"]  # type: ignore[index, call-overload]
        places = partial(Across, known.detach(), targets, pooled)
        return self.on_rows(lambda rows: self.across(places(rows.detach()), support.problem))

    def across(self, places: Across, problem: Problem) -> Prediction:
        """What the query is answered, once it was seen."""
        raise NotImplementedError(f"{type(self).__name__} sees the query and writes no `across`")
