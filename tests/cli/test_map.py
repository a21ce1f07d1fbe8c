"""`handful map`: what a run leaves, how it goes on, what it refuses, and what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import scenes
import shapely

from handful.cli.run import run
from handful.learners import make
from handful.maps import auto, job
from handful.maps.job import OURS
from handful.maps.members import Member
from handful.maps.model import MapModel
from handful.maps.paint import KEPT

SMALL = Member("random forest on bands", make("random_forest", encoder="plain", trees=5))
QUICK = ("--class-column", "class", "--learner", "nearest_mean", "--workers", "1")
RASTERS = ("map.tif", "confidence.tif", "trust.tif")


@pytest.fixture(scope="module", autouse=True)
def quick_rivals() -> Iterator[None]:
    """A forest of five trees beside every map."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auto, "rivals", lambda problem: [auto.Candidate(SMALL.name, (SMALL,), rival=True)])
        yield


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, scene_place: scenes.Place) -> Path:
    """Four bands, no data in the first three rows."""
    values = scene_place.reflectance[[1, 2, 3, 7]].copy()
    values[:, :3] = 0
    return scenes.write_scene(tmp_path_factory.mktemp("four") / "scene.tif", values, ("B02", "B03", "B04", "B08"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, scene: Path, labels_path: Path) -> Path:
    """A finished map. Read only."""
    out = tmp_path_factory.mktemp("made") / "out"
    assert call(scene, labels_path, out, "--probabilities") == 0
    return out


def call(scene: Path, labels: Path, out: Path, *more: object) -> int:
    return run(["map", *map(str, (scene, labels)), "-o", str(out), *QUICK, *map(str, more)])


def contents(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def same(one: Path, other: Path) -> bool:
    """Whether two runs' rasters, areas and models are the same to the byte."""
    names = (*RASTERS, "areas.csv", "model/model.json", "model/model.safetensors")
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def test_everything_is_there_and_nothing_else(made: Path) -> None:
    wanted = {*RASTERS, "probabilities.tif", "map.tif.aux.xml", "map.qml", "areas.csv", "report.html", "run.json"}
    found = contents(made)
    assert wanted | {"model/model.json", "model/model.safetensors"} <= found <= OURS


def test_every_valid_pixel_gets_a_class_and_no_other(made: Path, scene: Path) -> None:
    with rasterio.open(scene) as raster:
        valid = raster.read(1) > 0
        grid = raster.transform, raster.crs, raster.shape
    found = {}
    for name in (*RASTERS, "probabilities.tif"):
        with rasterio.open(made / name) as raster:
            found[name] = raster.read()
            assert (raster.transform, raster.crs, raster.shape) == grid
    classes, sure, trust, chances = found.values()
    np.testing.assert_array_equal(classes[0] > 0, valid)
    np.testing.assert_array_equal(np.isfinite(sure[0]), valid)
    np.testing.assert_array_equal(np.isin(trust[0], (1, 2)), valid)
    np.testing.assert_allclose(chances.sum(0)[valid], 1, atol=1e-5)
    np.testing.assert_array_equal(chances.argmax(0)[valid] + 1, classes[0][valid])


def test_the_record(made: Path, scene: Path, labels_path: Path) -> None:
    record = json.loads((made / "run.json").read_text())
    assert record["command"] == "map" and record["seed"] == 0
    assert record["classes"] == sorted(scenes.CLASSES) and set(record["labels"]) == set(scenes.CLASSES)
    assert [Path(one["path"]).name for one in record["inputs"]] == [scene.name, labels_path.name]
    assert all(one["checksum"].startswith("sha256:") for one in record["inputs"])
    assert [band["name"] for band in record["bands"]] == ["B02", "B03", "B04", "B08"]
    assert record["radiometry"]["assumed"] is True and record["radiometry"]["why"]
    assert record["parameters"]["learner"] == "nearest_mean" and record["parameters"]["class_column"] == "class"
    assert set(record["validation"]) == {"matched", "block", "random"}
    assert record["seconds"]["total"] > 0 and record["peak_memory_mb"] > 0 and "numpy" in record["versions"]
    with rasterio.open(made / "map.tif") as raster:
        counted = np.bincount(raster.read(1).ravel(), minlength=5)[1:]
    assert [area["pixels"] for area in record["areas"]] == counted.tolist()
    lines = (made / "areas.csv").read_text().splitlines()
    assert "indicative" in lines[0] and lines[1] == "class,pixels,hectares,share" and len(lines) == 6


def test_numbers_as_classes_are_in_the_order_of_numbers(scene: Path, scene_place: scenes.Place, tmp_path: Path) -> None:
    frame = scenes.labels_frame(scene_place.truth)
    frame["class"] = frame["code"].map({1: 10, 2: 9, 3: 100, 4: -1})
    frame.to_file(tmp_path / "labels.gpkg")
    assert call(scene, tmp_path / "labels.gpkg", tmp_path / "out") == 0
    assert json.loads((tmp_path / "out" / "run.json").read_text())["classes"] == ["-1", "9", "10", "100"]


def test_windows_and_workers_change_no_byte(made: Path, scene: Path, labels_path: Path, tmp_path: Path) -> None:
    assert call(scene, labels_path, tmp_path / "out", "--probabilities", "--window", "7", "--workers", "2") == 0
    assert same(made, tmp_path / "out")


@pytest.mark.parametrize("place", ["painting", "writing", "reporting"])
def test_interrupted_it_goes_on_to_the_same_bytes(
    place: str, made: Path, scene: Path, labels_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        if place == "painting":
            patch.setattr(MapModel, "fill", interrupt)
        elif place == "writing":
            patch.setattr(job.Outputs, "rasters", interrupt)
        else:
            patch.setattr("handful.report.map_report.write_report", interrupt)
        assert call(scene, labels_path, out, "--probabilities") == 130
    assert contents(out) <= OURS | {f"{KEPT}/{path.name}" for path in (out / KEPT).iterdir()}
    assert not (out / "run.json").exists() and (out / KEPT / "key.json").exists()
    assert call(scene, labels_path, out, "--probabilities") == 0
    assert same(made, out) and not (out / KEPT).exists()


def interrupt(*arguments: object, **more: object) -> None:
    raise KeyboardInterrupt


def test_blocks_of_other_settings_are_not_taken_over(
    scene: Path, labels_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(job.Outputs, "rasters", interrupt)
        assert call(scene, labels_path, tmp_path / "out", "--radiometry", "landsat") == 130
    assert call(scene, labels_path, tmp_path / "out", "--radiometry", "s2") == 0
    assert call(scene, labels_path, tmp_path / "new", "--radiometry", "s2") == 0
    assert same(tmp_path / "out", tmp_path / "new")


def test_a_finished_folder_needs_overwrite(
    made: Path, scene: Path, labels_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (made / "run.json").read_bytes()
    assert call(scene, labels_path, made) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (made / "run.json").read_bytes() == before


@pytest.mark.parametrize("more", [(), ("--overwrite",)])
def test_other_peoples_files_stay(more: tuple[str, ...], scene: Path, labels_path: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    assert call(scene, labels_path, tmp_path, *more) == 2
    assert contents(tmp_path) == {"thesis.txt"}


def test_what_a_run_reads_is_never_written_over(scene: Path, labels_path: Path, made: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in made.iterdir() if path.is_file()}
    assert call(made / "confidence.tif", labels_path, made, "--overwrite") == 2
    assert call(scene, made / "map.tif", made, "--overwrite") == 2
    assert run(["apply", str(made / "model"), str(scene), "-o", str(made), "--overwrite"]) == 2
    assert {path.name: path.read_bytes() for path in made.iterdir() if path.is_file()} == before


def test_a_refusal_leaves_nothing(
    scene: Path, labels_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    beside = contents(scene.parent) | contents(labels_path.parent)
    assert call(tmp_path / "absent.tif", labels_path, tmp_path / "deep" / "out") == 2
    assert call(scene, tmp_path / "absent.gpkg", tmp_path / "out") == 2
    assert call(scene, labels_path, tmp_path / "out", "--test-labels", tmp_path / "absent.gpkg") == 2
    assert call(scene, labels_path, tmp_path / "out", "--palette", tmp_path / "absent.json") == 2
    assert call(scene, labels_path, tmp_path / "out", "--weights", tmp_path / "absent", "--learner", "ridge") == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said and said.count("handful: ") == 5
    assert all(name in said for name in ("absent.tif", "absent.gpkg", "absent.json"))
    assert not list(tmp_path.iterdir())
    assert contents(scene.parent) | contents(labels_path.parent) == beside


def test_a_dry_run_writes_nothing(
    scene: Path, labels_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(scene, labels_path, tmp_path / "out", "--dry-run", "--json", "--quiet") == 0
    said = capsys.readouterr()
    plan = json.loads(said.out)
    assert (plan["height"], plan["width"], plan["labels"]) == (80, 96, 32) and "nearest_mean" in plan["tried"]
    assert not said.err and not list(tmp_path.iterdir())


def test_a_dry_run_says_that_one_class_is_too_few(
    scene: Path, scene_place: scenes.Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = scenes.labels_frame(scene_place.truth)
    frame[frame["class"] == "water"].to_file(tmp_path / "labels.gpkg")
    assert call(scene, tmp_path / "labels.gpkg", tmp_path / "out", "--dry-run") == 2
    assert "every label is 'water'" in capsys.readouterr().err


def test_json_and_quiet(scene: Path, labels_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(scene, labels_path, tmp_path / "out", "--json", "--quiet") == 0
    said = capsys.readouterr()
    assert not said.err and json.loads(said.out) == json.loads((tmp_path / "out" / "run.json").read_text())


def test_what_a_person_reads(
    scene: Path, scene_place: scenes.Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = scenes.labels_frame(scene_place.truth)
    keep = (frame["class"] != "water") | ~frame["class"].duplicated()
    frame[keep].to_file(tmp_path / "labels.gpkg")
    assert call(scene, tmp_path / "labels.gpkg", tmp_path / "out") == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == str(tmp_path / "out" / "map.tif")
    assert "--radiometry" in said.err and "random forest on bands" in said.err
    assert "always trained on, so not judged: water" in " ".join(said.err.split())


def test_a_scene_without_contrast_is_mapped(labels_path: Path, tmp_path: Path) -> None:
    flat = scenes.write_scene(tmp_path / "flat.tif", np.full((4, 80, 96), 700, np.uint16), None)
    assert call(flat, labels_path, tmp_path / "out") == 0
    with rasterio.open(tmp_path / "out" / "map.tif") as raster:
        assert (raster.read(1) > 0).all()


@pytest.mark.parametrize("shots", [1, 4])
def test_a_quantity(shots: int, scene: Path, scene_place: scenes.Place, tmp_path: Path) -> None:
    scenes.write_labels(tmp_path / "labels.gpkg", scene_place.truth, shots)
    words = ["map", str(scene), str(tmp_path / "labels.gpkg"), "--target-column", "cover", "--unit", "%"]
    assert run([*words, "--learner", "ridge", "--workers", "1", "-o", str(tmp_path / "out")]) == 0
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["quantity"] == {"name": "cover", "unit": "%"} and record["classes"] == []
    with rasterio.open(tmp_path / "out" / "map.tif") as raster:
        assert raster.dtypes == ("float32",) and np.isnan(raster.nodata)
        np.testing.assert_array_equal(np.isfinite(raster.read(1)), np.indices((80, 96))[0] >= 3)


def test_more_classes_than_a_byte_holds(scene: Path, tmp_path: Path) -> None:
    where = np.arange(600) * 11 + 3 * 96
    x, y = scenes.TRANSFORM * (where % 96 + 0.5, where // 96 + 0.5)
    names = [f"c{index}" for index in np.arange(600) % 300]
    frame = gpd.GeoDataFrame({"class": names}, geometry=gpd.points_from_xy(x, y), crs=scenes.CRS)
    frame.to_file(tmp_path / "labels.gpkg")
    assert call(scene, tmp_path / "labels.gpkg", tmp_path / "out") == 0
    with rasterio.open(tmp_path / "out" / "map.tif") as raster:
        assert raster.dtypes == ("uint16",) and 0 < raster.read(1).max() <= 300


def test_a_dry_run_reads_all_that_was_given(
    scene: Path, labels_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for option in ("--test-labels", "--palette", "--mask", "--area", "--weights"):
        assert call(scene, labels_path, tmp_path / "out", "--dry-run", option, tmp_path / "absent") == 2
        assert "absent" in capsys.readouterr().err
        assert call(scene, labels_path, tmp_path / "out", "--dry-run", option, "") == 2  # of a variable that isn't set


def test_labels_outside_the_area_are_learned_from(made: Path, scene: Path, labels_path: Path, tmp_path: Path) -> None:
    """And what was left out of the test labels is said."""
    with rasterio.open(scene) as raster:
        left, bottom, right, top = raster.bounds
        crs = raster.crs
    corner = shapely.box(left, bottom, (left + right) / 2, (bottom + top) / 2)
    gpd.GeoDataFrame(geometry=[corner], crs=crs).to_file(tmp_path / "area.gpkg")
    test = gpd.read_file(labels_path)
    test.geometry = test.translate(10, 10)
    test.loc[0, "geometry"] = shapely.Point(left - 500, top)
    test.to_file(tmp_path / "test.gpkg")
    more = ("--area", tmp_path / "area.gpkg", "--test-labels", tmp_path / "test.gpkg")
    assert call(scene, labels_path, tmp_path / "out", *more) == 0
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["labels"] == json.loads((made / "run.json").read_text())["labels"]
    assert 0 < record["test"]["labels"] < len(test)
    assert any(note.startswith("Test labels: 2 labels lie off the scene") for note in record["notes"])
    with rasterio.open(tmp_path / "out" / "map.tif") as raster:
        mapped = raster.read(1) > 0
    assert mapped.any() and not mapped[:, mapped.shape[1] // 2 :].any() and record["pixels"] == mapped.sum()


def test_augmentation_is_an_option_and_recorded(scene: Path, labels_path: Path, tmp_path: Path) -> None:
    given = ("--augment", "turns,haze=0.03", "--copies", "2", "--views", "4")
    assert call(scene, labels_path, tmp_path / "out", *given) == 0
    told = json.loads((tmp_path / "out" / "run.json").read_text())["parameters"]
    assert (told["augment"], told["copies"], told["views"]) == (["turns", "haze=0.03"], 2, 4)


def test_augmentation_that_is_unknown_is_refused(
    scene: Path, labels_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(scene, labels_path, tmp_path / "out", "--augment", "hase=0.03", "--dry-run") == 2
    assert "Did you mean haze" in capsys.readouterr().err
