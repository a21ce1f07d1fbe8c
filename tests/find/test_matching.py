"""Prototypes, peaks and outlines against what can be worked out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
import torch
import torch.nn.functional as F

from handful.find.features import evening
from handful.find.matching import boxes_of_block
from handful.find.peaks import WEIGHT, apart, contrast, fitted, peaks, sizes_of
from handful.find.prototypes import GROUND, Prototypes, clustered, ground_of, prototypes_of
from handful.maps.grid import Grid, Window
from handful.maps.outlines import filled, means_within, outlines, read_window

RNG = np.random.default_rng(0)


def directions(*angles: float) -> torch.Tensor:
    """Unit vectors in a plane, at angles in degrees."""
    turn = torch.deg2rad(torch.tensor(angles))
    return torch.stack([turn.cos(), turn.sin()], dim=1)


def test_even_features_have_even_spread():
    table = torch.from_numpy(RNG.normal(size=(4000, 5)) @ RNG.normal(size=(5, 5))).float()
    table = table - table.mean(0)
    covariance = torch.cov(table.T, correction=1)
    flatten = evening(table, 0.2)
    shrunk = covariance + 0.2 * covariance.diagonal().mean() * torch.eye(5)
    assert torch.allclose(flatten @ shrunk @ flatten, torch.eye(5), atol=1e-3)


def test_examples_that_agree_have_one_prototype_and_others_several():
    assert len(clustered(directions(0, 5, 10), 0)) == 1
    two = clustered(directions(0, 4, 180, 184), 0)
    assert len(two) == 2 and (directions(2, 182) @ two.T).amax(1).min() > 0.999
    assert torch.equal(two, clustered(directions(0, 4, 180, 184), 0))


def test_one_example_is_its_own_prototype():
    assert torch.allclose(clustered(directions(33.0), 0), directions(33.0))


def test_similarity_is_the_best_cosine_of_a_kind():
    prototypes = prototypes_of(directions(0, 180, 90), np.array([0, 0, 1]), 2, torch.zeros(1, 2), 0)
    features = F.normalize(torch.randn(4, 6, 2, generator=torch.Generator().manual_seed(0)), dim=-1)
    found = prototypes.similarity(features)
    assert torch.allclose(found[0], features[..., 0].abs(), atol=1e-6)
    assert torch.allclose(found[1], features[..., 1], atol=1e-6)
    assert isinstance(prototypes, Prototypes) and prototypes.table.shape == (2, 2, 2)


def test_what_is_nearer_to_the_background_loses_that():
    """Ground at 90 degrees counts against a kind at 0; ground at 10 degrees may be the kind itself."""
    prototypes = prototypes_of(directions(0), np.array([0]), 1, directions(90, 10), 0)
    found = prototypes.similarity(directions(0, 60, 90, 180)[None])[0, 0]
    half = 3**0.5 / 2
    assert found.tolist() == pytest.approx([1, 0.5 - half, -1, -1], abs=1e-6)


def test_the_ground_is_a_few_directions():
    sample = torch.cat([directions(0, 1, 2), directions(120, 121)]).repeat(5, 1)
    assert ground_of(sample, 0).shape == (GROUND, 2) and torch.equal(ground_of(sample, 0), ground_of(sample, 0))
    assert torch.allclose(ground_of(sample, 0).norm(dim=1), torch.ones(GROUND))


def squares(*corners: tuple[int, int], side: int = 8, shape: tuple[int, int] = (60, 70)) -> np.ndarray:
    """Similarity that is 1 in squares and 0 elsewhere."""
    found = np.zeros(shape, np.float32)
    for row, column in corners:
        found[row : row + side, column : column + side] = 1
    return found


def test_contrast_is_counted_by_hand():
    similarity = squares((20, 30))
    score = contrast(similarity, 8, 8)
    assert score.max() == pytest.approx(1.0)  # all inside, nothing around
    assert contrast(np.ones((60, 70), np.float32), 8, 8)[30, 30] == pytest.approx(1 - WEIGHT, abs=1e-6)


def test_squares_are_found_as_they_are():
    similarity = squares((5, 6), (20, 30), (40, 50))
    core = slice(0, 60), slice(0, 70)
    found = apart(fitted(apart(peaks(similarity, np.array([[8, 8]]), 0.5, core)), similarity, 0.5))
    assert sorted(map(tuple, found[:, :4].tolist())) == [(6, 5, 14, 13), (30, 20, 38, 28), (50, 40, 58, 48)]
    assert not len(peaks(np.zeros((60, 70), np.float32), np.array([[8, 8]]), 0.5, core))


def test_a_box_is_drawn_about_what_stands_out():
    similarity = squares((20, 30), side=11)
    found = fitted(np.array([[31.0, 21, 39, 29, 1.0]]), similarity, 0.5)
    assert found[0, :4].tolist() == [30, 20, 41, 31]
    huge = np.ones((60, 70), np.float32)
    assert fitted(np.array([[31.0, 21, 39, 29, 1.0]]), huge, 0.5)[0, :4].tolist() == [31, 21, 39, 29]


def test_sizes_of_unlike_examples_are_apart_and_long_ones_lie_both_ways():
    square, large, long = [0, 0, 8, 8], [0, 0, 40, 40], [0, 0, 20, 5]
    assert sizes_of(np.array([square, square], float)).tolist() == [[6, 6], [8, 8], [10, 10]]
    assert sizes_of(np.array([square, large], float))[:, 0].tolist() == [6, 8, 10, 32, 40, 50]
    assert sizes_of(np.array([long], float)).tolist() == [[4, 16], [5, 20], [6, 25], [16, 4], [20, 5], [25, 6]]


@pytest.fixture
def raster(tmp_path: Path) -> tuple[Path, Grid]:
    path, values = tmp_path / "similarity.tif", squares((5, 6), (28, 30), (40, 50))
    values[31, 33] = 0  # a hole
    with rasterio.open(path, "w", driver="GTiff", count=1, height=60, width=70, dtype="float32") as file:
        file.write(values[None])
        return path, Grid(None, file.transform, 60, 70)


def test_a_box_belongs_to_the_block_that_holds_its_middle(raster: tuple[Path, Grid]):
    path, _ = raster
    sizes = np.array([[8, 8]])
    whole = boxes_of_block(path, Window(0, 0, 60, 70), 0, sizes, 0.5)
    parts = [boxes_of_block(path, Window(row, column, 32, 35), 0, sizes, 0.5) for row in (0, 32) for column in (0, 35)]
    assert [len(part) for part in parts].count(0) >= 1 and sum(map(len, parts)) == len(whole) == 3
    assert sorted(np.concatenate(parts)[:, :4].tolist()) == sorted(whole[:, :4].tolist())


def test_beyond_the_edge_there_is_nothing(raster: tuple[Path, Grid]):
    found = read_window(raster[0], Window(-3, -2, 10, 10))[0]
    assert np.isnan(found[:3]).all() and np.isnan(found[:, :2]).all() and np.isfinite(found[3:, 2:]).all()


def test_outlines_keep_holes_and_count_their_pixels(raster: tuple[Path, Grid]):
    path, grid = raster
    found = outlines(path, 0, 0.5, grid)
    assert sorted(shapely.area(found).tolist()) == [63, 64, 64]
    assert sorted(len(shape.interiors) for shape in found) == [0, 0, 1]
    assert means_within(path, 0, found, grid).tolist() == [1, 1, 1]
    bounds = np.array([shapely.box(28, 26, 40, 38)], dtype=object)
    assert means_within(path, 0, bounds, grid)[0] == pytest.approx(63 / 144)


def test_a_polygon_too_small_for_any_pixel_has_one():
    tiny = shapely.box(3.1, 2.1, 3.2, 2.2)
    masks = filled([tiny, shapely.box(1, 1, 3, 3)], Window(0, 0, 6, 6))
    assert masks[0].sum() == 1 and masks[0, 2, 3] and masks[1].sum() == 4
