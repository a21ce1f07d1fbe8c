"""The main job from Python and from the command: one map, whatever form scene and labels come in."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import scenes

from handful.errors import SettingsError
from handful.maps.fit import Choices
from handful.maps.job import LabelChoice, Painting, SceneChoice, make_map
from handful.maps.mapper import Map, Mapper

FILES = ("map.tif", "confidence.tif", "trust.tif", "probabilities.tif", "areas.csv")


def command(scene: Path, labels: Path, output: Path, learner: str = "logistic", **more: object) -> dict[str, bytes]:
    """The files of the command, by name."""
    choice, painting = LabelChoice(str(labels), class_column="class"), Painting(probabilities=True, workers=1)
    output.mkdir()
    made = make_map(SceneChoice([str(scene)]), choice, Choices(learner), painting, output, **more)
    made.close()
    return {name: (output / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def folder(scene_path: Path, labels_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("command") / "out"
    command(scene_path, labels_path, output)
    return output


@pytest.fixture(scope="module")
def from_paths(scene_path: Path, labels_path: Path) -> Map:
    return Mapper("logistic", class_column="class").fit(scene_path, labels_path).predict(scene_path)


def same(a: Map, b: Map) -> bool:
    names = ("values", "confidence", "trust", "probabilities")
    return all(np.array_equal(getattr(a, n), getattr(b, n), equal_nan=True) for n in names) and a.classes == b.classes


def test_the_command_paints_the_same_map(folder: Path, from_paths: Map) -> None:
    for name, wanted in (
        ("map", from_paths.values),
        ("confidence", from_paths.confidence),
        ("trust", from_paths.trust),
    ):
        with rasterio.open(folder / f"{name}.tif") as raster:
            np.testing.assert_array_equal(raster.read(1), wanted)
    with rasterio.open(folder / "probabilities.tif") as raster:
        np.testing.assert_array_equal(raster.read(), from_paths.probabilities)
    assert from_paths.classes == tuple(scenes.CLASSES)


def test_the_map_is_mostly_right(from_paths: Map, scene_place: scenes.Place) -> None:
    assert (from_paths.values == scene_place.truth + 1).mean() > 0.8


def test_scene_as_a_data_set_and_labels_as_a_frame(scene_path: Path, labels_path: Path, from_paths: Map) -> None:
    frame = gpd.read_file(labels_path)
    with rasterio.open(scene_path) as raster:
        assert same(Mapper("logistic", class_column="class").fit(raster, frame).predict(raster), from_paths)


def test_scene_as_an_array_of_xarray(scene_path: Path, labels_path: Path, from_paths: Map) -> None:
    rioxarray = pytest.importorskip("rioxarray")
    with rioxarray.open_rasterio(scene_path) as array:
        mapper = Mapper("logistic", class_column="class").fit(array, labels_path)
        assert same(mapper.predict(array), from_paths)


def test_a_saved_model_maps_the_same(scene_path: Path, folder: Path, from_paths: Map) -> None:
    assert same(Mapper().load(folder / "model").predict(scene_path), from_paths)


def test_another_scene_must_be_read_alike(scene_path: Path, labels_path: Path, tmp_path: Path) -> None:
    """Bands may be one text, as on the command line; what was saved knows them still."""
    mapper = Mapper(learner="nearest_mean", class_column="class", bands=",".join(scenes.BANDS))
    mapper.fit(scene_path, labels_path).save(tmp_path / "model")
    again = Mapper().load(tmp_path / "model")
    assert same(mapper.predict(scene_path), again.predict(scene_path))
    few = scenes.write_scene(tmp_path / "few.tif", scenes.place().reflectance[:4], scenes.BANDS[:4])
    with pytest.raises(SettingsError, match="made for the bands B01, B02"):
        again.predict(few)
    again.radiometry = "none"
    with pytest.raises(SettingsError, match="--radiometry"):
        again.predict(scene_path)


def test_not_fitted(scene_path: Path) -> None:
    with pytest.raises(SettingsError, match="call fit"):
        Mapper().predict(scene_path)


def test_test_labels_change_no_byte(
    folder: Path, scene_path: Path, labels_path: Path, scene_place: scenes.Place, tmp_path: Path
) -> None:
    test = scenes.write_labels(tmp_path / "test.gpkg", scene_place.truth, shots=20, seed=9)
    found = command(scene_path, labels_path, tmp_path / "out", test_labels=str(test))
    assert found == {name: (folder / name).read_bytes() for name in FILES}
    for name in ("model.safetensors", "model.json"):
        assert (folder / "model" / name).read_bytes() == (tmp_path / "out" / "model" / name).read_bytes()


def test_bad_test_labels_are_refused_before_anything_is_fitted(
    scene_path: Path, labels_path: Path, tmp_path: Path
) -> None:
    from handful.errors import LabelsError

    with pytest.raises(LabelsError):
        command(scene_path, labels_path, tmp_path / "out", test_labels=str(tmp_path / "absent.gpkg"))
    assert not list((tmp_path / "out").iterdir())
