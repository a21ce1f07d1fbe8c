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
        """Take in settled pixels; strata (m,) are their classes, 0 for a quantity; a feature has but one."""
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
    sizes: np.ndarray = np.bincount(features)[features]
    return sizes


def _first(strata: np.ndarray, features: np.ndarray, keys: np.ndarray, limit: int) -> np.ndarray:
    """Indices (m,) of the pixels kept: those of lowest (rank in the feature, key) in each stratum.

    A feature belongs to one stratum. Keys lie below 1, so that a sum sorts by a whole number, then by the key.
    """
    if np.bincount(strata).max() <= limit:
        return np.arange(len(strata))
    ranks = np.empty(len(strata), np.int64)
    order = np.argsort(features + keys)
    ranks[order] = _positions(features[order])
    order = np.argsort(strata * (ranks.max() + 1) + ranks + keys)
    return np.sort(order[_positions(strata[order]) < limit])


def _positions(column: np.ndarray) -> np.ndarray:
    """(m,): how many rows before each one, in a sorted column, are equal to it."""
    start = np.flatnonzero(np.r_[True, column[1:] != column[:-1]])
    return np.arange(len(column)) - np.repeat(start, np.diff(np.r_[start, len(column)]))
