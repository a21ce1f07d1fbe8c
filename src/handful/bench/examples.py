"""A few tasks with what each learner said about them, for the page: pictures, not evidence."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch

from ..problem import UNLABELLED
from ..task import Examples
from .copies import images_of
from .drawing import BACKGROUND
from .judge import said_of
from .posing import joined, own_targets, query_rows
from .tasks import Drawn, TaskList
from .work import Setup, Work, chosen

QUERIES = 8  # images of a task that are shown
SHOWN = 8  # learners


@dataclass
class Example:
    """One task as the page shows it, in the data's own classes.

    images   (n, bands, height, width): those of the query, or the one map
    truth    of each image (n,), or a map (height, width) with -1 where nothing is asked
    said     the same by each learner
    support  of a map: rows and columns of the labels, and their classes
    """

    title: str
    names: list[str]
    images: np.ndarray
    truth: np.ndarray
    said: dict[str, np.ndarray] = field(default_factory=dict)
    support: list[tuple[int, int, int]] = field(default_factory=list)

    @property
    def is_map(self) -> bool:
        return self.truth.ndim == 2


def examples(setup: Setup, tasks: TaskList) -> list[Example]:
    """Tasks spread over the list, at a middling number of shots; none of tables or quantities."""
    if not setup.frame.classes or setup.frame.form == "rows":
        return []
    shots = sorted({task.shots for task in tasks.tasks})
    several = [task for task in tasks.tasks if task.shots == shots[len(shots) // 2] and task.draw == 0]
    count = min(setup.protocol.report.examples, len(several))
    picked = [several[i] for i in np.linspace(0, len(several) - 1, count + 2).round().astype(int)[1:-1]]
    work = Work(setup)
    return [shown(work, tasks, task) for task in picked]


def shown(work: Work, tasks: TaskList, task: Drawn) -> Example:
    whole = joined([work.regions(site) for site in task.regions])
    if work.setup.frame.whole:
        return first_image(work, whole, task)
    flat = own_targets(whole, task)
    query = query_rows(flat, task).numpy()
    classes = np.array(task.classes)
    named = tasks.classes.get(task.name) or tasks.classes.get("") or list(task.regions)
    truth = classes[flat[query].numpy()]
    images = images_of(whole.inputs).numpy()
    title = f"{task.name}, {task.shots} {'label' if task.shots == 1 else 'labels'} a class"
    if whole.targets.dim() == 1:
        some = query[evenly(len(query))]
        found = Example(title, named, images[some], truth[evenly(len(query))])
    else:
        found = Example(title, named, images[:1], spread(truth, query, whole.targets.shape))
        found.support = places(task, flat, classes, whole.targets.shape)
    listed = [index for index, entry in enumerate(work.setup.entries) if entry.listed]
    for entry in listed[:SHOWN]:
        said = said_by(work, entry, task)
        label = work.setup.entries[entry].label
        found.said[label] = said[evenly(len(query))] if not found.is_map else spread(said, query, whole.targets.shape)
    return found


def first_image(work: Work, whole: Examples, task: Drawn) -> Example:
    """The first image of the query with its mask, and what each learner says of it."""
    assert task.query is not None
    only = replace(task, query=task.query[:1])
    truth = own_targets(whole, only).view_as(whole.targets)[task.query[0]].numpy()
    known = np.flatnonzero(truth.ravel() != UNLABELLED)
    images = images_of(whole.inputs).numpy()[[task.query[0]]]
    title = f"{task.name}, {task.shots} {'image' if task.shots == 1 else 'images'} a kind"
    truth = spread(truth.ravel()[known], known, torch.Size((1, *truth.shape)))
    found = Example(title, [BACKGROUND, *task.regions], images, truth)
    listed = [index for index, entry in enumerate(work.setup.entries) if entry.listed]
    for entry in listed[:SHOWN]:
        said = spread(said_by(work, entry, only), known, torch.Size((1, *truth.shape)))
        found.said[work.setup.entries[entry].label] = said
    return found


def said_by(work: Work, entry: int, task: Drawn) -> np.ndarray:
    learner, _ = work.ready(chosen(work.setup, entry, task.fold), task.fold, 0)
    return said_of(learner, work.encoded(learner, task), task, work.hidden)


def evenly(count: int) -> np.ndarray:
    return np.linspace(0, count - 1, min(QUERIES, count)).round().astype(int)


def spread(values: np.ndarray, rows: np.ndarray, shape: torch.Size) -> np.ndarray:
    """Values at some rows of the first map (height, width), -1 elsewhere."""
    every = np.full(int(np.prod(shape)), -1)
    every[rows] = values
    return every.reshape(tuple(shape))[0]


def places(task: Drawn, flat: torch.Tensor, classes: np.ndarray, shape: torch.Size) -> list[tuple[int, int, int]]:
    """Row, column and class of each support pixel of the first map."""
    found = []
    for row in task.support:
        image, place = divmod(row, shape[1] * shape[2])
        if image == 0:
            found.append((*divmod(place, shape[2]), int(classes[int(flat[row])])))
    return found
