"""What a test set gives away: shared parent tiles, copies of images, queries next to their support."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from scipy.ndimage import distance_transform_edt

from ..data import DataSet
from ..errors import DataError
from ..region import Region
from .copies import Prints, copies, images_of, prints_of
from .places import nearest_m
from .posing import own_targets, query_rows
from .tasks import Drawn, TaskList

SHOWN = 20  # findings of a kind that are named
PARTS = ("train", "validation", "test")


def leaks(tasks: TaskList, data: DataSet, read: Callable[[str], Region]) -> dict[str, Any]:
    """The leakage report of a list of tasks.

    tasks   the numbers of tasks whose support and query share an origin or a picture
    within  what support and query share: sentences and counts
    splits  what training, validation and test share
    near    distances between a query example and the nearest of its support
    """
    looked = Looked(data, read)
    within = [finding for number, task in enumerate(tasks.tasks) for finding in looked.within(number, task)]
    between = [finding for fold in range(len(tasks.folds)) for finding in looked.between(tasks, fold)]
    return {
        "tasks": sorted({finding["task"] for finding in within}),
        "within": {"counts": counts(within), "shown": within[:SHOWN]},
        "splits": {"counts": counts(between), "shown": between[:SHOWN]},
        "near": looked.distances(tasks.tasks),
        "images": looked.images,
        "unread": looked.unread,
    }


def counts(findings: Iterable[dict[str, Any]]) -> dict[str, int]:
    return dict(sorted(Counter(finding["kind"] for finding in findings).items()))


class Looked:
    """Sites as their origins and prints, read once."""

    def __init__(self, data: DataSet, read: Callable[[str], Region]):
        self.data, self.read = data, read
        self.kept: dict[str, tuple[tuple[str, ...], Prints | None]] = {}
        self.images, self.unread = 0, 0

    def of(self, site: str) -> tuple[tuple[str, ...], Prints | None]:
        """The origins of a site's examples, and prints of its images; none of a site that cannot be read."""
        if site not in self.kept:
            try:
                region = self.read(site)
            except DataError:
                self.unread += 1
                self.kept[site] = (), None
                return self.kept[site]
            inputs = region.examples.inputs
            prints = prints_of(inputs) if images_of(inputs).dim() == 4 else None
            self.images += 0 if prints is None else len(prints)
            self.kept[site] = region.origins, prints
        return self.kept[site]

    def within(self, number: int, task: Drawn) -> list[dict[str, Any]]:
        """What support and query of a task share; maps share their image by design."""
        parts = [self.of(site) for site in task.regions]
        origins = [origin for found, _ in parts for origin in found]
        prints = [found for _, found in parts if found is not None]
        if task.query is None:
            return []
        found = []
        if origins and max(*task.support, *task.query) < len(origins):
            shared = {origins[row] for row in task.support} & {origins[row] for row in task.query}
            found += [told("shared origin", task, number, origin) for origin in sorted(shared - {""})]
        every = Prints.joined(prints)
        if every is not None and max(*task.support, *task.query) < len(every):
            support, query = list(task.support), list(task.query)
            for row, place, kind in copies(every.some(support), every.some(query)):
                found.append(told(WORDS[kind], task, number, f"examples {support[row]} and {query[place]}"))
        return found

    def between(self, tasks: TaskList, number: int) -> list[dict[str, Any]]:
        """What two parts of a split share."""
        fold = tasks.folds[number]
        found: list[dict[str, Any]] = []
        for place, first in enumerate(PARTS):
            for second in PARTS[place + 1 :]:
                pair = f"{first} and {second}" + (f" of {fold.name}" if fold.name else "")
                found += self.shared_origins(getattr(fold, first), getattr(fold, second), pair)
                found += self.shared_images(getattr(fold, first), getattr(fold, second), pair)
        return found

    def shared_origins(self, first: Sequence[str], second: Sequence[str], pair: str) -> list[dict[str, Any]]:
        seen = {origin for site in first for origin in self.of(site)[0]}
        both = {origin for site in second for origin in self.of(site)[0]} & seen
        return [{"kind": "shared origin", "where": pair, "what": origin} for origin in sorted(both - {""})]

    def shared_images(self, first: Sequence[str], second: Sequence[str], pair: str) -> list[dict[str, Any]]:
        sides = [self.side(sites) for sites in (first, second)]
        (names, prints), (others, their) = sides
        if prints is None or their is None:
            return []
        return [
            {"kind": WORDS[kind], "where": pair, "what": f"{names[row]} and {others[place]}"}
            for row, place, kind in copies(prints, their)
        ]

    def side(self, sites: Sequence[str]) -> tuple[list[str], Prints | None]:
        found = [(site, prints) for site in sites if (prints := self.of(site)[1]) is not None]
        names = [f"{site} image {row}" for site, prints in found for row in range(len(prints))]
        return names, Prints.joined([prints for _, prints in found])

    def distances(self, tasks: Sequence[Drawn]) -> dict[str, Any] | None:
        """The fewest, median and most of each task's median distance to the support; metres, or pixels of maps."""
        found, unit = [], ""
        for task in first_draws(tasks):
            away, unit = self.away(task)
            if len(away):
                found.append((float(away.min()), float(np.median(away))))
        if not found:
            return None
        nearest, middle = np.array(found).T
        return {"unit": unit, "nearest": float(nearest.min()), "median": float(np.median(middle)), "tasks": len(found)}

    def away(self, task: Drawn) -> tuple[np.ndarray, str]:
        """Of each query example, how far the nearest of the support is."""
        if len(task.regions) > 1 or self.data.site_is != "place":
            return np.zeros(0), ""
        try:
            region = self.read(task.regions[0])
        except DataError:
            return np.zeros(0), ""
        examples, support = region.examples, np.array(task.support)
        query = query_rows(own_targets(examples, task), task).numpy()
        if region.metres is not None and len(region.metres) == len(examples):
            away = nearest_m(region.metres, support)[query] if examples.targets.dim() == 1 else np.zeros(0)
            return away[np.isfinite(away)], "m"
        if examples.targets.dim() == 3 and len(examples) == 1:
            mask = np.ones(examples.targets.numel(), bool)
            mask[support] = False
            return distance_transform_edt(mask.reshape(examples.targets.shape[1:])).flatten()[query], "pixels"
        return np.zeros(0), ""


WORDS = {"exact": "same or turned image", "near": "near copy"}


def told(kind: str, task: Drawn, number: int, what: str) -> dict[str, Any]:
    return {"kind": kind, "task": number, "where": f"task {task.name}, {task.shots} a class", "what": what}


def first_draws(tasks: Sequence[Drawn]) -> list[Drawn]:
    """One task a site: distances hardly depend on the draw."""
    return list({task.regions: task for task in reversed(tasks)}.values())
