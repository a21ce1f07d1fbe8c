"""Closed forms against their definitions, smoothing against a direct sum, rows there and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from handful.solvers import class_means, ridge, rows, unrows, with_one
from handful.solvers.smooth import gaussian, smoothed


def uniform(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 5), (2, 4, 5, 6)])
def test_rows_there_and_back(shape: tuple[int, ...]) -> None:
    maps = uniform(*shape)
    table = rows(maps)
    assert table.shape == (maps.numel() // 4, 4) and torch.equal(unrows(table, shape), maps)


@pytest.mark.parametrize("count", [4, 30])
def test_ridge_is_where_the_gradient_vanishes(count: int) -> None:
    table, numbers, weights = uniform(count, 7), uniform(count, 2, seed=1), uniform(count, seed=2)
    found = ridge(table, numbers, 0.3, weights)
    slope = table.T @ (weights[:, None] * (table @ found - numbers)) + 0.3 * found
    assert float(slope.abs().max()) < 1e-10


def test_a_weight_of_2_is_a_row_twice() -> None:
    table, numbers = uniform(5, 3), uniform(5, 1, seed=1)
    twice = ridge(torch.cat([table, table[:1]]), torch.cat([numbers, numbers[:1]]), 0.5)
    torch.testing.assert_close(ridge(table, numbers, 0.5, torch.tensor([2.0, 1, 1, 1, 1])), twice)


def test_class_means_with_an_empty_class() -> None:
    table = torch.tensor([[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]])
    assert class_means(table, torch.tensor([0, 0, 2]), 3).tolist() == [[2, 3], [0, 0], [9, 9]]
    assert with_one(table)[:, 2].tolist() == [1, 1, 1]


def direct(maps: np.ndarray, valid: np.ndarray, sigma: float, reach: int) -> np.ndarray:
    """The masked Gaussian mean, pixel by pixel."""
    place = np.arange(-reach, reach + 1)
    line = np.exp(-0.5 * (place / sigma) ** 2)
    weights = np.outer(line, line)
    height, width = (size - 2 * reach for size in maps.shape)
    found = np.zeros((height, width))
    for row, column in np.ndindex(height, width):
        patch = np.s_[row : row + 2 * reach + 1, column : column + 2 * reach + 1]
        total = (weights * valid[patch]).sum()
        found[row, column] = (weights * valid[patch] * maps[patch]).sum() / total if total else 0
    return found


def test_smoothing_is_the_masked_gaussian_mean() -> None:
    maps, valid = uniform(1, 2, 17, 15), uniform(1, 1, 17, 15, seed=1) > 0.4
    found = smoothed(maps, valid, 1.5, 3)
    for layer in range(2):
        wanted = direct(maps[0, layer].numpy(), valid[0, 0].numpy(), 1.5, 3)
        np.testing.assert_allclose(found[0, layer].numpy(), wanted, atol=1e-6)


def test_smoothing_where_all_is_valid_is_scipys() -> None:
    maps = uniform(1, 1, 30, 30)
    found = smoothed(maps, torch.ones(1, 1, 30, 30, dtype=torch.bool), 2.0, 6)[0, 0]
    wanted = gaussian_filter(maps[0, 0].numpy(), 2.0, truncate=3.0)[6:-6, 6:-6]
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-6)
    assert float(gaussian(2.0, 6).sum()) == pytest.approx(1)


def test_probabilities_stay_probabilities() -> None:
    chances = uniform(1, 4, 20, 20).softmax(1)
    valid = uniform(1, 1, 20, 20, seed=3) > 0.3
    total = smoothed(chances, valid, 2.0, 4).sum(1)
    torch.testing.assert_close(total, torch.ones_like(total), atol=1e-5, rtol=0)
