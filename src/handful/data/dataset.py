"""A data set on disk: which sites it has, and how one of them is read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataError
from ..problem import Problem
from ..region import Region


@dataclass(frozen=True)
class DataSet:
    """A data set by the name that recipes and the command line use. Nothing is read before it is asked for.

    problem  what its targets are
    bands    the names of its bands, in order
    sites    root -> the group of each site, by the site's name
    read     root, site, group -> the region
    source   where to get it, under which licence
    layout   what the root holds
    """

    name: str
    problem: Problem
    bands: tuple[str, ...]
    sites: Callable[[Path], dict[str, str]]
    read: Callable[[Path, str, str], Region]
    source: str
    layout: str
    radiometry: str = "reflectance"

    def groups(self, root: str | Path) -> dict[str, str]:
        """The group of each site. Raises DataError that says where to get the data where they are missing."""
        root = Path(root)
        found = self.sites(root) if root.is_dir() else {}
        if not found:
            what = "holds no site" if root.is_dir() else "is not a folder"
            raise DataError(f"{root} {what} of the data set '{self.name}'. Expected: {self.layout}. {self.source}")
        return found

    def regions(self, root: str | Path, names: Collection[str], groups: Mapping[str, str]) -> list[Region]:
        """The regions of some sites, in the order of their names. Raises DataError that names a broken file."""
        return [self.read(Path(root), name, groups.get(name, "")) for name in sorted(names)]
