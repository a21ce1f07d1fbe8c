"""The fixed blocks, anchored at the raster's origin, in which everything is computed."""

from __future__ import annotations

from collections.abc import Iterator

from .grid import Window

BLOCK = 512  # pixels a side; windows and workers only group blocks, so they can't change an answer


def blocks(height: int, width: int, window: int = 0) -> Iterator[list[Window]]:
    """The blocks of a raster in groups, one group a window of so many pixels a side (at least one block)."""
    step = max(1, window // BLOCK)
    rows, columns = range(0, height, BLOCK), range(0, width, BLOCK)
    for top in range(0, len(rows), step):
        for left in range(0, len(columns), step):
            yield [
                Window(row, column, min(BLOCK, height - row), min(BLOCK, width - column))
                for row in rows[top : top + step]
                for column in columns[left : left + step]
            ]


def grown(window: Window, margin: int) -> Window:
    """The window with a margin on every side; it may reach beyond the raster."""
    return Window(window.row - margin, window.column - margin, window.height + 2 * margin, window.width + 2 * margin)
