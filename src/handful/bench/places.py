"""Rows of examples: an even choice of them, and how far they lie from each other."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree


def spread(rows: np.ndarray, most: int) -> np.ndarray:
    """At most so many rows, evenly over the site; all where `most` is 0."""
    if not most or len(rows) <= most:
        return rows
    return np.sort(rows)[np.linspace(0, len(rows) - 1, most).round().astype(int)]


def nearest_m(metres: np.ndarray, support: np.ndarray) -> np.ndarray:
    """Metres from each example to the nearest of the support; NaN where nobody knows the places."""
    known = np.isfinite(metres).all(1)
    shown, found = metres[support][known[support]], np.full(len(metres), np.nan)
    if len(shown):
        found[known] = cKDTree(shown).query(metres[known])[0]
    return found


def ints(rows: np.ndarray) -> tuple[int, ...]:
    return tuple(sorted(int(row) for row in rows))
