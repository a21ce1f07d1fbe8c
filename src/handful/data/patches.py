"""The classes that a region has, the majority of a patch, and a draw of patches where a region has too many."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch

from ..problem import UNLABELLED, Classes
from ..task import Examples, Inputs

T = TypeVar("T")


def of_present_classes(inputs: Inputs, codes: np.ndarray, names: tuple[str, ...]) -> Examples:
    """Examples of the classes that are there, from indices into all `names` (n, ...), -100 for unlabelled.

    The index into all names stays in `base_targets`. Where fewer than two classes are there, all names stay: a region
    of one class makes no task.
    """
    base = torch.from_numpy(codes.astype(np.int64))
    there = base[base != UNLABELLED].unique()
    if len(there) < 2:
        return Examples(inputs, base, Classes(names), base)
    place = torch.full((len(names),), UNLABELLED)
    place[there] = torch.arange(len(there))
    targets = torch.where(base == UNLABELLED, UNLABELLED, place[base.clamp(min=0)])
    return Examples(inputs, targets, Classes(tuple(names[index] for index in there.tolist())), base)


def majority(codes: np.ndarray, classes: int) -> int:
    """The class that most labelled pixels have, the first of several; -100 where no pixel is labelled."""
    known = codes[codes != UNLABELLED]
    return int(np.bincount(known, minlength=classes).argmax()) if len(known) else UNLABELLED


def drawn(items: Sequence[T], most: int, name: str) -> list[T]:
    """At most so many of the items, in their order: the same ones for the same name."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return [items[index] for index in sorted(rng.permutation(len(items))[:most])]


def parts(names: Sequence[str], shares: dict[str, int], seed: int = 0) -> dict[str, str]:
    """Names dealt at random to parts in proportion to their shares, the same for the same seed.

    >>> sorted(parts("abcde", {"train": 3, "validation": 1, "test": 1}).values())
    ['test', 'train', 'train', 'train', 'validation']
    """
    order = np.random.default_rng(seed).permutation(sorted(names))
    ends = np.cumsum(list(shares.values())) * len(order) / sum(shares.values())
    return {str(name): list(shares)[int((index >= ends).sum())] for index, name in enumerate(order)}
