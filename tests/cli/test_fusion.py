"""`handful map --with`: other rasters beside the scene, and `handful apply` with a model that reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
import scenes
from affine import Affine

from handful.checkpoint import save
from handful.cli.run import run
from handful.learners import make
from handful.maps import auto, blocks, paint
from handful.maps.mapper import Mapper
from handful.maps.members import Member

SMALL = Member("random forest on bands", make("random_forest", encoder="plain", trees=5))
BANDS = ("B02", "B03", "B04")
FILES = ("map.tif", "confidence.tif", "trust.tif", "areas.csv")
DB = np.array([(-9.0, -15.0), (-7.0, -12.0), (-14.0, -21.0), (-20.0, -27.0)])  # VV and VH of each class


@pytest.fixture(scope="module", autouse=True)
def quick_rivals() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auto, "rivals", lambda problem: [auto.Candidate(SMALL.name, (SMALL,), rival=True)])
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, scene_place: scenes.Place) -> Path:
    """A scene of three hazy bands; radar in linear numbers, without data in the right third; elevation, coarser."""
    folder, draw = tmp_path_factory.mktemp("beside"), np.random.default_rng(0)
    hazy = scene_place.reflectance[1:4] + draw.normal(0, 0.05, (3, *scene_place.truth.shape)).astype(np.float32)
    scenes.write_scene(folder / "scene.tif", hazy.clip(0.001, 1), BANDS)
    decibels = DB[scene_place.truth].transpose(2, 0, 1) + draw.normal(0, 2, (2, *scene_place.truth.shape))
    write(folder / "s1-whole.tif", decibels)
    decibels[:, :, 64:] = np.nan
    write(folder / "s1.tif", 10 ** (decibels / 10))
    write(folder / "s1-db.tif", decibels)
    half = scenes.TRANSFORM @ Affine.scale(2)
    write(folder / "dem.tif", 100 + np.add.outer(np.arange(40.0), np.arange(48.0))[None], transform=half)
    scenes.write_labels(folder / "labels.gpkg", scene_place.truth, 12)
    return folder


def write(path: Path, values: np.ndarray, **more: object) -> None:
    count, height, width = values.shape
    profile = {"driver": "GTiff", "crs": scenes.CRS, "transform": scenes.TRANSFORM, "dtype": "float32", **more}
    with rasterio.open(path, "w", count=count, height=height, width=width, **profile) as raster:
        raster.write(values.astype(np.float32))


def call(folder: Path, out: Path, *more: object, learner: str = "logistic") -> int:
    words = ["map", folder / "scene.tif", folder / "labels.gpkg", "-o", out, "--class-column", "class"]
    return run([*map(str, [*words, "--learner", learner, "--workers", "1", *more])])


def beside(folder: Path, radar: str = "s1.tif") -> list[str]:
    return ["--with", f"radar={folder / radar}", "--with", f"dem={folder / 'dem.tif'}"]


def apply(folder: Path, model: Path, out: Path, *more: object) -> int:
    return run([*map(str, ["apply", model, folder / "scene.tif", "-o", out, *more])])


def right(out: Path, truth: np.ndarray) -> np.ndarray:
    """The share right to the left, where there is radar, and to the right."""
    with rasterio.open(out / "map.tif") as raster:
        found = raster.read(1) == truth + 1
    return np.array([found[:, :64].mean(), found[:, 64:].mean()])


@pytest.fixture(scope="module")
def alone(folder: Path) -> Path:
    assert call(folder, folder / "alone") == 0
    return folder / "alone"


@pytest.fixture(scope="module")
def late(folder: Path) -> Path:
    assert call(folder, folder / "late", *beside(folder), "--fusion", "late") == 0
    return folder / "late"


def test_radar_helps_where_it_is_and_the_rest_is_mapped_too(alone: Path, late: Path, scene_place: scenes.Place) -> None:
    without, with_it = (right(out, scene_place.truth) for out in (alone, late))
    assert with_it[0] > without[0] + 0.05
    assert with_it[1] > without[1] - 0.05
    with rasterio.open(late / "map.tif") as raster:
        assert bool((raster.read(1) > 0).all())


def test_the_record_and_the_report_say_what_was_used(late: Path) -> None:
    record, page = json.loads((late / "run.json").read_text()), (late / "report.html").read_text()
    assert record["fusion"] == "late" and record["chosen"]["name"] == "logistic, late fusion"
    assert [(o["name"], o["kind"], o["became_db"], o["resampled"]) for o in record["others"]] == [
        ("radar", "radar", True, False),
        ("dem", "numbers", False, True),
    ]
    assert record["missing"]["dem"] == 0 and abs(record["missing"]["radar"] - 1 / 3) < 0.03
    assert {Path(one["path"]).name for one in record["inputs"]} >= {"s1.tif", "dem.tif"}
    assert record["parameters"]["with"][0].endswith("s1.tif") and record["parameters"]["fusion"] == "late"
    notes = " ".join(record["notes"])
    assert "brought to dB" in notes and "resampled to the scene's grid (bilinear)" in notes
    assert "radar is missing in about 33 % of the scene" in notes
    assert "The map was made with radar and dem beside the scene (each read by itself)." in page
    assert "Beside the scene" in page and "brought to dB, missing in 33 %" in page


def test_windows_and_workers_change_no_byte(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (blocks, paint):
        monkeypatch.setattr(module, "BLOCK", 32)  # a small scene has blocks too
    outs = [tmp_path / "a", tmp_path / "b", tmp_path / "c"]
    for out, more in zip(outs, ((), ("--window", "64", "--workers", "2"), ("--window", "1000")), strict=True):
        assert call(folder, out, *beside(folder), "--fusion", "early", "--probabilities", *more) == 0
    for name in (*FILES, "probabilities.tif"):
        assert len({(out / name).read_bytes() for out in outs}) == 1


def test_the_model_maps_the_same_with_the_same_files(folder: Path, late: Path, tmp_path: Path) -> None:
    assert apply(folder, late / "model", tmp_path / "out", *beside(folder)) == 0
    for name in FILES:
        assert (tmp_path / "out" / name).read_bytes() == (late / name).read_bytes()
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["fusion"] == "late" and "radar is missing" in " ".join(record["notes"])


def test_radar_in_another_form_is_read_alike(folder: Path, late: Path, tmp_path: Path) -> None:
    assert apply(folder, late / "model", tmp_path / "out", *beside(folder, "s1-db.tif")) == 0
    with rasterio.open(tmp_path / "out" / "map.tif") as ours, rasterio.open(late / "map.tif") as theirs:
        assert (ours.read(1) == theirs.read(1)).mean() > 0.999


def test_what_a_model_needs_is_asked_for(
    folder: Path, late: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert apply(folder, late / "model", tmp_path / "out") == 2
    assert "made with radar and dem beside the scene: give --with radar=FILE --with dem=FILE" in capsys.readouterr().err
    swapped = ["--with", f"radar={folder / 'dem.tif'}", "--with", f"dem={folder / 'dem.tif'}"]
    assert apply(folder, late / "model", tmp_path / "out", *swapped) == 2
    assert not (tmp_path / "out").exists()


def test_what_a_model_does_not_read_is_left(
    folder: Path, alone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert apply(folder, alone / "model", tmp_path / "out", *beside(folder)) == 0
    assert "dem was given, but the model doesn't read it" in capsys.readouterr().err
    assert (tmp_path / "out" / "map.tif").read_bytes() == (alone / "map.tif").read_bytes()


def test_auto_leaves_the_scene_alone_only_beyond_doubt(folder: Path, tmp_path: Path, scene_place: scenes.Place) -> None:
    scenes.write_labels(tmp_path / "labels.gpkg", scene_place.truth, 40)
    words = [folder / "scene.tif", tmp_path / "labels.gpkg", "--class-column", "class", "--learner", "logistic"]
    for name, files in (
        ("helps", beside(folder, "s1-whole.tif")),
        ("doesn't", ["--with", f"dem={folder / 'dem.tif'}"]),
    ):
        assert run(["map", *map(str, [*words, "-o", tmp_path / name, *files])]) == 0
        record = json.loads((tmp_path / name / "run.json").read_text())
        tried = [one["name"] for one in record["candidates"] if one["role"] == "candidate"]
        assert tried == ["logistic", "logistic, early fusion", "logistic, late fusion"]
        assert (record["fusion"] is None) == (name == "doesn't")
        needs = json.loads((tmp_path / name / "model" / "model.json").read_text())["sight"].get("others", [])
        assert [one["name"] for one in needs] == (["radar", "dem"] if name == "helps" else [])


def test_copies_and_views_are_of_the_scene_alone(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(folder, tmp_path / "out", *beside(folder), "--views", "4") == 2
    assert "leave out --with" in capsys.readouterr().err


def test_dry_run_reads_them(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(folder, tmp_path / "out", *beside(folder), "--dry-run") == 0
    said = capsys.readouterr()
    assert "logistic, early fusion" in said.out and "brought to dB" in said.err


@pytest.mark.parametrize(("learner", "words"), [("maml", "moves its encoder"), ("simpleshot", None), ("cnp", None)])
def test_learners_that_can_not_be_fused_say_so(
    folder: Path, tmp_path: Path, learner: str, words: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    status = call(folder, tmp_path / "out", *beside(folder), "--fusion", "late", "--dry-run", learner=learner)
    said = capsys.readouterr().err
    assert status in (0, 2) if words is None else status == 2
    assert "bug" not in said and (words or "") in said


def test_a_net_that_was_trained_on_several_modalities(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is used as it is, also where it moves its encoder, and asks for what it reads."""
    parts = ("bands dense bands=3 width=6 blocks=1 windows=3", "radar dense bands=2 width=6 blocks=1 windows=3")
    for name in ("protonet", "maml"):
        save(make(name, encoder="late", encoder_settings={"parts": parts}, outputs=4), name, tmp_path / name)
        words = ["--weights", tmp_path / name, "--fusion", "late"]
        assert call(folder, tmp_path / "out", *words, learner=name) == 2
        assert "reads radar beside the scene: give --with radar=FILE" in capsys.readouterr().err
        radar = beside(folder)  # elevation as well, which it doesn't read
        assert call(folder, tmp_path / f"out-{name}", *words, *radar, learner=name) == 0
        with rasterio.open(tmp_path / f"out-{name}" / "map.tif") as raster:
            assert bool((raster.read(1) > 0).all())
        model = tmp_path / f"out-{name}" / "model"
        assert apply(folder, model, tmp_path / f"again-{name}", "--with", f"radar={folder / 's1.tif'}") == 0
        assert (tmp_path / f"out-{name}" / "map.tif").read_bytes() == (
            tmp_path / f"again-{name}" / "map.tif"
        ).read_bytes()


def test_from_python_it_is_the_same_map(folder: Path, late: Path) -> None:
    others = {"radar": folder / "s1.tif", "dem": folder / "dem.tif"}
    mapper = Mapper("logistic", class_column="class", fusion="late", workers=1)
    found = mapper.fit(folder / "scene.tif", folder / "labels.gpkg", others).predict(folder / "scene.tif", others)
    with rasterio.open(late / "map.tif") as raster:
        np.testing.assert_array_equal(raster.read(1), found.values)
    assert mapper.report["fusion"] == "late"
    again = Mapper().load(late / "model").predict(folder / "scene.tif", others)
    np.testing.assert_array_equal(again.values, found.values)
