"""Omniglot as published: the accuracy of each method beside its paper's, trained as far as the time allows.

python benchmarks/omniglot.py [METHOD ...] [--minutes M] [--ways 5] [--shots 1] [--seeds N] [--tasks N]

The methods are the protocols in benchmarks/omniglot. A training that ran out of its minutes is measured as it is, and
goes on from there in the next run where build/omniglot still has it. What was measured is kept in omniglot.csv and
omniglot_curves.csv, and page and picture are made of them; without a METHOD that is all that is done.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import HERE, data, keep, rows_of
from omniglot_page import COLUMNS, CURVES, PUBLISHED, RESULTS, SHOTS, WAYS, make_page, shots_of, ways_of
from omniglot_trials import right

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
BY_SUPPORT = ("maml", "first_order_maml", "reptile", "meta_sgd", "maml_plus_plus", "imaml", "cavia")
TOGETHER = ("bayesian_maml",)


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
        return ways_of(self.label)

    @property
    def shots(self) -> Sequence[int]:
        return shots_of(self.label)

    @property
    def at_once(self) -> int:
        """Tasks of a step."""
        return int(self.tables["learners"][0]["train"]["tasks_per_step"])

    @property
    def schedule(self) -> int:
        """Tasks of the whole training."""
        return int(self.tables["learners"][0]["train"]["steps"]) * self.at_once

    def scores(self, seed: int) -> Path:
        return self.folder / f"scores-{seed}.json"

    def protocol(self, ways: int) -> Protocol:
        return protocol_of({**self.tables, "tasks": {**self.tables["tasks"], "ways": ways, "shots": list(self.shots)}})


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
            keep_measured(part, args.seeds)
    make_page({method: {part.label: part.schedule for part in parts(method)} for method in PUBLISHED})


def run(part: Part, seeds: int, seconds: float, tasks: int) -> None:
    """Train for so many seconds a seed, or go on, and measure what is there unless it is measured already."""
    root = data("omniglot")
    work = work_of(part, max(part.ways), root)
    for seed in range(seeds):
        learner, state = trained(part, work, seed, seconds)
        path = part.scores(seed)
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


def keep_measured(part: Part, seeds: int) -> None:
    """Write what was measured of a training's seeds, and the first one's curve, beside this script."""
    runs = [json.loads(path.read_text("utf-8")) for path in map(part.scores, range(seeds)) if path.exists()]
    if runs:
        key = {"method": part.method, "training": part.label}
        keep(RESULTS, key, [row(kind, runs) for kind in runs[0]["accuracy"]])
        keep(CURVES, key, validations(part))


def row(kind: str, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A kind of task: accuracies in %, averaged over trainings task by task, and how far the shortest has come."""
    found: dict[str, Any] = {"task": kind}
    for column in COLUMNS:
        known = [run["accuracy"][kind].get(column) for run in runs]
        over = interval(100 * np.mean(known, axis=0)) if known[0] else None
        for name, value in zip(("", ", from", ", to"), (over.mean, over.low, over.high) if over else [None] * 3):
            found[column + name] = "" if value is None else f"{value:.1f}"
    least = min(runs, key=lambda run: float(run["share"]))
    told = {"episodes": least["episodes"], "share": f"{least['share']:.6f}", "seeds": len(runs)}
    return {**found, "tasks": len(runs[0]["accuracy"][kind][COLUMNS[1]]), **told}


def validations(part: Part) -> Iterator[dict[str, Any]]:
    """Training tasks seen, and accuracy in % on the validation tasks then, of a method's first training."""
    for step in rows_of(part.folder / "seed-0" / LOG):
        if step["validation"]:
            yield {"episodes": int(step["step"]) * part.at_once, "validation": f"{100 * float(step['validation']):.1f}"}


if __name__ == "__main__":
    main()
