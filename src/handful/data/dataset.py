"""A data set on disk: which sites it has, and how one of them is read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ..errors import DataError
from ..problem import Problem
from ..region import Region


@dataclass(frozen=True)
class DataSet:
    """A data set by the name that recipes and the command line use. Nothing is read before it is asked for.

    problem  what its targets are; None where each region has classes of its own
    bands    the names of its bands, in order
    sites    root -> the group of each site, by the site's name; groups never part between training and test
    read     root, site, group -> the region
    source   where to get it, under which licence
    layout   what the root holds
    site_is  "place": a task is drawn from one site. "class": each site is a class of images, and a task joins several.
             "kind": each site is one kind of thing in images with masks (background 0, the thing 1); a task joins
             several, and a label is a whole image
    shared   whether a class means the same in every region, so that an evaluation task has to hide which is which
    turns    whether an image that is turned or mirrored is still of its class
    family   what several data sets are made of, such as the same images in other bands; of one, no other is trained on
    splits   root -> the data set's own splits, by name: the part ("train", "validation" or "test") of each site in it
    about    root -> fields that are known only from what is on disk: bands and classes of a person's own regions
    """

    name: str
    problem: Problem | None
    bands: tuple[str, ...]
    sites: Callable[[Path], dict[str, str]]
    read: Callable[[Path, str, str], Region]
    source: str
    layout: str
    radiometry: str = "reflectance"
    site_is: Literal["place", "class", "kind"] = "place"
    shared: bool = True
    turns: bool = True
    family: str = ""
    splits: Callable[[Path], Mapping[str, Mapping[str, str]]] = field(default=lambda root: {})
    about: Callable[[Path], Mapping[str, Any]] = field(default=lambda root: {})

    def at(self, root: str | Path) -> DataSet:
        """The data set as it is under a root. Raises DataError where that cannot be read."""
        self.groups(root)
        return replace(self, **self.about(Path(root)))

    @property
    def remedy(self) -> str:
        """What to do where a file is missing or odd: a sentence or two."""
        return f"Expected: {self.layout}. {self.source}"

    def groups(self, root: str | Path) -> dict[str, str]:
        """The group of each site. Raises DataError that says where to get the data where they are missing."""
        root = Path(root)
        found = self.sites(root) if root.is_dir() else {}
        if not found:
            what = "holds no site" if root.is_dir() else "is not a folder"
            raise DataError(f"{root} {what} of the data set '{self.name}'. {self.remedy}")
        return found

    def regions(self, root: str | Path, names: Collection[str], groups: Mapping[str, str]) -> list[Region]:
        """The regions of some sites, in the order of their names. Raises DataError that names a broken file."""
        return [self.read(Path(root), name, groups.get(name, "")) for name in sorted(names)]
