"""What the experiments on Omniglot share: trainings on a part of the characters, what is measured, and curves."""

from __future__ import annotations

import argparse
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import has, keep, rows_of
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from handful.bench.posing import joined, pose
from handful.bench.protocol import protocol_of
from handful.bench.run import Bench
from handful.bench.statistics import interval
from handful.bench.tasks import FILE, TaskList
from handful.bench.work import Work
from handful.files import write_bytes
from handful.learner import Learner
from handful.task import Examples, Inputs

CONV4: dict[str, Any] = {"encoder": "conv4", "encoder_settings": {"side": 28, "bfloat16": True}}
PLAIN = {"validate_every": 250, "weight_decay": 0}
COLOURS = ("#1b5e58", "#c2571a", "#3b6fb6", "#8a5a9e", "#a83250", "#5b8c2a")
INK = "#23211d"

Measure = Callable[[Learner, Examples, Inputs, Tensor], Mapping[str, float]]
Kept = Mapping[str, str]  # what was measured, its mean over tasks in %, and the interval `from` and `to`
Points = Sequence[tuple[float, Kept]]  # a place on the axis, and what was measured there


@dataclass(frozen=True)
class Experiment:
    """Trainings on Omniglot's 1,100 characters, or the first so many of them, tested on the other 423.

    folder    where trainings are kept
    scores    a CSV of what was measured; a training that has rows there isn't made again
    learners  tables of a protocol by label
    count     tasks of the test
    """

    folder: Path
    scores: Path
    learners: Mapping[str, Mapping[str, Any]]
    count: int

    def tables(self, label: str) -> dict[str, Any]:
        learner = {"label": label, **self.learners[label]}
        tasks = {"shots": [1], "ways": 5, "queries": 15, "count": self.count}
        data = {"name": "omniglot", "split": "1100-100-423"}
        told = {"data": data, "tasks": tasks, "learners": [learner], "report": {"score": "accuracy"}}
        return {"rivals": False, "tune": {"count": 25}, **told}  # 25 tasks to choose the best weights by

    def place(self, label: str, characters: int) -> Path:
        return self.folder / f"{label}-{characters}"

    def work(self, label: str, root: Path) -> tuple[Work, TaskList]:
        """The data, and the tasks of the test: the same for every training."""
        place = self.folder / label
        place.mkdir(parents=True, exist_ok=True)
        bench = Bench(protocol_of(self.tables(label)), root)
        tasks = bench.draw()
        tasks.write(place / FILE)
        return Work(bench.prepare(place, tasks)), tasks

    def run(self, label: str, characters: int, root: Path, seconds: float, measure: Measure) -> None:
        """Train for so many seconds, or go on; measure a training that is done, unless that is done too."""
        if self.kept(label, characters):
            return
        work, tasks = self.work(label, root)
        learner, record = trained(work, characters, self.place(label, characters), seconds)
        print(f"{label} on {characters} characters: {record['steps']} steps", flush=True)
        if record["done"]:
            found = measured(work, tasks, learner, measure)
            key = {"method": label, "characters": characters}
            keep(self.scores, key, [{"what": what, **summed_up(values)} for what, values in found.items()])

    def kept(self, label: str, characters: int) -> dict[str, Kept]:
        """What was measured, by name; nothing where the training isn't done."""
        key = {"method": label, "characters": characters}
        return {row["what"]: row for row in rows_of(self.scores) if has(row, key)}


def trained(work: Work, characters: int, place: Path, seconds: float) -> tuple[Learner, dict[str, Any]]:
    """The learner, and whether it is done. A smaller number of characters is a part of a larger one."""
    entry, whole = work.setup.entries[0], work.school(0, ())
    (source,) = whole.sources
    sites = sorted(source.sites, key=lambda name: sha256(name.encode()).digest())[:characters]
    school = replace(whole, sources=(replace(source, sites=tuple(sorted(sites))),), key=f"{whole.key}/{characters}")
    learner, record = school.train(entry, work.setup.frame_of(entry), 0, place, seconds=seconds)
    done = record["steps"] == entry.training[0].steps
    return learner, {"steps": record["steps"], "cpu_seconds": record["cpu_seconds"], "done": done}


@torch.no_grad()
def measured(work: Work, tasks: TaskList, learner: Learner, measure: Measure) -> dict[str, list[float]]:
    """What is measured of each task, in lists by name."""
    found: dict[str, list[float]] = {}
    for task in tasks.tasks:
        posed, key = pose(joined([work.regions(site) for site in task.regions]), task, True)
        for name, value in measure(learner, posed.support, posed.inputs, key.targets).items():
            found.setdefault(name, []).append(value)
    return found


def right(answers: Tensor, targets: Tensor) -> float:
    return float((answers == targets).double().mean())


def summed_up(values: Sequence[float]) -> dict[str, str]:
    """Mean in % with its interval over tasks."""
    found = interval(100 * np.array(values))
    return {
        name: "" if value is None else f"{value:.1f}"
        for name, value in zip(("mean", "from", "to"), (found.mean, found.low, found.high), strict=True)
    }


def shown(kept: Kept) -> str:
    """`98.8 (98.6 to 99.0)`, in %."""
    return kept["mean"] + (f" ({kept['from']} to {kept['to']})" if kept["from"] else "")


def arguments(about: str, learners: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("methods", nargs="*", metavar="METHOD", help=", ".join(learners))
    parser.add_argument("--minutes", type=float, default=math.inf, help="of this run, for each training")
    parser.add_argument("--smoke", action="store_true", help="trainings of a few steps, in a folder of their own")
    found = parser.parse_args()
    unknown = sorted(set(found.methods) - set(learners))
    if unknown:
        parser.error(f"no method is called '{unknown[0]}': give some of {', '.join(learners)}")
    torch.set_num_threads(1)  # sums of floats depend on how threads share them
    return found


def short(learners: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The learners with trainings of a few steps."""
    few = {"steps": 4, "validate_every": 4}
    return {label: {**told, "train": {**told["train"], **few}} for label, told in learners.items()}


def draw(panels: Sequence[tuple[str, Mapping[str, Points], bool]], path: Path) -> None:
    """A PNG of accuracy in %: panels (axis, curves by name, logarithmic), side by side; dashed where 'before'."""
    figure = Figure(figsize=(5.5 * len(panels), 4.2), dpi=110, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    for axes, (across, lines, log) in zip(np.atleast_1d(figure.subplots(1, len(panels), sharey=True)), panels):
        names = list(dict.fromkeys(name.removesuffix(", before") for name in lines))
        for name, points in lines.items():
            colour = COLOURS[names.index(name.removesuffix(", before")) % len(COLOURS)]
            style = "--" if name.endswith(", before") else "-"
            places, means = zip(*[(x, float(kept["mean"])) for x, kept in points])
            axes.plot(places, means, style, color=colour, marker="o", markersize=3.5, linewidth=1.4, label=name)
        if log:
            axes.set_xscale("log")
            ticks = sorted({x for points in lines.values() for x, _ in points})
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
            axes.minorticks_off()
        axes.set_xlabel(across, color=INK)
        axes.grid(color="#e6e1d6", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("accuracy, %", color=INK)
    figure.axes[-1].legend(frameon=False, fontsize=8)
    save_png(figure, path)


def save_png(figure: Figure, path: Path) -> None:
    """The same bytes whenever the same is drawn."""
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    write_bytes(path, file.getvalue())
