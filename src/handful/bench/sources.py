"""What a learner of a bench is trained on: the train sites of a split, or other data sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from ..data import DATASETS, DataSet, find_data
from ..errors import DataError, SettingsError
from ..problem import Classes, Problem
from ..region import Region
from .features import Features

AS_THEY_ARE = Features()


@dataclass(frozen=True)
class Source:
    """Sites of one data set to be trained on, read when their regions are first asked for.

    foreign     of another data set than the protocol's own: regions are called 'aid/Beach' then
    keep_going  leave out a site that cannot be read, instead of raising DataError
    features    what is seen of its images
    """

    data: DataSet
    root: Path
    sites: tuple[str, ...]
    foreign: bool = False
    keep_going: bool = False
    features: Features = AS_THEY_ARE

    @property
    def key(self) -> list[str]:
        """What a training depends on beside the split, which says itself what its own sites are."""
        return [self.name_of(site) for site in self.sites] if self.foreign else []

    @cached_property
    def regions(self) -> list[Region]:
        return list(self.read())

    def read(self) -> Iterator[Region]:
        """Every site in turn. Raises DataError that names one that cannot be read, unless they are to be left out."""
        groups = self.data.groups(self.root)
        for site in self.sites:
            try:
                read = partial(self.data.read, self.root, site, groups.get(site, ""))
                yield self.named(self.features.seen(f"{self.data.name}/{site}", read))
            except DataError as why:
                if not self.keep_going:
                    raise DataError(f"{why} (--keep-going trains without it)") from why

    def named(self, region: Region) -> Region:
        return replace(region, name=self.name_of(region.name))

    def name_of(self, site: str) -> str:
        return f"{self.data.name}/{site}" if self.foreign else site


def foreign(name: str, root: Path, keep_going: bool, features: Features = AS_THEY_ARE) -> Source:
    """All sites of another data set. Raises DataError where it isn't under the root."""
    data = find_data(name).at(root)
    return Source(data, root, tuple(sorted(data.groups(root))), True, keep_going, features)


def class_names(problems: Iterable[Problem]) -> tuple[str, ...]:
    """Every class that regions have, once, sorted by name: a column each for pretraining."""
    return tuple(sorted({name for problem in problems if isinstance(problem, Classes) for name in problem.names}))


def check_sets(label: str, sets: Sequence[str], own: str) -> None:
    """Raise SettingsError where a learner can't be trained on these data sets, or must not for what it is tested on."""
    for name in sets:
        data, tested = find_data(name), find_data(own)
        if name == own:
            raise SettingsError(
                f"learner '{label}' train.data names '{own}', whose sites are tested on: leave data out to train on "
                "the sites that the split has for it."
            )
        if data.family and data.family == tested.family:
            raise SettingsError(
                f"learner '{label}' train.data names '{name}', which is made of the same images as '{own}': a learner "
                "would be trained on what it is tested on. Take another."
            )
        if data.site_is != "class":
            several = [known for known, found in DATASETS.items() if found.site_is == "class"]
            raise SettingsError(
                f"learner '{label}' train.data names '{name}', but only sets whose sites are classes of images can be "
                f"trained on so: {', '.join(several)}."
            )


def check_bands(label: str, sets: Sequence[str], own: DataSet) -> None:
    """Raise SettingsError where another data set has more or fewer bands."""
    for name in sets:
        bands = find_data(name).bands
        if len(bands) != len(own.bands):
            raise SettingsError(
                f"learner '{label}' is to be trained on '{name}', which has {len(bands)} bands ({', '.join(bands)}), "
                f"but '{own.name}' has {len(own.bands)} ({', '.join(own.bands)}): take a set with as many."
            )


def roots_of(given: Sequence[str], own: str, named: Sequence[str]) -> tuple[Path, Mapping[str, Path]]:
    """The folder of the protocol's data set, and of others by name, from 'DIR' and 'NAME=DIR'.

    own    name of the protocol's data set; named: the others that its learners are trained on
    A folder with a '=' in its name is meant where what stands before it names no data set. Raises SettingsError where
    a folder is missing, given twice, or of a data set that isn't asked for.
    """
    found: dict[str, Path] = {}
    for text in given:
        name, mark, rest = text.partition("=")
        name, place = (name, rest) if mark and name in DATASETS else (own, text)
        if name in found:
            raise SettingsError(f"--root gives two folders for '{name}', {found[name]} and {place}: give one.")
        if name != own and name not in named:
            raise SettingsError(f"--root gives a folder for '{name}', but no learner has it in train.data.")
        found[name] = Path(place)
    if own not in found:
        raise SettingsError(f"--root gives no folder for '{own}', the protocol's data set: add --root DIR.")
    return found.pop(own), found


def names_of(label: str, given: Any) -> tuple[str, ...]:
    """The names in train.data. Raises SettingsError where they aren't a list of distinct names."""
    fits = isinstance(given, list | tuple) and given and all(isinstance(name, str) for name in given)
    if not fits or len(set(given)) < len(given):
        raise SettingsError(
            f"learner '{label}' train.data is {given!r}: give names of data sets, each once, such as [\"aid\"]."
        )
    return tuple(given)
