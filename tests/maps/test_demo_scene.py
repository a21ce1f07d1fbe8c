"""A simulated region keeps its values, its labels and their places when it is written as files."""

from __future__ import annotations

import geopandas
import numpy as np
import pytest
import rasterio

from handful.maps.demo_scene import CRS, write_demo
from handful.maps.grid import Grid
from handful.maps.labels import read_labels
from handful.simulate import region


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    land, folder = region(3, size=64, dates=2), tmp_path_factory.mktemp("demo")
    return land, write_demo(land, folder, shots=4, test=10, seed=0)


def test_each_date_is_a_scene_with_its_reflectance(written):
    land, files = written
    bands = land.examples.inputs["bands"][0].numpy().reshape(2, -1, 64, 64)
    for path, values in zip(files.scenes, bands, strict=True):
        with rasterio.open(path) as raster:
            assert raster.descriptions == land.bands[: raster.count]
            assert raster.crs == CRS
            np.testing.assert_allclose(raster.read() / 10_000, values.clip(1e-4), atol=0.51e-4)


def test_points_lie_on_their_pixels_and_say_their_class(written):
    land, files = written
    with rasterio.open(files.scenes[0]) as raster:
        grid = Grid(raster.crs, raster.transform, raster.height, raster.width)
    for path, count in ((files.labels, 4), (files.test_labels, 10)):
        labels = read_labels(str(path), grid, class_column="class")
        truth = land.examples.targets[0].numpy()[labels.rows, labels.columns]
        names = land.examples.problem.names
        assert [labels.problem.names[t] for t in labels.targets] == [names[t] for t in truth]
        assert np.bincount(labels.targets).tolist() == [count] * len(names)


def test_no_pixel_is_both_trained_on_and_tested(written):
    _, files = written
    places = [set(geopandas.read_file(path).geometry.to_wkt()) for path in (files.labels, files.test_labels)]
    assert not places[0] & places[1]


def test_the_same_region_gives_the_same_bytes(written, tmp_path):
    land, files = written
    again = write_demo(land, tmp_path, shots=4, test=10, seed=0)
    for one, other in zip([*files.scenes, files.labels], [*again.scenes, again.labels], strict=True):
        assert one.read_bytes() == other.read_bytes()
