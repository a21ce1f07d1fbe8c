"""A bench from a protocol to its tables: resumable, and the same bytes whatever the workers, kills and resumptions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ..data import DataSet, find_data
from ..errors import DataError, HandfulError, SettingsError, did_you_mean
from ..region import Region
from .drawing import Drawer
from .entries import Entry, Frame, check_pool, check_turns, frame_of, has
from .features import Features
from .folds import crossing
from .judge import encoded, judged
from .pool import in_order
from .posing import joined
from .protocol import Protocol
from .regions import Regions
from .resume import STATE, opened
from .rivals import rivals
from .sources import Source, check_bands, class_names, foreign
from .starts import depths
from .tasks import FILE, Drawn, TaskList, check_fits, chunks, read_tasks
from .work import CHECKPOINTS, PARTS, Job, Setup, Work

FINAL, REPORT = "bench.json", "report.html"
TABLES = ("scores.csv", "cost.csv", "paths.csv", "classes.csv", "calibration.csv", "tuning.csv")
OURS = (STATE, FILE, REPORT, "leaks.json", *TABLES, f"{PARTS}/*", f"{CHECKPOINTS}/*/*")
CHUNK = 32  # tasks that are worked on together, whole sites
Tell = Callable[[str], None]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Bench:
    """A protocol with the tasks that it finds under a root.

    list_file  tasks drawn before, to be used again
    roots      folders of other data sets that learners are trained on, where they aren't under the root
    """

    protocol: Protocol
    root: Path
    keep_going: bool = False
    list_file: str | None = None
    roots: Mapping[str, Path] = field(default_factory=dict)

    @cached_property
    def data(self) -> DataSet:
        """The data set as it is under the root. Raises DataError; SettingsError where its classes can't be shared."""
        found = find_data(self.protocol.data.name).at(self.root)
        if self.protocol.data.classes == "shared" and found.problem is None:
            raise SettingsError(
                f"[data] classes = 'shared': the sites of '{found.name}' don't have the same classes. Leave it out."
            )
        return found

    @property
    def hidden(self) -> bool:
        return self.protocol.data.classes == "hidden"

    def draw(self) -> TaskList:
        """The tasks of the test parts. Raises DataError, SettingsError."""
        self.check_sources()
        rules = {"tasks": asdict(self.protocol.tasks), "data": asdict(self.protocol.data)}
        rules["tasks"].pop("seeds")
        if self.list_file:
            found = read_tasks(self.list_file)
            check_fits(found, self.data.name, rules)
            return found
        data, seed = self.data, self.protocol.tasks.seed
        groups = data.groups(self.root)
        folds = self.protocol.data.folds(data, self.root, groups, seed)
        drawer = self.drawer(groups)
        tasks = [task for i, fold in enumerate(folds) for task in drawer.tasks(fold, i, fold.test, seed)]
        if not tasks:
            raise DataError(f"no site under {self.root} has labels enough for a task: {'; '.join(drawer.notes)}.")
        notes = (*dict.fromkeys(drawer.notes), *crossing(folds, groups))
        rules = json.loads(json.dumps(rules))
        return TaskList(data.name, rules, tuple(folds), tuple(tasks), drawer.prints, drawer.classes, notes)

    def check_sources(self) -> None:
        """Raise SettingsError or DataError where another data set that is trained on doesn't fit or isn't there."""
        for entry in self.protocol.learners:
            check_bands(entry.label, entry.sets, self.data)
            for name in entry.sets:
                find_data(name).groups(self.roots.get(name, self.root))

    def drawer(self, groups: dict[str, str]) -> Drawer:
        rules, unit = self.protocol.tasks, self.protocol.data.unit_for(self.data)
        regions = Regions(self.data, self.root, {})
        return Drawer(self.data, regions, groups, rules, unit, self.hidden, self.keep_going)

    def setup(self, folder: Path, entries: tuple[Entry, ...], frame: Frame, tasks: TaskList) -> Setup:
        """In plain words for workers."""
        usual = "foreground_iou" if frame.whole else "balanced_accuracy" if frame.classes else "rmse"
        score = self.protocol.report.score or usual
        setup = Setup(
            self.protocol, str(self.root), str(folder), entries, frame, score, self.keep_going,
            {name: str(root) for name, root in self.roots.items()}, {},
        )  # fmt: skip
        sets = {entry.sets for entry in entries if entry.sets}
        sources = {names: [foreign(name, setup.root_of(name), self.keep_going) for name in names] for names in sets}
        bases = {names: sum(len(source.sites) for source in of) for names, of in sources.items()}
        return replace(setup, bases={(): self.base(entries, tasks), **bases})

    def base(self, entries: tuple[Entry, ...], tasks: TaskList) -> int:
        """The classes of the train sites, for learners that pretrain on all of them.

        Where each region has classes of its own, they are known only once all are read.
        """
        if self.data.site_is != "place":
            return max(len(fold.train) for fold in tasks.folds) + int(self.data.site_is == "kind")
        if self.data.problem is not None:
            return self.data.problem.outputs
        if not any(
            has(entry.name, "pools_classes") and entry.train is not None and not entry.sets for entry in entries
        ):
            return 0
        sites = tuple(sorted({site for fold in tasks.folds for site in fold.train}))
        every = Source(self.data, self.root, sites, keep_going=self.keep_going)
        known = {region.name: region.examples.problem for region in every.read()}
        return max(len(class_names(known[site] for site in fold.train if site in known)) for fold in tasks.folds)

    def prepare(self, folder: Path, tasks: TaskList) -> Setup:
        """All that workers need, checked: each learner does the first task once."""
        first = tasks.tasks[0]
        regions = Regions(self.data, self.root, tasks.prints)
        features = Features(self.protocol.data.features)
        read = [features(regions(site)) for site in first.regions]
        frame = self.frame(read[0], tasks)
        entries = (*self.protocol.learners, *(rivals(frame, tasks.folds) if self.protocol.rivals else ()))
        check_forms(entries, frame)
        setup = self.setup(folder, distinct(entries), frame, tasks)
        tuned = [entry.label for entry in setup.entries if entry.tune]
        if tuned and not all(fold.validation for fold in tasks.folds):
            raise SettingsError(
                f"learner '{tuned[0]}' is tuned, but the split has no validation part: raise [data] validation."
            )
        check_against(self.protocol.report.against, [entry.label for entry in setup.entries])
        for entry in setup.entries:
            check_pool(entry, frame)
            check_turns(entry, self.data.turns)
            try_out(entry, setup.frame_of(entry), read, first, self.hidden, setup.score)
        return setup

    def frame(self, region: Region, tasks: TaskList) -> Frame:
        frame = frame_of(region, max(len(task.classes) for task in tasks.tasks))
        return replace(frame, shared=not (frame.classes and self.hidden), whole=self.data.site_is == "kind")


def check_forms(entries: tuple[Entry, ...], frame: Frame) -> None:
    """Raise SettingsError where a learner is to be trained on classes of images, but the tasks are of another form."""
    for entry in entries:
        if entry.sets and (frame.form != "images" or not frame.classes):
            raise SettingsError(
                f"learner '{entry.label}' is to be trained on classes of images ({', '.join(entry.sets)}), but these "
                f"tasks are of {frame.form if frame.classes else 'a quantity'}: leave train.data out."
            )


def distinct(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Rivals whose label a learner of the protocol has already are left out."""
    taken = {entry.label for entry in entries if not entry.rival}
    return tuple(entry for entry in entries if not entry.rival or entry.label not in taken)


def check_against(against: str, labels: list[str]) -> None:
    """Raise SettingsError where no learner is called what the others are to be compared with."""
    if against and against not in labels:
        raise SettingsError(f"[report] against: no learner is called '{against}'. {did_you_mean(against, labels)}")


def try_out(entry: Entry, frame: Frame, regions: list[Region], task: Drawn, hidden: bool, score: str) -> None:
    """Raise SettingsError, before hours of work, where a learner can't do these tasks at all."""
    try:
        learner = entry.make(frame)
        found = judged(learner, encoded(learner, joined(regions), frame.whole), task, hidden)
    except (HandfulError, RuntimeError, ValueError, IndexError, KeyError, TypeError) as why:
        raise SettingsError(f"learner '{entry.label}' can't do these tasks: {why}") from why
    if score not in found["scores"]:
        raise SettingsError(f"[report] score: these tasks have no {score}, only {', '.join(found['scores'])}.")


def run(
    bench: Bench, folder: Path, workers: int, tell: Tell = lambda text: None, progress: Progress | None = None
) -> tuple[Setup, TaskList, list[str]]:
    """Do all the work of a bench in a folder that is ours; what is done there already isn't done again.

    The setup, the tasks, and notes of what was left out. Raises OutputError where the folder holds results of another
    protocol.
    """
    tasks = opened(folder, bench.protocol.key, bench.protocol.plain(), bench.draw, bench.list_file)
    for note in tasks.notes:
        tell(note)
    setup = bench.prepare(folder, tasks)
    tell(f"{len(tasks.tasks)} tasks, {len(setup.entries)} learners, {bench.protocol.tasks.seeds} seeds")
    for stage, jobs in stages(setup, tasks):
        work_off(setup, folder, stage, jobs, workers, progress)
    return setup, tasks, notes_of(folder, setup, tasks)


def clear(folder: Path, ours: Sequence[str] = (*OURS, FINAL)) -> None:
    """Remove the work of a run that broke off, so that another can begin."""
    for name in {own.partition("/")[0] for own in ours if "/" in own}:
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in (own for own in ours if "/" not in own):
        (folder / name).unlink(missing_ok=True)


def stages(setup: Setup, tasks: TaskList) -> Iterator[tuple[str, list[Job]]]:
    """What is done one after the other: a learner that starts from another waits until that one is trained."""
    depth = depths(setup.entries)
    for level in range(max(depth, default=0) + 1):
        for stage, jobs in (("trying settings", trials(setup, tasks)), ("training", trainings(setup, tasks))):
            yield stage, [job for job in jobs if depth[job.entry] == level]
    yield "scoring", list(scores(setup, tasks))


def trials(setup: Setup, tasks: TaskList) -> Iterator[Job]:
    for entry, found in enumerate(setup.entries):
        if found.tune:
            for fold in range(len(tasks.folds)):
                yield from (Job("try", entry, fold, index=i) for i in range(setup.protocol.tune.trials))


def trainings(setup: Setup, tasks: TaskList) -> Iterator[Job]:
    for entry, found in enumerate(setup.entries):
        if found.train is not None:
            for fold in range(len(tasks.folds)):
                yield from (Job("train", entry, fold, seed) for seed in range(setup.protocol.tasks.seeds))


def scores(setup: Setup, tasks: TaskList) -> Iterator[Job]:
    ranges = list(chunks(tasks.tasks, CHUNK))
    for entry in [index for index, found in enumerate(setup.entries) if found.listed]:
        for seed in range(setup.protocol.tasks.seeds):
            for start, end in ranges:
                yield Job("score", entry, tasks.tasks[start].fold, seed, start=start, end=end)


def work_off(
    setup: Setup,
    folder: Path,
    stage: str,
    jobs: list[Job],
    workers: int,
    progress: Progress | None,
    make: type[Work] = Work,
) -> None:
    """Every job whose file isn't there yet."""
    left = [job for job in jobs if not (folder / PARTS / job.name).exists()]
    done = len(jobs) - len(left)
    if progress and jobs:
        progress(stage, done, len(jobs))
    for number, _ in enumerate(in_order(make, setup, left, min(workers, max(1, len(left)))), start=1):
        if progress:
            progress(stage, done + number, len(jobs))


def part(folder: Path, job: Job) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / PARTS / job.name).read_text("utf-8"))
    return found


def notes_of(folder: Path, setup: Setup, tasks: TaskList) -> list[str]:
    """What was left out while scoring, each once."""
    found = [note for job in scores(setup, tasks) for note in part(folder, job)["notes"]]
    return list(dict.fromkeys([*tasks.notes, *found]))
