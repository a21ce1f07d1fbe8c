"""The tables of a bench, tidy and sorted: the same bytes whatever the workers, kills and resumptions."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..files import write_text
from .costs import cost_rows, tuning_rows
from .drawing import BACKGROUND
from .run import part, scores
from .scores import CLASS_SCORES, MASK_SCORES, QUANTITY_SCORES
from .tasks import TaskList
from .work import Job, Setup

WHO = ("learner", "split", "seed")
TASK = ("unit", "task", "shots", "draw")


def write_tables(folder: Path, setup: Setup, tasks: TaskList) -> pd.DataFrame:
    """`scores.csv`, `classes.csv`, `calibration.csv`, `paths.csv` and `cost.csv`; the scores as a frame."""
    names = of_classes(setup) if setup.frame.classes else (*QUANTITY_SCORES, "target_mean", "target_spread", "missed")
    parts = [(job, part(folder, job)) for job in scores(setup, tasks)]
    rows = [(job, row) for job, found in parts for row in found["rows"]]
    write_csv(folder / "scores.csv", [*WHO, *TASK, "count", *names], score_rows(setup, tasks, rows, names))
    stepwise = names if setup.frame.classes else names[: len(CLASS_SCORES)]
    write_csv(folder / "paths.csv", [*WHO, *TASK, "step", *stepwise], path_rows(setup, tasks, rows))
    if setup.frame.classes:
        header = ["learner", "shots", "class", "count", "recall", "precision"]
        write_csv(folder / "classes.csv", header, class_rows(setup, tasks, rows))
        header = ["learner", "shots", "bin", "count", "confidence", "right"]
        write_csv(folder / "calibration.csv", header, bin_rows(setup, tasks, rows))
    header = [
        "shots",
        "tasks",
        "adapt_seconds",
        "predict_seconds",
        "peak_mb",
        "training_seconds",
        "training_cpu_seconds",
    ]
    write_csv(
        folder / "cost.csv", [*WHO, *header, "trials", "tuning_cpu_seconds"], cost_rows(folder, setup, tasks, parts)
    )
    write_csv(
        folder / "tuning.csv",
        ["learner", "split", "trial", "score", "chosen", "settings"],
        tuning_rows(folder, setup, tasks),
    )
    texts = {name: str for name in ("learner", "split", "unit", "task")}
    return pd.read_csv(folder / "scores.csv", dtype=texts, keep_default_na=False, na_values={n: [""] for n in names})


def of_classes(setup: Setup) -> tuple[str, ...]:
    """The scores of classes; beside them those of masks, where a label is one."""
    return (*CLASS_SCORES, *MASK_SCORES) if setup.frame.whole else CLASS_SCORES


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    lines = [",".join(header), *(",".join(map(cell, row)) for row in rows)]
    write_text(path, "\n".join(lines) + "\n")


def cell(value: Any) -> str:
    """As CSV has it: ten digits of a number, nothing where there is none, quotes where a text needs them."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, float):
        return f"{value:.10g}"
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n\r') else text


def who(setup: Setup, tasks: TaskList, job: Job) -> list[Any]:
    return [setup.entries[job.entry].label, tasks.folds[job.fold].name, job.seed]


def task_cells(tasks: TaskList, index: int) -> list[Any]:
    task = tasks.tasks[index]
    return [task.unit, task.name, task.shots, task.draw]


def score_rows(setup: Setup, tasks: TaskList, rows: Any, names: Sequence[str]) -> Iterator[list[Any]]:
    for job, row in rows:
        sums = row.get("sums") or {}
        told = row["scores"] | {"target_mean": sums.get("mean"), "target_spread": sums.get("spread")}
        told["missed"] = sums.get("missed")
        yield [*who(setup, tasks, job), *task_cells(tasks, row["task"]), row["count"], *(told.get(n) for n in names)]


def path_rows(setup: Setup, tasks: TaskList, rows: Any) -> Iterator[list[Any]]:
    names = of_classes(setup) if setup.frame.classes else QUANTITY_SCORES
    for job, row in rows:
        for step, found in enumerate(row.get("path", [])):
            yield [*who(setup, tasks, job), *task_cells(tasks, row["task"]), step, *(found.get(n) for n in names)]


def class_rows(setup: Setup, tasks: TaskList, rows: Any) -> Iterator[list[Any]]:
    """Shares found and right of each class, over all tasks that ask about it."""
    found: dict[tuple[int, int, str], np.ndarray] = defaultdict(lambda: np.zeros(3))
    for job, row in rows:
        task, table = tasks.tasks[row["task"]], np.array(row["confusion"])
        for place, name in enumerate(class_names(setup, tasks, row["task"])):
            cells = [table[place, place], table[place].sum(), table[:, place].sum()]
            found[job.entry, task.shots, name] += cells
    for (entry, shots, name), (right, labelled, said) in sorted(found.items()):
        if labelled:
            recall, precision = float(right / labelled), float(right / said) if said else None
            yield [setup.entries[entry].label, shots, name, int(labelled), recall, precision]


def class_names(setup: Setup, tasks: TaskList, index: int) -> list[str]:
    """The data's own names of a task's classes, which the learners never saw."""
    task = tasks.tasks[index]
    names = tasks.classes.get(task.name) or tasks.classes.get("") or []
    if setup.frame.whole:
        return [BACKGROUND, *task.regions]
    if len(task.regions) > 1:
        return list(task.regions)
    return [names[c] if c < len(names) else f"class {c + 1}" for c in task.classes]


def bin_rows(setup: Setup, tasks: TaskList, rows: Any) -> Iterator[list[Any]]:
    """Stated confidence against the share that was right; every task counts the same."""
    found: dict[tuple[int, int], np.ndarray] = {}
    for job, row in rows:
        bins = np.array(row["bins"])
        key = (job.entry, tasks.tasks[row["task"]].shots)
        found[key] = found.get(key, 0) + bins / max(bins[:, 0].sum(), 1)
    for (entry, shots), bins in sorted(found.items()):
        for place, (mass, sure, right) in enumerate(bins.tolist()):
            if mass:
                yield [setup.entries[entry].label, shots, place, mass, sure / mass, right / mass]
