"""What a process of a bench does: try settings, train, score; each piece of work ends as one whole file."""

from __future__ import annotations

import json
import math
import re
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..data import find_data
from ..errors import DataError, Diverged, EnvironmentFault, HandfulError, SettingsError, out_of_memory
from ..files import write_json
from ..learner import Learner
from ..region import Region
from ..transfer import begun_at, print_of, trained_on
from .drawing import Drawer
from .entries import Entry, Frame
from .features import Features
from .folds import Fold
from .judge import Encoded, encoded, judged
from .learning import Ready, School
from .memory import peak_mb, reset_peak
from .posing import joined
from .protocol import Protocol
from .regions import CACHE, Regions, size_of
from .scores import BETTER
from .sources import Source, foreign
from .starts import begun, file_of
from .tasks import FILE, Drawn, read_tasks

PARTS, CHECKPOINTS = "parts", "checkpoints"
VALIDATION = 1  # added to the seed of tasks on which settings and weights are chosen


@dataclass(frozen=True)
class Setup:
    """A bench in plain words, so that workers can have it.

    entries  the protocol's learners and the rivals
    roots    folders of other data sets by name, where they aren't under the root
    bases    how many classes are trained on, by the data sets that a learner is trained on; () for the protocol's own
    """

    protocol: Protocol
    root: str
    folder: str
    entries: tuple[Entry, ...]
    frame: Frame
    score: str
    keep_going: bool
    roots: Mapping[str, str]
    bases: Mapping[tuple[str, ...], int]

    @property
    def labels(self) -> list[str]:
        """Of those that are compared."""
        return [entry.label for entry in self.entries if entry.listed]

    def frame_of(self, entry: Entry) -> Frame:
        """What the learner must fit, with the classes of the data sets that it is trained on."""
        return replace(self.frame, base=self.bases[entry.sets])

    def root_of(self, name: str) -> Path:
        return Path(self.roots.get(name, self.root))


@dataclass(frozen=True)
class Job:
    """kind: 'try' settings number `index` of what is tuned, 'train', or 'score' the tasks from `start` to `end`."""

    kind: str
    entry: int
    fold: int
    seed: int = 0
    index: int = 0
    start: int = 0
    end: int = 0

    @property
    def name(self) -> str:
        if self.kind == "train":
            return f"train-{self.entry}-{self.fold}-{self.seed}.json"
        if self.kind == "try":
            return f"try-{self.entry}-{self.fold}-{self.index}.json"
        return f"score-{self.entry}-{self.fold}-{self.seed}-{self.start}.json"


class Work:
    """A process's data, and the learner that it used last."""

    def __init__(self, setup: Setup):
        self.setup, self.folder = setup, Path(setup.folder)
        self.list = read_tasks(self.folder / FILE)
        self.regions = Regions(find_data(setup.protocol.data.name).at(setup.root), setup.root, self.list.prints)
        self.hidden = setup.protocol.data.classes == "hidden"
        self.features = Features(setup.protocol.data.features)
        self.learner: tuple[Any, Learner, dict[str, Any]] | None = None
        self.own_of: tuple[int, Source] | None = None
        self.others: dict[str, Source] = {}
        self.choosing_of: dict[int, list[Drawn]] = {}
        self.seen: OrderedDict[Any, Encoded] = OrderedDict()

    def __call__(self, job: Job) -> Job:
        began = time.process_time()
        entry = self.setup.entries[job.entry]
        try:
            found = {"try": self.tried, "train": self.trained, "score": self.scored}[job.kind](job, entry)
        except (DataError, EnvironmentFault):
            raise
        except (HandfulError, RuntimeError, ValueError, IndexError) as why:
            if out_of_memory(why):  # the machine's want, not the protocol's: said as such
                raise
            raise SettingsError(f"learner '{entry.label}' failed: {why}") from why
        found["cpu_seconds"] = round(time.process_time() - began, 3)
        write_json(self.folder / PARTS / job.name, found)
        return job

    def tried(self, job: Job, entry: Entry) -> dict[str, Any]:
        """The score of one combination of settings on the validation tasks of a fold; None where training diverged."""
        tune = self.setup.protocol.tune
        trial = entry.trials(tune.trials, self.setup.protocol.tasks.seed)[job.index]
        told = {"tried": settings_tried(entry, trial)}
        try:
            learner, _ = self.ready(trial, job.fold, 0)
        except Diverged as why:
            return {"score": None, "failed": str(why), **told}
        return plain({"score": self.mean_score(learner, self.choosing(job.fold)), **told})  # type: ignore[no-any-return]

    def trained(self, job: Job, entry: Entry) -> dict[str, Any]:
        """Its record; the weights are in the folder of checkpoints."""
        reset_peak()
        _, record = self.ready(chosen(self.setup, job.entry, job.fold), job.fold, job.seed)
        told = {name: record.get(name) for name in ("steps", "best_step", "validation", "seconds", "cpu_seconds")}
        return {"record": told, "peak_mb": peak_mb()}

    def scored(self, job: Job, entry: Entry) -> dict[str, Any]:
        """The rows of some tasks."""
        reset_peak()
        learner, record = self.ready(chosen(self.setup, job.entry, job.fold), job.fold, job.seed)
        rows, notes = [], []
        for index in range(job.start, job.end):
            task = self.list.tasks[index]
            try:
                rows.append({"task": index, **self.judged(learner, task, path=task.draw == 0)})
            except DataError as why:
                if not self.setup.keep_going:
                    raise DataError(f"{why} (--keep-going leaves its tasks out)") from why
                notes.append(f"left out task '{task.name}' of {task.shots} shots: {why}")
        told = {name: record.get(name) for name in ("seconds", "cpu_seconds", "steps")}
        return {"rows": plain(rows), "notes": notes, "peak_mb": peak_mb(), "training": told}

    def ready(self, entry: Entry, fold: int, seed: int) -> Ready:
        """The learner with these settings, trained on the fold where it has a training."""
        key = (entry, fold, seed)
        if self.learner is None or self.learner[0] != key:
            start = self.start(entry, fold, seed)
            self.seen.clear()
            self.learner = key, *self.made(entry, fold, seed, start)
        return self.learner[1], self.learner[2]

    def start(self, entry: Entry, fold: int, seed: int) -> Ready | None:
        """The learner that it starts from, with the settings chosen for it, trained on the same fold and seed."""
        if not entry.start:
            return None
        path = file_of(entry.start)
        if path is not None:
            learner = begun_at(path, entry.make(self.setup.frame_of(entry), seed))
            return learner, {"key": print_of(path), "trained": trained_on(path)}
        index = [found.label for found in self.setup.entries].index(entry.start)
        return self.ready(chosen(self.setup, index, fold), fold, seed)

    def made(self, entry: Entry, fold: int, seed: int, start: Ready | None) -> Ready:
        frame = self.setup.frame_of(entry)
        if entry.train is None:
            learner = begun(entry, frame, seed, start and start[0])
            before = [found for found in self.setup.entries if found.label == entry.start]
            return (learner.settle(self.school(fold, before[0].sets).examples()) if before else learner), {}
        school = self.school(fold, entry.sets)
        name = re.sub(r"[^\w.-]+", "-", entry.label)[:60]
        place = self.folder / CHECKPOINTS / f"{name}-{fold}-{seed}-{school.key_of(entry, seed, start)[:8]}"
        return school.train(entry, frame, seed, place, start)

    def school(self, fold: int, sets: tuple[str, ...]) -> School:
        """Where learners are trained: on the train sites of a fold, or on other data sets."""
        sources = tuple(map(self.other, sets)) or (self.own(fold),)
        tasks = self.choosing(fold)
        validate = (lambda learner: self.mean_score(learner, tasks)) if tasks else None
        of_classes = bool(sets) or self.regions.data.site_is != "place"
        ways = self.setup.frame.outputs - int(self.setup.frame.whole)  # the background is drawn with each
        return School(sources, of_classes, self.hidden, ways, validate, f"{self.list.checksum}/{fold}")

    def own(self, fold: int) -> Source:
        """The train sites of a fold; the last fold's are kept."""
        if self.own_of is None or self.own_of[0] != fold:
            sites, going = self.list.folds[fold].train, self.setup.keep_going
            self.own_of = fold, Source(self.regions.data, self.regions.root, sites, False, going, self.features)
        return self.own_of[1]

    def other(self, name: str) -> Source:
        """All sites of another data set."""
        if name not in self.others:
            self.others[name] = foreign(name, self.setup.root_of(name), self.setup.keep_going, self.features)
        return self.others[name]

    def choosing(self, fold: int) -> list[Drawn]:
        """Tasks of the validation sites: on them weights and settings are chosen, and nothing is reported."""
        if fold not in self.choosing_of:
            part, drawer = self.list.folds[fold], chooser(self.setup.protocol, self.regions, self.setup.keep_going)
            self.choosing_of[fold] = validation_tasks(drawer, part, fold)
        return self.choosing_of[fold]

    def mean_score(self, learner: Learner, tasks: Sequence[Drawn]) -> float:
        """The mean of the protocol's score, over numbers of shots alike; more is better."""
        self.seen.clear()
        name = self.setup.score
        by_shots: dict[int, list[float]] = {}
        for task in tasks:
            by_shots.setdefault(task.shots, []).append(self.judged(learner, task)["scores"][name])
        self.seen.clear()
        mean = float(np.mean([np.nanmean(values) for values in by_shots.values()]))
        return mean if BETTER[name] else -mean

    def judged(self, learner: Learner, task: Drawn, *, path: bool = False) -> dict[str, Any]:
        return judged(learner, self.encoded(learner, task), task, self.hidden, path=path)

    def encoded(self, learner: Learner, task: Drawn) -> Encoded:
        """What the task is drawn from, its features computed once where adapting leaves the encoder."""
        if len(task.regions) == 1 and self.regions.data.site_is == "place":
            return self.once(learner, task.regions[0])
        parts = [self.once(learner, site) for site in task.regions]
        named = [replace(self.shown_of(site), examples=part.examples) for site, part in zip(task.regions, parts)]
        return Encoded(joined(named), None, float(np.mean([part.seconds for part in parts])), parts[0].whole)

    def shown_of(self, site: str) -> Region:
        """What learners see of a site."""
        return self.features.seen(site, lambda: self.regions(site))

    def once(self, learner: Learner, site: str) -> Encoded:
        if site not in self.seen:
            self.seen[site] = encoded(learner, self.shown_of(site).examples, self.setup.frame.whole)
            while len(self.seen) > 1 and sum(size_of(e.examples.inputs) for e in self.seen.values()) > CACHE:
                self.seen.popitem(last=False)
        return self.seen[site]


def chooser(protocol: Protocol, regions: Regions, keep_going: bool) -> Drawer:
    """What draws the tasks on which weights and settings are chosen."""
    rules, unit = replace(protocol.tasks, count=protocol.tune.count, draws=1), protocol.data.unit_for(regions.data)
    hidden = protocol.data.classes == "hidden"
    return Drawer(regions.data, regions, regions.groups, rules, unit, hidden, keep_going)


def validation_tasks(drawer: Drawer, part: Fold, fold: int) -> list[Drawn]:
    """Of the validation sites of a fold; none where it has none."""
    return drawer.tasks(part, fold, part.validation, drawer.rules.seed + VALIDATION) if part.validation else []


def chosen(setup: Setup, entry: int, fold: int) -> Entry:
    """The entry with the settings that did best on the fold's validation tasks."""
    found, trials = setup.entries[entry], setup.protocol.tune.trials
    if not found.tune:
        return found
    names = [Job("try", entry, fold, index=index).name for index in range(trials)]
    told = [json.loads((Path(setup.folder) / PARTS / name).read_text("utf-8")) for name in names]
    if all(of["score"] is None for of in told):
        why = told[0].get("failed", "it has no score")
        raise SettingsError(f"learner '{found.label}': all that was tried failed, the first so: {why}")
    return found.trials(trials, setup.protocol.tasks.seed)[best_of(told)]


def best_of(told: Sequence[Mapping[str, Any]]) -> int:
    """The number of the trial that did best, the first of equals; one without a score is the worst."""
    return int(np.argmax([-math.inf if of["score"] is None else of["score"] for of in told]))


def settings_tried(entry: Entry, trial: Entry) -> dict[str, Any]:
    """The values of the tuned settings in one trial."""
    places = {"": trial.settings, "train": trial.train or {}}
    places["encoder_settings"] = trial.settings.get("encoder_settings", {})
    return {key: places[key.rpartition(".")[0]][key.rpartition(".")[2]] for key in entry.tune}


def plain(value: Any) -> Any:
    """The value with None where a number isn't finite, as JSON has it."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
