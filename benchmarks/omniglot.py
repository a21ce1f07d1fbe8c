"""Omniglot as published: the accuracy of each method beside its paper's, trained as far as the time allows.

python benchmarks/omniglot.py [METHOD ...] [--minutes M] [--ways 5] [--shots 1] [--seeds N] [--tasks N]

The methods are the protocols in benchmarks/omniglot. A training that ran out of its minutes is measured as it is, and
goes on from there in the next run. Without a METHOD nothing is trained: the table is made of what build/omniglot holds.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import HERE, data, page, table
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from omniglot_trials import right, save_png

from handful.bench.posing import joined, pose
from handful.bench.protocol import Protocol, protocol_of
from handful.bench.recipe import read_toml
from handful.bench.run import Bench
from handful.bench.statistics import interval
from handful.bench.tasks import FILE, Drawn
from handful.bench.work import Work
from handful.encoders.image import BatchNorm
from handful.files import write_json
from handful.learner import Learner
from handful.meta_train import LOG

BUILD = HERE.parent / "build" / "omniglot"
WAYS, SHOTS = (5, 20), (1, 5)
COLUMNS = ("inductive", "transductive", "queries of one class")
# Accuracy in %: 5 ways at 1 and 5 shots, 20 ways at 1 and 5 shots.
PUBLISHED = {
    "siamese": ("Siamese", "97.3", "98.4", "88.1", "97.0"),
    "matching": ("Matching, cosines x 100", "98.1", "98.9", "93.8", "98.5"),
    "protonet": ("ProtoNet", "98.8", "99.7", "96.0", "98.9"),
    "relation": ("Relation", "99.6", "99.8", "97.6", "99.1"),
    "maml": ("MAML", "98.7", "99.9", "95.8", "98.9"),
    "first_order_maml": ("first-order MAML", "98.3", "99.2", "89.4", "97.9"),
    "reptile": ("Reptile", "95.4, trans. 97.7", "98.9, trans. 99.5", "88.1, trans. 89.4", "96.7, trans. 97.1"),
    "meta_sgd": ("Meta-SGD", "99.5", "99.9", "95.9", "99.0"),
    "maml_plus_plus": ("MAML++", "99.5", "99.9", "97.7", "99.3"),
    "imaml": ("iMAML", "99.2", "", "94.5", ""),
    "snail": ("SNAIL", "99.1", "99.8", "97.6", "99.4"),
    "r2d2": ("R2-D2", "98.6", "99.7", "94.7", "98.9"),
    "cavia": ("CAVIA", "", "", "", ""),
    "dkt": ("DKT", "", "", "", ""),
    "bayesian_maml": ("Bayesian MAML", "", "", "", ""),
    "baseline_plus_plus": ("Baseline++", "", "", "", ""),
}
INTRODUCTION = """\
Accuracy in % on 600 tasks (fewer where the table says so) of characters that no training saw, 15 queries a class; 95 %
intervals over tasks, which say nothing of the luck of the training nor of the choice of characters. `handful bench
benchmarks/omniglot/METHOD.toml` runs the same trainings, and judges all of them on one kind of task.

*Inductive*: each query is answered on its own, batch norm by running statistics; by those of the support after the last
step where a method descends by batch statistics (MAML, MAML++, Reptile, Meta-SGD, iMAML, CAVIA). *Transductive*: batch
norm by the queries that are asked together, as in the code behind most of these figures, and the only way for Bayesian
MAML, whose particles share running statistics. *Queries of one class*: the same weights and statistics, but all that is
asked together is of one class, as in a real scene, and the learner isn't told. The weights are those that did best on
50 validation tasks; a dash: not measured. An unfinished training says little about a method: read the share of its
schedule first."""
CURVES = """\
Accuracy on the validation tasks, as each method is trained, over the training tasks it has seen so far (ProtoNet, R2-D2
and Matching: of 60 classes). The ring is the published figure at the end of the whole schedule. Validation tasks are of
20 classes where one training serves 5 and 20. A panel without a curve is of a training that ended before its first
validation.

![curves](omniglot.png)"""
BY_SUPPORT = ("maml", "first_order_maml", "reptile", "meta_sgd", "maml_plus_plus", "imaml", "cavia")
TOGETHER = ("bayesian_maml",)
COLOURS = {5: "#c2571a", 20: "#1b5e58"}


@dataclass(frozen=True)
class Part:
    """One training of a method. Its label says which tasks it is for, such as '5-way 1-shot'; '1-shot' is of any ways.

    tables  of the method's protocol, with this learner alone
    """

    method: str
    tables: dict[str, Any]

    @property
    def label(self) -> str:
        return str(self.tables["learners"][0]["label"])

    @property
    def folder(self) -> Path:
        return BUILD / self.method / self.label.replace(" ", "-")

    @property
    def ways(self) -> Sequence[int]:
        return told(self.label, "way") or WAYS

    @property
    def shots(self) -> Sequence[int]:
        return told(self.label, "shot") or SHOTS

    def protocol(self, ways: int) -> Protocol:
        return protocol_of({**self.tables, "tasks": {**self.tables["tasks"], "ways": ways, "shots": list(self.shots)}})


def told(label: str, what: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(rf"(\d+)-{what}", label))


def parts(method: str) -> list[Part]:
    tables = read_toml(HERE / "omniglot" / f"{method}.toml", f"one of {', '.join(PUBLISHED)}")
    return [Part(method, {**tables, "learners": [learner]}) for learner in tables["learners"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("methods", nargs="*", metavar="METHOD", help=", ".join(PUBLISHED))
    parser.add_argument("--minutes", type=float, default=math.inf, help="of training, shared by a method's trainings")
    parser.add_argument("--ways", type=int, choices=WAYS, help="only trainings for as many")
    parser.add_argument("--shots", type=int, choices=SHOTS, help="only trainings for as many")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each kind")
    parser.add_argument("--tasks", type=int, default=600, help="of each kind that are measured, the first ones")
    args = parser.parse_args()
    torch.set_num_threads(1)  # sums of floats depend on how threads share them
    for method in args.methods:
        some = [part for part in parts(method) if args.ways in (None, *part.ways) and args.shots in (None, *part.shots)]
        for part in some:
            run(part, args.seeds, 60 * args.minutes / (len(some) * args.seeds), args.tasks)
    draw(HERE / "omniglot.png")
    page("omniglot", "Omniglot: published and ours", INTRODUCTION, whole_table(), CURVES)


def run(part: Part, seeds: int, seconds: float, tasks: int) -> None:
    """Train for so many seconds a seed, or go on, and measure what is there unless it is measured already."""
    root = data("omniglot")
    work = work_of(part, max(part.ways), root)
    for seed in range(seeds):
        learner, state = trained(part, work, seed, seconds)
        path = part.folder / f"scores-{seed}.json"
        if state["steps"] and (not path.exists() or json.loads(path.read_text("utf-8"))["steps"] != state["steps"]):
            write_json(path, {**state, "accuracy": measured(part, work, learner, root, tasks)})


def work_of(part: Part, ways: int, root: Path) -> Work:
    """The data, and the tasks that weights are chosen on. Raises SettingsError where kept tasks are of other rules."""
    part.folder.mkdir(parents=True, exist_ok=True)
    path = part.folder / FILE
    bench = Bench(part.protocol(ways), root, list_file=str(path) if path.exists() else None)
    tasks = bench.draw()
    if not path.exists():
        tasks.write(path)
    return Work(bench.prepare(part.folder, tasks))


def trained(part: Part, work: Work, seed: int, seconds: float) -> tuple[Learner, dict[str, Any]]:
    """The learner, and how far it has come."""
    entry = work.setup.entries[0]
    place = part.folder / f"seed-{seed}"
    learner, record = work.school(0, ()).train(entry, work.setup.frame_of(entry), seed, place, seconds=seconds)
    training, _ = entry.training
    steps = int(record["steps"])
    return learner, {"steps": steps, "episodes": steps * training.tasks_per_step, "share": steps / training.steps}


def measured(part: Part, work: Work, learner: Learner, root: Path, count: int) -> dict[str, dict[str, list[float]]]:
    """The accuracy of each of so many tasks, by kind of task and column."""
    lists = {ways: Bench(part.protocol(ways), root).draw().tasks for ways in part.ways}
    kinds = {
        f"{ways}-way {shots}-shot": [task for task in tasks if task.shots == shots][:count]
        for ways, tasks in lists.items()
        for shots in part.shots
    }
    found: dict[str, dict[str, list[float]]] = {kind: {} for kind in kinds}
    alone, together = with_statistics(learner, own=False), with_statistics(learner, own=True)
    for column, how in zip(COLUMNS, (alone, together, together), strict=True):
        if column == COLUMNS[0] and part.method in TOGETHER:
            continue
        work.seen.clear()  # features of the learner before
        for kind, tasks in kinds.items():
            asked = map(of_one_class, tasks, range(len(tasks))) if column == COLUMNS[2] else tasks
            if column == COLUMNS[0] and part.method in BY_SUPPORT:
                found[kind][column] = [by_support(together, work, task) for task in asked]
            else:
                found[kind][column] = [float(work.judged(how, task)["scores"]["accuracy"]) for task in asked]
    return found


def by_support(learner: Learner, work: Work, task: Drawn) -> float:
    """The accuracy where batch norm, once adapted, keeps to the statistics of the support."""
    posed, key = pose(joined([work.regions(site) for site in task.regions]), task, True)
    norms = [part for part in learner.net.modules() if isinstance(part, BatchNorm)]
    predictor = learner.adapt(posed.support)
    for norm in norms:
        norm.momentum = 1.0  # what it sees next is what it keeps
        norm.train()
    with torch.no_grad():
        predictor.outputs(posed.support.inputs)
    for norm in norms:
        norm.own_statistics = False
        norm.eval()
    found = right(predictor.predict(posed.inputs), key.targets)
    for norm in norms:
        norm.own_statistics = True
    return found


def with_statistics(learner: Learner, *, own: bool) -> Learner:
    """The same weights, with batch norm by what is answered together or by running statistics."""
    found = replace(learner, encoder_settings={**learner.encoder_settings, "own_statistics": own})
    found.net.load_state_dict(learner.net.state_dict())
    return found


def of_one_class(task: Drawn, number: int) -> Drawn:
    """The task with the questions of one class alone, another one from task to task; all classes have as many."""
    assert task.query is not None
    asked = np.array_split(np.array(task.query), len(task.regions))[number % len(task.regions)]
    return replace(task, query=tuple(asked.tolist()))


def whole_table() -> str:
    head = ["", "task", "published", *COLUMNS, "tasks", "episodes", "of the schedule", "seeds"]
    return table(head, [row for method in PUBLISHED for row in rows(method)])


def rows(method: str) -> Iterator[list[str]]:
    """A row a kind of task: the published figure, and ours where there is a training for it."""
    name, *figures = PUBLISHED[method]
    kinds = [(ways, shots) for ways in WAYS for shots in SHOTS]
    for (ways, shots), figure in zip(kinds, figures, strict=True):
        some = [part for part in parts(method) if ways in part.ways and shots in part.shots]
        runs = [json.loads(p.read_text("utf-8")) for part in some for p in sorted(part.folder.glob("scores-*.json"))]
        yield [name, f"{ways}-way {shots}-shot", figure or "–", *ours(runs, f"{ways}-way {shots}-shot")]


def ours(runs: list[dict[str, Any]], kind: str) -> list[str]:
    """The cells of some trainings: accuracies averaged over them task by task, and how far the shortest has come."""
    if not runs:
        return ["", "", "", "", "0", "0 %", "0"]
    known = [[run["accuracy"][kind].get(column) for run in runs] for column in COLUMNS]
    cells = [shown(np.mean(some, axis=0)) if some[0] else "–" for some in known]
    least = min(runs, key=lambda run: float(run["share"]))
    count = str(len(runs[0]["accuracy"][kind][COLUMNS[1]]))
    return [*cells, count, f"{least['episodes']:,}", f"{least['share']:.1%}", str(len(runs))]


def shown(values: np.ndarray) -> str:
    """`98.8 (98.6 to 99.0)`, in %."""
    found = interval(100 * values)
    return f"{found.mean:.1f}" + ("" if found.low is None else f" ({found.low:.1f} to {found.high:.1f})")


def draw(path: Path) -> None:
    """A PNG with a panel a method: validation accuracy at one shot over episodes, and the published points."""
    figure = Figure(figsize=(12, 10), dpi=100, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    panels = figure.subplots(4, 4, sharex=True, sharey=True).flat
    for axes, (method, (name, *figures)) in zip(panels, PUBLISHED.items(), strict=True):
        for ways, colour in COLOURS.items():
            published = re.findall(r"[\d.]+", figures[0 if ways == 5 else 2])
            for part in (part for part in parts(method) if ways in part.ways and 1 in part.shots):
                told = part.tables["learners"][0]["train"]
                if ways == max(part.ways):
                    axes.plot(*validated(part, told["tasks_per_step"]), color=colour, linewidth=1.3)
                if published:
                    end = told["steps"] * told["tasks_per_step"]
                    axes.plot([end], [float(published[-1])], "o", mfc="none", color=colour, markersize=6)
        axes.set_title(name, fontsize=10, loc="left")
        axes.set(xscale="log", xlim=(100, 3e6), ylim=(20, 100))
        axes.grid(color="#e6e1d6", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    for ways, colour in COLOURS.items():
        figure.axes[0].plot([], [], color=colour, label=f"{ways}-way 1-shot")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2, frameon=False)
    figure.supxlabel("training tasks", fontsize=10)
    figure.supylabel("accuracy on validation tasks, %", fontsize=10)
    save_png(figure, path)


def validated(part: Part, tasks_per_step: int) -> tuple[list[int], list[float]]:
    """Training tasks seen, and accuracy in % on the validation tasks then, of a method's first training."""
    log = part.folder / "seed-0" / LOG
    with log.open(encoding="utf-8", newline="") if log.exists() else io.StringIO() as file:
        rows = [row for row in csv.DictReader(file) if row["validation"]]
    return [int(row["step"]) * tasks_per_step for row in rows], [100 * float(row["validation"]) for row in rows]


if __name__ == "__main__":
    main()
