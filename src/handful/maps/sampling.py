"""Valid pixels from all over a scene: seeded blocks of it, so that a huge scene costs as little as a small one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from .fits import Stored
from .grid import Grid, Window

SIDE = 64  # pixels of a block
ENOUGH = 32  # blocks with valid pixels
TRIES = 1024  # blocks that are tried before the scene is searched strip by strip
STRIP = 2**24  # values of a strip

Read = Callable[[Window], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Sample:
    """Valid pixels: values (m, bands), rows and columns (m,)."""

    values: np.ndarray
    rows: np.ndarray
    columns: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


def sample(read: Read, grid: Grid, bands: int, count: int, seed: int, stored: Stored | None = None) -> Sample:
    """Up to `count` valid pixels, the same for the same seed; empty where the scene has none.

    stored  where a sparse file has pixels at all
    """
    rng = np.random.default_rng([seed, 7_013])
    some = None if stored is None else _numbers(grid, stored)
    places = _order(grid, rng, some)
    share = -(-2 * count // min(ENOUGH, _blocks(grid)))
    found = _take(read, places[:TRIES], share, count, seed)
    if not len(found) and len(places) > TRIES:
        found = _take(read, _search(read, grid, bands, some), share, count, seed)
    if len(found) < count and len(places) <= TRIES:
        found = _take(read, places, count, count, seed)  # few blocks are valid: take more of each
    if len(found) <= count:
        return found
    kept = np.sort(rng.choice(len(found), count, replace=False))
    return Sample(found.values[kept], found.rows[kept], found.columns[kept])


def _blocks(grid: Grid) -> int:
    return -(-grid.height // SIDE) * -(-grid.width // SIDE)


def _numbers(grid: Grid, stored: Stored) -> np.ndarray:
    """Numbers of the blocks that overlap a stored block of a sparse file."""
    top, left = stored.numbers // stored.across * stored.height, stored.numbers % stored.across * stored.width
    down = np.arange(stored.height // SIDE + 2)[:, None] * SIDE
    right = np.arange(stored.width // SIDE + 2) * SIDE
    found: set[int] = set()
    for row, column in zip(top.tolist(), left.tolist(), strict=True):
        rows = np.minimum(row + down, min(row + stored.height, grid.height) - 1) // SIDE
        columns = np.minimum(column + right, min(column + stored.width, grid.width) - 1) // SIDE
        found.update((rows * -(-grid.width // SIDE) + columns).ravel().tolist())
    return np.array(sorted(found), int)


def _order(grid: Grid, rng: np.random.Generator, some: np.ndarray | None) -> list[Window]:
    """Blocks in a seeded order: all of them in a small scene, so many in a large one; only `some` if given."""
    total = _blocks(grid) if some is None else len(some)
    across = -(-grid.width // SIDE)
    numbers = np.unique(rng.integers(0, total, 2 * TRIES)) if total > 4 * TRIES else np.arange(total)
    numbers = numbers if some is None else some[numbers]
    return [_block(grid, int(n) // across * SIDE, int(n) % across * SIDE) for n in rng.permutation(numbers)]


def _block(grid: Grid, row: int, column: int) -> Window:
    return Window(row, column, min(SIDE, grid.height - row), min(SIDE, grid.width - column))


def _take(read: Read, places: Iterable[Window], share: int, count: int, seed: int) -> Sample:
    """Up to `share` valid pixels of each block, until there are enough blocks and pixels."""
    parts: list[Sample] = []
    pixels = 0
    for place in places:
        values, valid = read(place)
        rows, columns = np.nonzero(valid)
        if not len(rows):
            continue
        own = np.random.default_rng([seed, place.row, place.column])
        kept = np.sort(own.choice(len(rows), min(share, len(rows)), replace=False))
        rows, columns = rows[kept], columns[kept]
        parts.append(Sample(values[:, rows, columns].T, rows + place.row, columns + place.column))
        pixels += len(kept)
        if len(parts) >= ENOUGH and pixels >= count:
            break
    if not parts:
        nothing = np.zeros(0, int)
        return Sample(np.zeros((0, 0), np.float32), nothing, nothing)
    joined = ([getattr(part, name) for part in parts] for name in ("values", "rows", "columns"))
    return Sample(*(np.concatenate(pieces) for pieces in joined))


def _search(read: Read, grid: Grid, bands: int, some: np.ndarray | None) -> Iterator[Window]:
    """Blocks with a valid pixel, strip by strip from the north, so that each strip is read once."""
    height = max(SIDE, STRIP // (grid.width * bands) // SIDE * SIDE)
    width = max(SIDE, STRIP // (height * bands) // SIDE * SIDE)
    for row in range(0, grid.height, height):
        for column in range(0, grid.width, width):
            strip = Window(row, column, min(height, grid.height - row), min(width, grid.width - column))
            if some is not None and not _any_in(some, strip, grid):
                continue
            _, valid = read(strip)
            rows, columns = np.nonzero(valid)
            for place in np.unique(np.stack([rows // SIDE, columns // SIDE], 1), axis=0):
                yield _block(grid, row + int(place[0]) * SIDE, column + int(place[1]) * SIDE)


def _any_in(some: np.ndarray, strip: Window, grid: Grid) -> bool:
    """Whether one of the blocks lies in a strip."""
    rows, columns = some // -(-grid.width // SIDE) * SIDE, some % -(-grid.width // SIDE) * SIDE
    in_rows = (rows >= strip.row) & (rows < strip.row + strip.height)
    return bool((in_rows & (columns >= strip.column) & (columns < strip.column + strip.width)).any())
