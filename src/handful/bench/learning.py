"""Meta-training inside a bench: on a fold's train sites, the best weights chosen on its validation tasks."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..checkpoint import RECORD, load, save
from ..data.sampling import Sampling
from ..errors import SettingsError
from ..learner import Learner
from ..meta_train import STATE, meta_train
from ..problem import UNLABELLED, Classes
from ..region import Region
from ..task import Examples, Task
from .entries import Entry, Frame
from .posing import joined, picked


@dataclass(frozen=True)
class School:
    """The train sites of a fold and how its tasks are drawn.

    classes   each region is one class of images, `ways` of which make a task
    hidden    each task has its own anonymous order of classes, as in the evaluation
    validate  a score of a learner on the validation tasks, more is better; None where there are none
    key       what must be the same for an interrupted training to go on, beside the learner
    """

    regions: Sequence[Region]
    classes: bool
    hidden: bool
    ways: int
    validate: Callable[[Learner], float] | None
    key: str

    def train(self, entry: Entry, frame: Frame, seed: int, folder: Path) -> tuple[Learner, dict[str, Any]]:
        """A trained learner and its record; taken from the folder where it is finished there."""
        key = self.key_of(entry, seed)
        if (folder / RECORD).exists():
            learner, record = load(folder)
            if record.get("key") == key:
                return learner, record
        folder.mkdir(parents=True, exist_ok=True)
        (training, sampling), began = entry.training, time.process_time()
        learner = entry.make(frame, seed).gather(region.examples for region in self.regions)
        training, usable = replace(training, seed=seed), cache(lambda: self.usable(sampling))
        state = meta_train(
            learner,
            lambda step: self.tasks(usable(), sampling, training.tasks_per_step, seed, step),
            training,
            validate=self.validate,
            folder=folder,
            key=key,
        )
        told = {"key": key, "seed": seed, "steps": state.step, "best_step": state.best_step}
        told |= {"trained": [region.name for region in self.regions], "validation": state.best_score}
        told |= {"seconds": state.seconds, "cpu_seconds": round(time.process_time() - began, 3)}
        save(learner, entry.name, folder, **told)
        (folder / STATE).unlink(missing_ok=True)
        return load(folder)

    def key_of(self, entry: Entry, seed: int) -> str:
        told = {name: value for name, value in asdict(entry).items() if name not in ("label", "tune", "rival")}
        return hashlib.sha256(json.dumps([told, seed, self.key], sort_keys=True).encode()).hexdigest()

    def usable(self, sampling: Sampling) -> list[Region]:
        """Regions from which a task can be drawn. Raises SettingsError where there is none."""
        if self.classes:
            found = [region for region in self.regions if len(region.examples) > sampling.shots[0]]
        else:
            found = [region for region in self.regions if region.can_draw(1)]
        if len(found) < (self.ways if self.classes else 1):
            raise SettingsError("the train part of the split has too few sites to learn from: hold out fewer.")
        return found

    def tasks(self, regions: Sequence[Region], sampling: Sampling, count: int, seed: int, step: int) -> list[Task]:
        """The tasks of a step: a function of the seed and the step alone."""
        rng = np.random.default_rng([seed, step])
        if self.classes:
            return [self.of_classes(regions, sampling, rng) for _ in range(count)]
        chosen = rng.choice(len(regions), count, replace=count > len(regions))
        drawn = [compact(sampling.task(regions[index], rng)) for index in chosen]
        return [anonymous(task, rng) for task in drawn] if self.hidden else drawn

    def of_classes(self, regions: Sequence[Region], sampling: Sampling, rng: np.random.Generator) -> Task:
        chosen = rng.choice(len(regions), self.ways, replace=False)
        fewest = min(len(regions[i].examples) for i in chosen)
        low, high = sampling.shots
        shots = min(int(np.exp(rng.uniform(np.log(low), np.log(high + 1)))), high, fewest - 1)
        drawn = [rng.permutation(len(regions[i].examples))[: shots + sampling.queries] for i in chosen]
        support = of_rows(regions, chosen, [rows[:shots] for rows in drawn])
        return Task(support, of_rows(regions, chosen, [rows[shots:] for rows in drawn]))


def of_rows(regions: Sequence[Region], chosen: np.ndarray, rows: list[np.ndarray]) -> Examples:
    """Some images of each chosen class, as one set; base targets are the classes' own numbers among all."""
    parts = [
        replace(
            r, examples=replace(r.examples, inputs=picked(r.examples.inputs, some), targets=r.examples.targets[some])
        )
        for r, some in zip([regions[i] for i in chosen], map(torch.from_numpy, rows))
    ]
    examples = joined(parts)
    base = torch.from_numpy(np.repeat(chosen, [len(some) for some in rows]))
    return replace(examples, problem=numbered(len(chosen)), base_targets=base)


def numbered(ways: int) -> Classes:
    return Classes(tuple(f"class {i + 1}" for i in range(ways)))


def compact(task: Task) -> Task:
    """The task without the examples that neither set asks about; maps as they are."""
    if task.support.targets.dim() > 1:
        return task
    return replace(task, support=labelled(task.support), query=labelled(task.query))


def labelled(examples: Examples) -> Examples:
    some = examples.problem.labelled(examples.targets)
    return replace(examples, inputs=picked(examples.inputs, some), targets=examples.targets[some])


def anonymous(task: Task, rng: np.random.Generator) -> Task:
    """The task with its classes in another order and without their names; base targets keep them for pretraining."""
    problem = task.support.problem
    if not isinstance(problem, Classes):
        return task
    order = torch.from_numpy(rng.permutation(problem.outputs))
    names = numbered(problem.outputs)
    return replace(task, support=reordered(task.support, order, names), query=reordered(task.query, order, names))


def reordered(examples: Examples, order: torch.Tensor, names: Classes) -> Examples:
    table = torch.cat([order, torch.tensor([UNLABELLED])])
    moved = table[torch.where(examples.targets == UNLABELLED, len(order), examples.targets)]
    return Examples(examples.inputs, moved, names, examples.targets)
