"""At most so many pixels a class, chosen at random and spread over features, from a stream of any length."""

from __future__ import annotations

from collections import Counter

import numpy as np

from handful.maps.label_pixels import NONE, Pixels, join


class Thinned:
    """What is kept of a stream of pixels; `add` in any order of blocks.

    Within a class the first pixels of all features come before their second ones, and so on, each in the
    order of a random key. A pixel once dropped would never come back: features only ever fill up.
    """

    def __init__(self, limit: int | None, seed: int) -> None:
        self.limit, self.seed = limit, seed
        self.pixels, self.keys, self.strata = NONE, np.empty(0), np.empty(0, np.int64)
        self.seen: Counter[int] = Counter()

    def add(self, pixels: Pixels, strata: np.ndarray) -> None:
        """Take in settled pixels; strata (m,) names the class of each, 0 for a quantity."""
        if not len(pixels.where):
            return
        names, counts = np.unique(strata, return_counts=True)
        self.seen.update(dict(zip(names.tolist(), counts.tolist(), strict=True)))
        keys = np.random.default_rng([self.seed, int(pixels.where[0])]).random(len(pixels.where))
        if self.limit is not None:  # far more than are kept in the end: sorting them all would take long
            few = keys < (4 * self.limit + 100) / _sizes(pixels.feature)
            pixels, keys, strata = pixels.take(few), keys[few], strata[few]
        self.pixels = join([self.pixels, pixels])
        self.keys, self.strata = np.concatenate([self.keys, keys]), np.concatenate([self.strata, strata])
        if self.limit is not None:
            keep = _first(self.strata, self.pixels.feature, self.keys, self.limit)
            self.pixels, self.keys, self.strata = self.pixels.take(keep), self.keys[keep], self.strata[keep]

    def ordered(self) -> Pixels:
        return self.pixels.take(np.argsort(self.pixels.where, kind="stable"))


def _sizes(features: np.ndarray) -> np.ndarray:
    """(m,): the number of pixels of the feature of each pixel."""
    _, which, counts = np.unique(features, return_inverse=True, return_counts=True)
    sizes: np.ndarray = counts[which]
    return sizes


def _first(strata: np.ndarray, features: np.ndarray, keys: np.ndarray, limit: int) -> np.ndarray:
    """Indices (m,) of the pixels kept: those of lowest (rank in the feature, key) in each stratum."""
    if np.bincount(np.unique(strata, return_inverse=True)[1]).max() <= limit:
        return np.arange(len(strata))
    ranks = np.empty(len(strata), np.int64)
    order = np.lexsort((keys, features, strata))
    ranks[order] = _positions(strata[order], features[order])
    order = np.lexsort((keys, ranks, strata))
    return np.sort(order[_positions(strata[order]) < limit])


def _positions(*columns: np.ndarray) -> np.ndarray:
    """(m,): how many rows before each one, in sorted columns, are equal to it."""
    new = np.any([np.r_[True, column[1:] != column[:-1]] for column in columns], axis=0)
    start = np.flatnonzero(new)
    return np.arange(len(new)) - np.repeat(start, np.diff(np.r_[start, len(new)]))
