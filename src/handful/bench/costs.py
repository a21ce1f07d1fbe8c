"""What a bench cost: seconds to train, tune, adapt and predict, and memory. Never the same twice, so kept apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .run import part, trainings, trials
from .tasks import TaskList
from .work import Job, Setup, best_of

COST = (
    "learner", "split", "seed", "shots", "tasks", "adapt_seconds", "predict_seconds", "peak_mb", "training_seconds",
    "training_cpu_seconds", "trials", "tuning_cpu_seconds",
)  # fmt: skip
TUNING = ("learner", "split", "trial", "score", "chosen", "settings")


def cost_rows(folder: Path, setup: Setup, tasks: TaskList, parts: Any) -> Iterator[list[Any]]:
    """A row a learner, split, seed and number of shots: means a task, and what its training and tuning took.

    A learner that isn't listed has one row a split and seed, of no shots and no tasks.
    """
    tuned = tuning_seconds(folder, setup, tasks)
    groups: dict[tuple[int, int, int], list[Any]] = defaultdict(list)
    for job, found in parts:
        groups[job.entry, job.fold, job.seed].append(found)
    for (entry, fold, seed), several in sorted(groups.items()):
        training, peak = several[0]["training"], max(found["peak_mb"] for found in several)
        tries = setup.protocol.tune.trials if setup.entries[entry].tune else 0
        told = [peak, training.get("seconds"), training.get("cpu_seconds"), tries, tuned.get((entry, fold))]
        for shots, times in sorted(times_of(tasks, several).items()):
            means = [float(f"{value:.3g}") for value in np.mean(times, 0)]
            yield [setup.entries[entry].label, tasks.folds[fold].name, seed, shots, len(times), *means, *told]
    yield from unlisted_rows(folder, setup, tasks, tuned)


def unlisted_rows(folder: Path, setup: Setup, tasks: TaskList, tuned: Mapping[tuple[int, int], float]) -> Iterator[Any]:
    for job in trainings(setup, tasks):
        entry = setup.entries[job.entry]
        if not entry.listed:
            found, tries = part(folder, job), setup.protocol.tune.trials if entry.tune else 0
            took = [found["peak_mb"], found["record"]["seconds"], found["record"]["cpu_seconds"], tries]
            who = [entry.label, tasks.folds[job.fold].name, job.seed]
            yield [*who, 0, 0, None, None, *took, tuned.get((job.entry, job.fold))]


def times_of(tasks: TaskList, several: list[Any]) -> dict[int, list[tuple[float, float]]]:
    """Seconds to adapt and to predict of each task, by number of shots."""
    found: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for row in (row for chunk in several for row in chunk["rows"]):
        found[tasks.tasks[row["task"]].shots].append((row["adapt_seconds"], row["predict_seconds"]))
    return found


def tuning_seconds(folder: Path, setup: Setup, tasks: TaskList) -> dict[tuple[int, int], float]:
    found: dict[tuple[int, int], float] = defaultdict(float)
    for job in tuned_jobs(setup, tasks):
        found[job.entry, job.fold] += part(folder, job)["cpu_seconds"]
    return found


def tuned_jobs(setup: Setup, tasks: TaskList) -> list[Job]:
    return list(trials(setup, tasks))


def tuning_rows(folder: Path, setup: Setup, tasks: TaskList) -> Iterator[list[Any]]:
    """Every combination that was tried, and which was chosen."""
    groups: dict[tuple[int, int], list[Any]] = defaultdict(list)
    for job in tuned_jobs(setup, tasks):
        groups[job.entry, job.fold].append((job, part(folder, job)))
    for (entry, fold), several in groups.items():
        best = best_of([found for _, found in several])
        for place, (job, found) in enumerate(several):
            said = ", ".join(f"{key} = {value}" for key, value in found["tried"].items())
            yield [
                setup.entries[entry].label,
                tasks.folds[fold].name,
                job.index,
                found["score"],
                int(place == best),
                said,
            ]
