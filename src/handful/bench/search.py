"""A search for the encoder of a meta-learner (Auto-Meta, Kim et al. 2018, arXiv:1806.06927).

Progressive, after Liu et al. 2018 (arXiv:1712.00559): cells of one block are trained, then those grown from them by a
block that a cheap guess ranks first. A cell is scored by a short meta-training on the train sites, on validation tasks
alone: test sites aren't even read. Differs from both papers: the guess is ridge regression on shares of operations
where they have a network, and a cell is as wide as the budget of weights allows.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import SettingsError
from ..files import write_json, write_text
from .entries import Entry, Frame
from .growing import Candidate, Words, best_of, progressive
from .regions import Regions
from .resume import STATE, opened
from .run import Bench, Progress, Tell, check_forms, part, try_out, work_off
from .search_recipe import SearchRecipe
from .tasks import FILE, TaskList
from .work import CHECKPOINTS, PARTS, Job, Setup, Work, chooser, validation_tasks

FINAL, TABLE, BEST = "search.json", "search.csv", "best.toml"
OURS = (STATE, FILE, TABLE, BEST, f"{PARTS}/*", f"{CHECKPOINTS}/*/*")
COLUMNS = ("trial", "level", "cell", "width", "weights", "predicted", "score", "best", "failed")


class Trials(Work):
    """A process that goes on where the training of a cell fails: another may do."""

    def trained(self, job: Job, entry: Entry) -> dict[str, Any]:
        try:
            return super().trained(job, entry)
        except SettingsError as why:
            return {"record": {"validation": None}, "failed": str(why)}


@dataclass(frozen=True)
class Search:
    """A recipe with the sites that it finds; `bench` is of its protocol, of which nothing is ever tested."""

    recipe: SearchRecipe
    bench: Bench

    def draw(self) -> TaskList:
        """The validation tasks of the one split, which has no test part here. Raises DataError, SettingsError."""
        self.bench.check_sources()
        protocol, data, root = self.recipe.protocol, self.bench.data, self.bench.root
        folds = protocol.data.folds(data, root, data.groups(root), protocol.tasks.seed)
        if len(folds) != 1:
            raise SettingsError(f"[data] gives {len(folds)} splits, but a search has one: set repeats = 1.")
        fold = replace(folds[0], test=())
        drawer = chooser(protocol, Regions(data, root, {}), self.bench.keep_going)
        tasks = tuple(validation_tasks(drawer, fold, 0))
        if not tasks:
            raise SettingsError("[data] the split has no validation sites with labels enough: raise validation.")
        rules = json.loads(json.dumps({"tasks": asdict(drawer.rules), "data": asdict(protocol.data)}))
        notes = tuple(dict.fromkeys(drawer.notes))
        return TaskList(data.name, rules, (fold,), tasks, drawer.prints, drawer.classes, notes)

    def prepare(self, folder: Path, tasks: TaskList) -> Setup:
        """All that workers need; the learner does a first task on the first cell. Raises SettingsError."""
        space, first = self.recipe.space, tasks.tasks[0]
        regions = Regions(self.bench.data, self.bench.root, tasks.prints)
        read = [regions(site) for site in first.regions]
        frame = self.bench.frame(read[0], tasks)
        entry = self.recipe.entry_of((f"{space.operations[0]} 0",), space.widths[0])
        check_forms((entry,), frame)
        setup = self.bench.setup(folder, (entry,), frame, tasks)
        try_out(entry, setup.frame_of(entry), read, first, self.bench.hidden, setup.score)
        if not any(self.fitted(setup.frame_of(entry), (f"{name} 0",)) for name in space.operations):
            raise SettingsError(
                f"[search] most_weights is {space.most_weights:,}, but a learner on the smallest cell has more: raise "
                "it, or give smaller widths."
            )
        return setup

    def fitted(self, frame: Frame, cell: Words) -> Candidate | None:
        """The cell at the largest width that keeps to the budget; None where none does, or nothing would learn."""
        for width in sorted(set(self.recipe.space.widths), reverse=True):
            net = self.recipe.entry_of(cell, width).make(frame).net
            weights = sum(weight.numel() for weight in net.parameters())
            if 0 < weights <= self.recipe.space.most_weights:
                return Candidate(cell, width, weights)
        return None


def run(
    search: Search, folder: Path, workers: int, tell: Tell = lambda text: None, progress: Progress | None = None
) -> dict[str, Any]:
    """Search in a folder that is ours, and keep the table and the best; what was trained there already isn't again.

    The record. Raises OutputError where the folder holds another search.
    """
    tasks = opened(folder, search.recipe.key, search.recipe.plain(), search.draw)
    for note in tasks.notes:
        tell(note)
    setup = search.prepare(folder, tasks)
    tell(f"{len(tasks.tasks)} validation tasks, {len(tasks.folds[0].train)} sites to train on")
    space = search.recipe.space
    known: list[Candidate] = []

    def score(level: int, tried: list[Candidate]) -> list[Candidate]:
        tell(f"level {level}: {len(tried)} cells of {level} block{'s' if level > 1 else ''}")
        return scored(search, setup, [*known, *tried], len(known), workers, progress)

    fit, seed = partial(search.fitted, setup.frame_of(setup.entries[0])), search.recipe.protocol.tasks.seed
    for found in progressive(space.operations, space.levels, space.trials, seed, fit, score):
        known += found
    record = record_of(search, setup, known)
    write_text(folder / TABLE, as_csv(known))
    write_text(folder / BEST, as_toml(record))
    write_json(folder / FINAL, record)
    return record


def scored(
    search: Search, setup: Setup, cells: list[Candidate], start: int, workers: int, progress: Progress | None
) -> list[Candidate]:
    """The candidates from `start` on, trained and scored. Raises SettingsError where all of the first level failed."""
    folder, space = Path(setup.folder), search.recipe.space
    setup = replace(setup, entries=tuple(search.recipe.entry_of(found.cell, found.width) for found in cells))
    jobs = [Job("train", index, 0) for index in range(start, len(cells))]
    total = space.levels * space.trials

    def shown(stage: str, done: int, _: int) -> None:
        if progress:
            progress(stage, start + done, total)

    work_off(setup, folder, "training cells", jobs, workers, shown, Trials)
    found = [part(folder, job) for job in jobs]
    if not start and all(told["record"]["validation"] is None for told in found):
        raise SettingsError(f"every cell failed, the first so: {found[0].get('failed', 'it had nothing to learn')}")
    return [
        replace(cells[job.entry], score=told["record"]["validation"], failed=told.get("failed", ""))
        for job, told in zip(jobs, found, strict=True)
    ]


def record_of(search: Search, setup: Setup, known: list[Candidate]) -> dict[str, Any]:
    """All that was found, in plain values; nothing in it depends on time."""
    best = best_of(known)
    return {
        "handful": __version__,
        "data": search.recipe.protocol.data.name,
        "learner": search.recipe.entry.name,
        "score": setup.score,
        "steps": search.recipe.entry.training[0].steps,
        "best": {**asdict(best), "trial": known.index(best)},
        "encoder_settings": search.recipe.entry_of(best.cell, best.width).settings["encoder_settings"],
        "trials": [asdict(found) for found in known],
    }


def as_csv(known: list[Candidate]) -> str:
    """A row a trial."""
    best, text = best_of(known), io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for trial, found in enumerate(known):
        told = {**asdict(found), "trial": trial, "cell": "; ".join(found.cell), "best": int(found is best)}
        table.writerow([told[name] for name in COLUMNS])
    return text.getvalue()


def as_toml(record: dict[str, Any]) -> str:
    """The encoder as keys of [[learners]]."""
    best, inner = record["best"], record["encoder_settings"]
    values = ", ".join(f"{key} = {json.dumps(value)}" for key, value in inner.items())
    said = f"{record['score']} {best['score']:.4f} on validation tasks after {record['steps']} steps"
    head = f"# Found for {record['learner']} on {record['data']}: {said}, {best['weights']:,} weights."
    return f'{head}\nencoder = "cell"\nencoder_settings = {{ {values} }}\n'
