"""Peaks of a raster of similarity: what lies beyond a scene's edge says nothing."""

import numpy as np
import pytest

from handful.find.peaks import apart, contrast, peaks

SIDE, MARGIN, THING = 60, 22, 10
CORE = slice(MARGIN, MARGIN + SIDE), slice(MARGIN, MARGIN + SIDE)
SIZES = np.array([[THING, THING]])


def window(row: int, column: int, plain: float = 0.5) -> np.ndarray:
    """A plain scene with one bright square, in a window that is NaN beyond the scene's edge."""
    scene = np.full((SIDE, SIDE), plain, np.float32)
    scene[row : row + THING, column : column + THING] = 1.0
    return np.pad(scene, MARGIN, constant_values=np.nan)


@pytest.mark.parametrize("plain", [0.5, -0.3, 0.7])
def test_only_the_bright_square_is_a_peak_and_no_corner(plain: float) -> None:
    found = apart(peaks(window(25, 25, plain), SIZES, 0.05, CORE))
    np.testing.assert_allclose(found, [[25 + MARGIN, 25 + MARGIN, 35 + MARGIN, 35 + MARGIN, 1 - plain]], atol=1e-6)


@pytest.mark.parametrize(("row", "column"), [(0, 25), (50, 50), (25, 0)])
def test_a_thing_that_touches_the_edge_is_found_where_it_is(row: int, column: int) -> None:
    best = apart(peaks(window(row, column), SIZES, 0.05, CORE))[0]
    middle = (best[:4].reshape(2, 2).mean(0) - MARGIN)[::-1]
    assert best[4] == pytest.approx(0.5)
    assert np.abs(middle - [row + THING / 2, column + THING / 2]).max() <= THING / 2


def test_where_nothing_is_known_nothing_stands_out() -> None:
    assert not contrast(np.full((30, 30), np.nan), 5, 5).any()
