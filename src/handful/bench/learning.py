"""Meta-training inside a bench: on a fold's train sites or other sets, the best weights chosen on validation tasks."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property
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
from ..task import Examples, Task, stacked
from .entries import Entry, Frame
from .posing import images_with_labels, numbered_masks, picked
from .sources import Source, class_names
from .starts import begun

Ready = tuple[Learner, dict[str, Any]]  # a trained learner and its record


@dataclass(frozen=True)
class School:
    """What is trained on, and how its tasks are drawn.

    sources   the train sites of a fold, or other data sets; a task is of one of them
    classes   each region is one class of images, `ways` of which make a task
    hidden    each task has its own anonymous order of classes, as in the evaluation
    validate  a score of a learner on the validation tasks, more is better; None where there are none
    key       what must be the same for an interrupted training to go on, beside the learner
    """

    sources: Sequence[Source]
    classes: bool
    hidden: bool
    ways: int
    validate: Callable[[Learner], float] | None
    key: str

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The classes of all regions by name: base targets count in them, whatever order a region has its own in."""
        return class_names(region.examples.problem for source in self.sources for region in source.regions)

    def examples(self) -> Iterator[Examples]:
        """Of every region, read when they are asked for."""
        return (region.examples for source in self.sources for region in source.regions)

    def train(
        self,
        entry: Entry,
        frame: Frame,
        seed: int,
        folder: Path,
        start: Ready | None = None,
        seconds: float = math.inf,
    ) -> Ready:
        """A trained learner and its record; taken from the folder where it is finished there.

        start    the learner with whose encoder it begins, and its record
        seconds  of this call: where they aren't enough, the learner is given as it is, and the next call goes on
        """
        key = self.key_of(entry, seed, start)
        if (folder / RECORD).exists():
            learner, record = load(folder)
            if record.get("key") == key:
                return learner, record
        folder.mkdir(parents=True, exist_ok=True)
        (training, sampling), began = entry.training, time.process_time()
        learner = begun(entry, frame, seed, start and start[0])
        learner = learner.gather(self.examples())
        training, usable = replace(training, seed=seed), cache(lambda: self.usable(sampling))
        state = meta_train(
            learner,
            lambda step: self.tasks(usable(), sampling, training.tasks_per_step, seed, step),
            training,
            validate=self.validate,
            folder=folder,
            key=key,
            seconds=seconds,
        )
        told = {"key": key, "seed": seed, "steps": state.step, "best_step": state.best_step}
        told |= {"trained": self.trained(start), "validation": state.best_score}
        told |= {"seconds": state.seconds, "cpu_seconds": round(time.process_time() - began, 3)}
        if (folder / STATE).exists() and state.goes_on(training):  # its time was up
            return learner, told
        save(learner, entry.name, folder, **told)
        (folder / STATE).unlink(missing_ok=True)
        return load(folder)

    def trained(self, start: Ready | None) -> list[str]:
        """The names of all that the weights have seen, those of the start included."""
        before = start[1]["trained"] if start else []
        return list(dict.fromkeys([*before, *(region.name for source in self.sources for region in source.regions)]))

    def key_of(self, entry: Entry, seed: int, start: Ready | None = None) -> str:
        left_out = ("label", "tune", "rival", "start", "listed")
        told = {name: value for name, value in asdict(entry).items() if name not in left_out}
        own = [self.key, *(name for source in self.sources for name in source.key)]
        before = start[1]["key"] if start else ""
        return hashlib.sha256(json.dumps([told, seed, own, before], sort_keys=True).encode()).hexdigest()

    def usable(self, sampling: Sampling) -> list[list[Region]]:
        """Of each source the regions from which a task can be drawn. Raises SettingsError where they are too few."""
        found = [[region for region in source.regions if self.fits(region, sampling)] for source in self.sources]
        for source, regions in zip(self.sources, found, strict=True):
            if len(regions) < (self.ways if self.classes else 1):
                what = f"'{source.data.name}'" if source.foreign else "the train part of the split"
                remedy = "take another data set" if source.foreign else "hold out fewer"
                raise SettingsError(f"{what} has too few sites to learn from: {remedy}.")
        return found

    def fits(self, region: Region, sampling: Sampling) -> bool:
        return len(region.examples) > sampling.shots[0] if self.classes else region.can_draw(1)

    def tasks(
        self, usable: Sequence[Sequence[Region]], sampling: Sampling, count: int, seed: int, step: int
    ) -> list[Task]:
        """The tasks of a step: a function of the seed and the step alone."""
        rng = np.random.default_rng([seed, step])
        if self.classes:
            return [self.of_classes(usable, sampling, rng) for _ in range(count)]
        regions, sampling = usable[0], sampling.on(self.sources[0].data.turns)
        chosen = rng.choice(len(regions), count, replace=count > len(regions))
        drawn = [compact(sampling.task(regions[index], rng)) for index in chosen]
        return [anonymous(task, self.names, rng) for task in drawn] if self.hidden else drawn

    def of_classes(self, usable: Sequence[Sequence[Region]], sampling: Sampling, rng: np.random.Generator) -> Task:
        """A task of one source, drawn by how many classes each has: images of two sets may differ in size."""
        sizes = np.array([len(regions) for regions in usable])
        place = int(rng.choice(len(usable), p=sizes / sizes.sum()))
        regions, sampling = usable[place], sampling.on(self.sources[place].data.turns)
        chosen = rng.choice(len(regions), min(sampling.ways or self.ways, len(regions)), replace=False)
        images = [images_with_labels(regions[i].examples) for i in chosen]
        fewest = min(map(len, images))
        low, high = sampling.shots
        shots = min(int(np.exp(rng.uniform(np.log(low), np.log(high + 1)))), high, fewest - 1)
        drawn = [rng.permutation(some)[: shots + sampling.queries] for some in images]
        some, base = [regions[i] for i in chosen], chosen + sizes[:place].sum()
        support, query = (
            of_rows(some, base, [rows[of] for rows in drawn]) for of in (slice(shots), slice(shots, None))
        )
        return Task(sampling.changed(support, rng), sampling.changed(query, rng))


def of_rows(regions: Sequence[Region], base: np.ndarray, rows: list[np.ndarray]) -> Examples:
    """Some images of each class, as one set; base targets are the classes' own numbers among all.

    Of kinds of things the background is class 0 of both.
    """
    parts = [picked(r.examples.inputs, torch.from_numpy(some)) for r, some in zip(regions, rows, strict=True)]
    if regions[0].examples.targets.dim() > 1:
        masks = [r.examples.targets[torch.from_numpy(some)] for r, some in zip(regions, rows, strict=True)]
        own, all_ = (
            torch.cat([numbered_masks(m, int(number) + 1) for m, number in zip(masks, of, strict=True)])
            for of in (np.arange(len(regions)), base)
        )
        return Examples(stacked(parts), own, numbered(len(regions) + 1), all_)
    targets, numbers = (
        torch.from_numpy(np.repeat(of, [len(some) for some in rows])) for of in (np.arange(len(regions)), base)
    )
    return Examples(stacked(parts), targets, numbered(len(regions)), numbers)


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


def anonymous(task: Task, names: Sequence[str], rng: np.random.Generator) -> Task:
    """The task with its classes in another order and without their names.

    Base targets keep for pretraining which of all `names` each is.
    """
    problem = task.support.problem
    if not isinstance(problem, Classes):
        return task
    order = torch.from_numpy(rng.permutation(problem.outputs))
    base, hidden = torch.tensor([names.index(name) for name in problem.names]), numbered(problem.outputs)
    support, query = (
        Examples(of.inputs, renumbered(of.targets, order), hidden, renumbered(of.targets, base))
        for of in (task.support, task.query)
    )
    return replace(task, support=support, query=query)


def renumbered(targets: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    """Targets of class i as numbers[i]; the unlabelled stay."""
    table = torch.cat([numbers, torch.tensor([UNLABELLED])])
    return table[torch.where(targets == UNLABELLED, len(numbers), targets)]
