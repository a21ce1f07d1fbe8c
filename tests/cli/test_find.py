"""`handful find`: what a run leaves, how it goes on, what it refuses, and what it says."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
import small_find
import torch

from handful.cli.run import run
from handful.find import search
from handful.find.base_training import make_detector
from handful.find.job import OURS
from handful.find.matching import Matcher
from handful.maps import blocks
from handful.maps.paint import KEPT
from handful.solvers.boxes import overlaps

LEFT = {"objects.gpkg", "objects.qml", "similarity.tif", "similarity.qml", "report.html", "run.json"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("find")


@pytest.fixture(scope="module")
def scene(folder: Path) -> Path:
    return small_find.write_scene(folder / "scene.tif")


@pytest.fixture(scope="module")
def one(folder: Path) -> Path:
    """One example, a box."""
    return small_find.write_examples(folder / "one.gpkg", small_find.box(1))


@pytest.fixture(scope="module")
def made(folder: Path, scene: Path, one: Path) -> Path:
    """A finished run. Read only."""
    assert call(scene, one, folder / "made") == 0
    return folder / "made"


def call(scene: Path, examples: Path, out: Path, *more: object) -> int:
    return run(["find", *map(str, (scene, examples)), "-o", str(out), "--workers", "1", *map(str, more)])


def contents(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def in_pixels(path: Path) -> torch.Tensor:
    ground = geopandas.read_file(path, layer="objects").geometry.values
    back = ~small_find.PLACE
    return torch.tensor(shapely.bounds(shapely.transform(np.array(ground), lambda xy: np.stack(back * xy.T, 1))))


def test_everything_is_there_and_nothing_else(made: Path) -> None:
    assert contents(made) == LEFT <= OURS


def test_from_one_tank_the_others_are_found(made: Path) -> None:
    truth, found = torch.from_numpy(small_find.tanks()).double(), in_pixels(made / "objects.gpkg")
    table = overlaps(found, truth)
    assert (table[:4].amax(0)[1:] > 0.4).all()  # those of its size are among the best four
    assert table[0].max() > 0.4


def test_the_layer_is_sorted_and_has_its_style_and_areas(made: Path) -> None:
    layer = geopandas.read_file(made / "objects.gpkg", layer="objects")
    assert (
        list(layer.columns) == ["rank", "kind", "score", "area_m2", "is_example", "geometry"]
        and layer.crs == small_find.CRS
    )
    assert layer["is_example"].sum() == 1
    assert (np.diff(layer["score"]) <= 0).all() and layer["rank"].tolist() == [*range(1, len(layer) + 1)]
    assert np.allclose(layer["area_m2"], layer.area, rtol=0.01)
    with closing(sqlite3.connect(made / "objects.gpkg")) as database:
        style = database.execute("SELECT styleQML FROM layer_styles WHERE f_table_name = 'objects'").fetchone()[0]
    assert style == (made / "objects.qml").read_text() and "categorizedSymbol" in style


def test_similarity_lies_on_the_scenes_grid(made: Path, scene: Path) -> None:
    with rasterio.open(made / "similarity.tif") as raster, rasterio.open(scene) as like:
        assert (raster.shape, raster.transform, raster.crs) == (like.shape, like.transform, like.crs)
        left, top, right, bottom = small_find.tanks()[1].round().astype(int)
        values = raster.read(1)
    assert np.median(values[top + 1 : bottom - 1, left + 1 : right - 1]) > 0.6 > np.median(values)


def test_the_record_and_the_page(made: Path) -> None:
    record, page = json.loads((made / "run.json").read_text()), (made / "report.html").read_text()
    assert record["command"] == "find" and record["detector"] == "matching" and record["answer"] == "boxes"
    assert record["examples"] == [{"kind": "object", "examples": 1, "tried": 0, "found": 0}]
    assert "One example of object" in record["cannot_judge"][0]
    assert {Path(one["path"]).name for one in record["inputs"]} == {"scene.tif", "one.gpkg"}
    assert ' src="http' not in page and "url(" not in page and "<script" not in page and page.count("<figure>") >= 3


def test_windows_and_workers_change_no_byte(made: Path, scene: Path, one: Path, tmp_path: Path) -> None:
    assert call(scene, one, tmp_path / "out", "--window", 1024, "--workers", 3) == 0
    for name in ("objects.gpkg", "similarity.tif"):
        assert (tmp_path / "out" / name).read_bytes() == (made / name).read_bytes()


def test_a_killed_run_goes_on_to_the_same_bytes(
    scene: Path, one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 96)
    assert call(scene, one, tmp_path / "whole") == 0
    done: list[object] = []
    match = Matcher.match

    def killed(self: Matcher, scene: object, block: object) -> object:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(block)
        return match(self, scene, block)  # type: ignore[arg-type]

    monkeypatch.setattr(Matcher, "match", killed)
    assert call(scene, one, tmp_path / "out") == 130
    assert len([*(tmp_path / "out" / KEPT).glob("*.npz")]) == 2 and not (tmp_path / "out" / "run.json").exists()
    done.clear()
    done.extend([None] * 3)  # no more kills
    assert call(scene, one, tmp_path / "out") == 0
    assert len(done) == 3 + 2  # the other two of four blocks
    for name in ("objects.gpkg", "similarity.tif"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_nothing_found_is_an_empty_layer_that_opens(scene: Path, one: Path, tmp_path: Path) -> None:
    assert call(scene, one, tmp_path / "out", "--least", "5") == 0
    layer = geopandas.read_file(tmp_path / "out" / "objects.gpkg", layer="objects")
    assert len(layer) == 0 and layer.crs == small_find.CRS and "kind" in layer.columns
    assert "Nothing was found" in (tmp_path / "out" / "report.html").read_text()


def test_polygons_and_several_examples_of_two_kinds(scene: Path, tmp_path: Path) -> None:
    middles = shapely.points((small_find.tanks()[1:4, :2] + small_find.tanks()[1:4, 2:]) / 2)
    shapes = [*shapely.buffer(middles, 10), shapely.box(2, 120, 20, 150)]
    kinds = ("<b>tank</b>", "<b>tank</b>", "<b>tank</b>", "land")
    examples = small_find.write_examples(tmp_path / "e.gpkg", *shapes, kinds=kinds)
    assert call(scene, examples, tmp_path / "out", "--class-column", "kind") == 0
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["answer"] == "polygons" and set(record["found"]) == {"<b>tank</b>", "land"}
    tried = {row["kind"]: row["tried"] for row in record["examples"]}
    assert tried == {"<b>tank</b>": 3, "land": 0}
    assert "<b>tank" not in (tmp_path / "out" / "report.html").read_text()
    with rasterio.open(tmp_path / "out" / "similarity.tif") as raster:
        assert raster.descriptions == ("<b>tank</b>", "land")


def test_examples_of_another_scene(scene: Path, one: Path, made: Path, tmp_path: Path) -> None:
    other = small_find.write_scene(tmp_path / "other.tif")
    assert call(scene, one, tmp_path / "out", "--examples-scene", other) == 0
    assert torch.equal(in_pixels(tmp_path / "out" / "objects.gpkg"), in_pixels(made / "objects.gpkg"))


def test_a_scene_without_a_georeference(tmp_path: Path) -> None:
    scene = small_find.write_scene(tmp_path / "plain.tif", crs=None)
    examples = small_find.write_examples(tmp_path / "e.gpkg", small_find.box(0), crs=None)
    assert call(scene, examples, tmp_path / "out") == 0
    assert geopandas.read_file(tmp_path / "out" / "objects.gpkg", layer="objects").crs is None


@pytest.mark.parametrize("name", ["cosine", "attention"])
def test_a_trained_detector_leaves_boxes_and_no_similarity(
    scene: Path, one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    torch.manual_seed(0)
    monkeypatch.setattr(search, "trained", lambda name, folder, progress: make_detector(name, 6).eval())
    assert call(scene, one, tmp_path / "out", "--detector", name, "--base", tmp_path / "base", "--least", "0.05") == 0
    assert contents(tmp_path / "out") == {"objects.gpkg", "objects.qml", "report.html", "run.json"}
    layer = geopandas.read_file(tmp_path / "out" / "objects.gpkg", layer="objects")
    assert layer["score"].between(0.05, 1).all() and (shapely.area(layer.geometry.values) > 0).all()
    base = ("--detector", name, "--base", tmp_path / "base", "--overwrite")
    assert call(scene, one, tmp_path / "out", *base) == 0
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    layer = geopandas.read_file(tmp_path / "out" / "objects.gpkg", layer="objects")
    assert record["least"] == search.LEAST[name] and (layer["score"] >= record["least"]).all()


def test_dry_run_writes_nothing(scene: Path, one: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(scene, one, tmp_path / "out", "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "width": 160, "height": 160, "examples": 1, "kinds": ["object"], "answer": "boxes",
    }  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_a_finished_run_is_kept_and_inputs_are_spared(made: Path, scene: Path, one: Path, capsys) -> None:
    assert call(scene, one, made) == 2
    assert "holds a finished run: add --overwrite" in capsys.readouterr().err
    assert call(scene, made / "objects.gpkg", made, "--overwrite") == 2
    assert "lies where this run would write" in capsys.readouterr().err


@pytest.mark.parametrize(
    "more, why",
    [
        (("--detector", "cosine"), "name a folder for its weights with --base"),
        (("--detector", "attention", "--base", "b", "--as", "polygons"), "finds boxes only"),
        (("--class-column", "kid"), "no column 'kid'. Did you mean kind"),
        (("--layer", "other"), "there is no layer 'other'"),
    ],
)
def test_one_clear_error(scene: Path, one: Path, tmp_path: Path, capsys, more: tuple[str, ...], why: str) -> None:
    assert call(scene, one, tmp_path / "out", *more) == 2
    assert why in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_scenes_with_other_bands(scene: Path, one: Path, scene_path: Path, tmp_path: Path, capsys) -> None:
    assert call(scene, one, tmp_path / "out", "--examples-scene", scene_path) == 2
    assert "give both the same with --bands" in capsys.readouterr().err
