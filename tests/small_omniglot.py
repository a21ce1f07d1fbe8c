"""Omniglot without its drawings: characters that have a stroke of their own, dealt to the parts of its splits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from handful.data import DataSet, find_data
from handful.problem import Classes
from handful.region import Region
from handful.task import Examples


def character(root: Path, name: str, group: str) -> Region:
    """20 drawings that have a stroke of their class's own."""
    rng = np.random.default_rng(sum(map(ord, name)))
    ink = np.clip(rng.uniform(size=(1, 1, 28, 28)) + rng.normal(0, 0.1, (20, 1, 28, 28)), 0, 1).astype(np.float32)
    return Region(name, Examples(torch.from_numpy(ink), torch.zeros(20, dtype=torch.long), Classes((name,))))


def stand_in(name: str, sites: int) -> DataSet:
    parts = {f"s{k}": ("train", "validation", "test")[k % 3] for k in range(sites)}
    return replace(
        find_data(name),
        sites=lambda root: dict.fromkeys(parts, ""),
        read=character,
        splits=lambda root: {"vinyals": parts, "1100-100-423": parts},
    )
