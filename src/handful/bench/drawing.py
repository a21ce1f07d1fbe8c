"""Tasks drawn from sites: nested supports, the same query at every number of shots, classes that can afford it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..data import DataSet
from ..errors import DataError, HandfulError
from ..problem import Classes
from ..region import Region
from .folds import Fold, own_groups
from .posing import images_with_labels
from .protocol import Tasks
from .supports import Pool
from .tasks import Drawn

WAYS, QUERIES, COUNT = {"class": 5, "kind": 1}, {"class": 15, "kind": 1}, 600  # where sites are classes, or kinds
BACKGROUND = "background"
Read = Callable[[str], Region]


@dataclass
class Drawer:
    """Draws the tasks of one part of the sites, and remembers what it couldn't draw.

    keep_going  leave out a site that cannot be read, instead of raising DataError
    """

    data: DataSet
    read: Read
    groups: Mapping[str, str]
    rules: Tasks
    unit: str
    hidden: bool
    keep_going: bool = False

    def __post_init__(self) -> None:
        self.prints: dict[str, str] = {}
        self.classes: dict[str, list[str]] = {}
        self.notes: list[str] = []
        self.own = own_groups(self.groups)

    def tasks(self, fold: Fold, number: int, sites: Sequence[str], seed: int) -> list[Drawn]:
        """All tasks of these sites; the same for the same seed, whatever else is drawn."""
        if self.data.site_is != "place":
            return list(self.of_classes(number, fold.name, sites, seed))
        rng = np.random.default_rng([seed, 2])
        some = sites
        if self.rules.count and self.rules.count < len(sites):
            some = sorted(rng.choice(sorted(sites), self.rules.count, replace=False).tolist())
        found = [task for site in some for task in self.of_place(number, fold.name, site, seed)]
        for shots in self.rules.shots:
            without = len(some) - len({task.name for task in found if task.shots == shots})
            if without:
                self.notes.append(f"{without} of {len(some)} sites have too few labels for {shots} shots")
        return found

    def region(self, site: str) -> Region | None:
        try:
            region = self.read(site)
        except HandfulError as why:
            if not self.keep_going:
                raise DataError(f"{why} (--keep-going leaves its tasks out)") from why
            self.notes.append(f"left out site '{site}': {why}")
            return None
        self.prints[site] = print_of(region)
        problem = region.examples.problem
        if isinstance(problem, Classes) and self.data.site_is == "place":
            self.classes["" if problem == self.data.problem else site] = list(problem.names)
        return region

    def of_place(self, number: int, split: str, site: str, seed: int) -> Iterator[Drawn]:
        region = self.region(site)
        if region is None:
            return
        fixed = region.support is not None and int(region.support.sum()) > 0
        draws = 1 if fixed or self.rules.order == "first" else self.rules.draws
        unit = {"group": self.own[site], "site": site, "task": site, "split": split or site}[self.unit]
        for draw in range(draws):
            rng = np.random.default_rng([seed, number_of(site), draw])
            pool = Pool.of(region, rng, self.rules)
            for shots in self.rules.shots:
                parts = pool.task(shots, self.rules)
                if parts is not None:
                    order = pool.order(parts.classes, self.hidden, rng)
                    yield Drawn(
                        number, site, unit, (site,), order, shots, draw, parts.support, parts.query, parts.apart
                    )

    def of_classes(self, number: int, split: str, sites: Sequence[str], seed: int) -> Iterator[Drawn]:
        """`count` tasks of `ways` classes of images each; of kinds of things the background is a class beside them."""
        read = {site: region.examples for site in sites if (region := self.region(site)) is not None}
        sizes = {site: len(examples) for site, examples in read.items()}
        usable = {site: images_with_labels(examples) for site, examples in read.items()}
        kinds, is_a = int(self.data.site_is == "kind"), self.data.site_is
        ways, queries = self.rules.ways or WAYS[is_a], self.rules.queries or QUERIES[is_a]
        most = max(self.rules.shots)
        fit = sorted(site for site, some in usable.items() if len(some) >= most + max(self.rules.spare, 1))
        if len(fit) < len(sizes):
            self.notes.append(f"{len(sizes) - len(fit)} classes have too few images for {most} shots")
        if len(fit) < ways:
            raise DataError(
                f"{len(fit)} classes have images enough for {most} shots, but a task has {ways}: use fewer."
            )
        for index in range(self.rules.count or COUNT):
            rng = np.random.default_rng([seed, number, index])
            chosen = [fit[i] for i in rng.choice(len(fit), ways, replace=False)]
            starts = np.cumsum([0, *(sizes[site] for site in chosen)])
            rows = [start + rng.permutation(usable[site]) for start, site in zip(starts, chosen)]
            asked = tuple(sorted(int(r) for of in rows for r in of[most : most + queries]))
            name = f"{index:04d}"
            unit = {"split": split or name, "group": name, "site": name, "task": f"{split} {name}".strip()}[self.unit]
            for shots in self.rules.shots:
                support = tuple(sorted(int(r) for of in rows for r in of[:shots]))
                yield Drawn(number, name, unit, tuple(chosen), tuple(range(kinds + ways)), shots, 0, support, asked)


def number_of(text: str) -> int:
    """A seed from a name."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")


def print_of(region: Region) -> str:
    """A short checksum of a site's labels."""
    return hashlib.sha256(np.ascontiguousarray(region.examples.targets.numpy()).tobytes()).hexdigest()[:16]
