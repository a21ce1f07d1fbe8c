"""The sites of a data set as a process reads them, one at a time and checked against the list of tasks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import torch

from ..data import DataSet
from ..errors import DataError
from ..region import Region
from ..task import Inputs
from .drawing import print_of

CACHE = 512 << 20  # bytes that a process keeps


class Regions:
    """Sites as they are read, the last ones kept in memory."""

    def __init__(self, data: DataSet, root: str | Path, prints: Mapping[str, str]):
        self.data, self.root, self.prints = data, Path(root), prints
        self.groups = self.data.groups(self.root)
        self.kept: OrderedDict[str, Region] = OrderedDict()

    def __call__(self, site: str) -> Region:
        if site in self.kept:
            self.kept.move_to_end(site)
            return self.kept[site]
        region = self.data.read(self.root, site, self.groups.get(site, ""))
        if self.prints.get(site, "") not in ("", print_of(region)):
            raise DataError(f"site '{site}' under {self.root} isn't as it was when the tasks were drawn.")
        self.kept[site] = region
        while len(self.kept) > 1 and sum(size_of(r.examples.inputs) for r in self.kept.values()) > CACHE:
            self.kept.popitem(last=False)
        return region


def size_of(inputs: Inputs) -> int:
    tensors = [inputs] if isinstance(inputs, torch.Tensor) else list(inputs.values())
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
