"""Training by a recipe: from a folder of regions to a checkpoint."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..checkpoint import RECORD, WEIGHTS, save
from ..data import DataSet, find_data
from ..errors import CheckpointError, DataError, SettingsError
from ..learner import Learner
from ..meta_train import LOG, STATE, State, meta_train, read_state
from ..problem import Classes, Problem, Quantity
from ..region import Region
from .evaluate import check_bands, score_region
from .recipe import Recipe

CURVE = "curve.png"
OURS = (WEIGHTS, STATE, LOG, CURVE)  # and RECORD, which comes last
VALIDATION_SEED = 1000  # of draws and tasks that no evaluation uses
VALIDATION_DRAWS = 2
VALIDATION_TASKS = 2  # a region, where the score is the loss


@dataclass(frozen=True)
class Job:
    """A recipe with the regions that it finds under a root."""

    recipe: Recipe
    data: DataSet
    regions: list[Region]
    held_out: list[Region]
    outputs: int
    few: list[str]  # left out: one class, or a class with one label

    @classmethod
    def read(cls, recipe: Recipe, root: str | Path) -> Job:
        """Raises DataError where no region has labels enough, SettingsError where a group is unknown."""
        data = find_data(recipe.data.name)
        if data.site_is != "place":
            raise SettingsError(
                f"each site of '{data.name}' is one {data.site_is} of images: train on it in a `handful bench`."
            )
        data = data.at(root)
        check_bands(recipe.make(), data)
        groups = data.groups(root)
        train, held = recipe.data.split(groups, recipe.training.seed)
        regions, held_out = (data.regions(root, names, groups) for names in (train, held))
        usable, held_usable = ([region for region in part if region.can_draw(1)] for part in (regions, held_out))
        if not usable:
            raise DataError(f"no region under {root} has two labels of each class: there is nothing to train on.")
        outputs = max(region.examples.problem.outputs for region in [*usable, *held_usable])
        few = [region.name for region in [*regions, *held_out] if not region.can_draw(1)]
        return cls(recipe, data, usable, held_usable, outputs, sorted(few))

    def make(self) -> Learner:
        """The untrained learner, with an output for each class of the region that has the most."""
        return replace(self.recipe, settings={"outputs": self.outputs, **self.recipe.settings}).make()

    @property
    def key(self) -> str:
        """What must be the same for an interrupted training to go on: recipe, regions and their labels."""
        told = [[r.name, list(r.examples.targets.shape), r.examples.counts().tolist()] for r in self.regions]
        held = [r.name for r in self.held_out]
        return hashlib.sha256(json.dumps([self.recipe.plain(), told, held]).encode()).hexdigest()

    def score(self, learner: Learner) -> float:
        """How well the learner does on the regions held out; more is better.

        Balanced accuracy at the fewest, a middling and the most shots. Where adapting moves the encoder, or the
        targets are quantities, which both take long or have no such score: minus the loss of a few tasks.
        """
        if learner.moves_encoder or isinstance(self.data.problem, Quantity):
            return self.minus_loss(learner)
        low, high = self.recipe.sampling.shots
        shots = sorted({low, round((low * high) ** 0.5), high})
        draws = range(VALIDATION_SEED, VALIDATION_SEED + VALIDATION_DRAWS)
        rows = [row for region in self.held_out for row in score_region(learner, region, shots, draws)]
        if not rows:
            raise SettingsError("no validation region has labels enough: give other groups under [data] validation.")
        return float(np.mean([np.mean([r.balanced_accuracy for r in rows if r.shots == k]) for k in shots_of(rows)]))

    @torch.no_grad()
    def minus_loss(self, learner: Learner) -> float:
        sampling = self.recipe.sampling.plain()
        rng = np.random.default_rng(VALIDATION_SEED)
        tasks = [sampling.task(region, rng) for region in self.held_out for _ in range(VALIDATION_TASKS)]
        return -float(np.mean([float(learner.task_loss(task)) for task in tasks]))

    def train(
        self,
        folder: Path,
        *,
        anew: bool = False,
        progress: Callable[[int, int, float], None] | None = None,
        note: Callable[[str], object] = warnings.warn,
    ) -> State:
        """Train, or go on where an interrupted run was, and keep the checkpoint.

        anew  forget an interrupted run of another recipe
        note  is told where the memory may not be enough
        Raises CheckpointError where the folder holds such a run, or a damaged one.
        """
        recipe, learner = self.recipe, self.make().gather(region.examples for region in self.regions)
        sampling = recipe.sampling.on(self.data.turns)
        torch.set_num_threads(1)  # sums of floats depend on how threads share them
        if anew:
            forget(folder / STATE, self.key)
        state = meta_train(
            learner,
            lambda step: sampling.tasks(self.regions, recipe.training.tasks_per_step, recipe.training.seed, step),
            recipe.training,
            validate=self.score if self.held_out else None,
            folder=folder,
            key=self.key,
            progress=progress,
            note=note,
        )
        save(learner, recipe.learner, folder, **self.record(state))
        (folder / STATE).unlink(missing_ok=True)
        return state

    def record(self, state: State) -> dict[str, Any]:
        """What a checkpoint tells about its making."""
        return {
            "problem": told_of(self.data.problem),
            "bands": list(self.data.bands),
            "radiometry": self.data.radiometry,
            "trained": [*self.recipe.seen(), *(region.name for region in self.regions)],
            "validated": [region.name for region in self.held_out],
            "recipe": self.recipe.plain(),
            "seed": self.recipe.training.seed,
            "steps": state.step,
            "best_step": state.best_step,
            "validation": state.best_score,
            "seconds": state.seconds,
        }


def told_of(problem: Problem | None) -> dict[str, Any]:
    """The problem in plain words; no classes where each region has its own."""
    if isinstance(problem, Quantity):
        return {"quantity": problem.name, "unit": problem.unit}
    return {"classes": list(problem.names) if isinstance(problem, Classes) else None}


def shots_of(rows: list[Any]) -> list[int]:
    return sorted({row.shots for row in rows})


def forget(path: Path, key: str) -> None:
    """Remove the state of a training that isn't this one, or that cannot be read."""
    if not path.exists():
        return
    try:
        same = read_state(path)["key"] == key
    except CheckpointError:
        same = False
    if not same:
        path.unlink()


__all__ = ["CURVE", "OURS", "RECORD", "Job"]
