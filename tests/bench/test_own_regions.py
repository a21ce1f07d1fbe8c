"""A person's own regions: the folder, the CSV, uneven classes, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
import scenes
from click.testing import CliRunner

from handful.bench.evaluate import score_region
from handful.cli.bench import command
from handful.data import find_data
from handful.errors import DataError
from handful.learners import make

DATA = find_data("regions")


def make_region(folder: Path, seed: int = 0, bands: tuple[str, ...] = scenes.BANDS, classes: int = 4) -> scenes.Place:
    """scene.tif and labels.gpkg of a made-up place."""
    folder.mkdir(parents=True)
    place = scenes.place(48, 40, 24, seed)
    scenes.write_scene(folder / "scene.tif", place.reflectance[: len(bands)], bands)
    frame = scenes.labels_frame(place.truth, 8, seed)
    names = sorted(set(frame["class"]))[:classes]
    frame[frame["class"].isin(names)].to_file(folder / "labels.gpkg")
    return place


def test_a_folder_a_region(tmp_path: Path) -> None:
    place = make_region(tmp_path / "north")
    make_region(tmp_path / "south", seed=1)
    (tmp_path / ".cache").mkdir()
    data = DATA.at(tmp_path)
    assert data.groups(tmp_path) == {"north": "", "south": ""} and data.shared
    assert data.problem.names == ("crop", "forest", "soil", "water") and data.bands == scenes.BANDS
    region = data.regions(tmp_path, ["north"], {})[0]
    examples = region.examples
    assert examples.inputs["bands"].shape[1:] == (12, *examples.targets.shape[1:])
    assert examples.counts().tolist() == [8] * 4 and region.bands == scenes.BANDS
    labelled = (examples.targets[0] >= 0).nonzero()
    if examples.targets.shape[1:] == place.truth.shape:
        assert all(place.truth[row, column] == examples.targets[0, row, column] for row, column in labelled.tolist())
    row, column = labelled[0].tolist()
    forest = np.array(scenes.CLASSES[examples.problem.names[examples.targets[0, row, column]]])
    assert np.abs(examples.inputs["bands"][0, :, row, column].numpy() - forest).max() < 0.15
    assert examples.inputs["wavelengths"][0, 1] == pytest.approx(492, abs=2)


def test_it_is_scored_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handful.bench.evaluate.SPARE", 2)
    make_region(tmp_path / "north")
    region = DATA.regions(tmp_path, ["north"], DATA.groups(tmp_path))[0]
    rows = score_region(make("random_forest"), region, [4], range(2))
    assert [row.site for row in rows] == ["north"] * 2 and min(row.balanced_accuracy for row in rows) > 0.7


def test_a_csv_of_regions(tmp_path: Path) -> None:
    make_region(tmp_path / "a")
    make_region(tmp_path / "b", seed=1, classes=2)
    lines = ["region,scene,labels,class_column,group", "one,a/scene.tif,a/labels.gpkg,class,hills"]
    lines.append("two, b/scene.tif ,b/labels.gpkg,,")
    (tmp_path / "regions.csv").write_text("\n".join(lines) + "\n")
    data = DATA.at(tmp_path)
    assert data.groups(tmp_path) == {"one": "hills", "two": ""}
    assert data.problem is None and data.shared  # crop and forest recur, soil doesn't
    assert data.regions(tmp_path, ["two"], {})[0].examples.problem.names == ("crop", "forest")
    (tmp_path / "regions.csv").write_text("\n".join([*lines, lines[1]]) + "\n")
    with pytest.raises(DataError, match="two lines of the region 'one'"):
        DATA.groups(tmp_path)
    (tmp_path / "regions.csv").write_text(lines[0] + "\none,a/scene.tif,a/label.gpkg,,\n")
    with pytest.raises(DataError, match="region 'one': there is no file .*label.gpkg"):
        DATA.groups(tmp_path)


def test_a_region_that_cannot_be_read_has_no_say_in_bands_and_classes(tmp_path: Path) -> None:
    for seed, name in enumerate(("north", "south", "west")):
        make_region(tmp_path / name, seed)
    torn = tmp_path / "north" / "scene.tif"
    torn.write_bytes(torn.read_bytes()[:900])
    data = DATA.at(tmp_path)
    assert data.bands == scenes.BANDS and data.problem.names == ("crop", "forest", "soil", "water")
    with pytest.raises(DataError, match="region 'north': .*scene.tif is truncated"):
        data.read(tmp_path, "north", "")
    for name in ("south", "west"):
        (tmp_path / name / "scene.tif").write_bytes(b"II*\0")
    with pytest.raises(DataError, match="region 'north'"):
        DATA.at(tmp_path)


PROTOCOL = """
rivals = false
[data]
name = "regions"
test = 1.0
validation = 0
[tasks]
shots = [1]
draws = 1
[[learners]]
name = "nearest_mean"
encoder = "plain"
"""


def test_a_bench_leaves_out_a_region_that_cannot_be_read_if_told_so(tmp_path: Path) -> None:
    for seed, name in enumerate(("north", "south", "west")):
        make_region(tmp_path / "regions" / name, seed)
    torn = tmp_path / "regions" / "south" / "scene.tif"
    torn.write_bytes(torn.read_bytes()[:900])
    (tmp_path / "protocol.toml").write_text(PROTOCOL)
    words = [str(tmp_path / "protocol.toml"), "--root", str(tmp_path / "regions"), "--workers", "1"]
    with pytest.raises(DataError, match="region 'south': .*scene.tif is truncated.*keep-going"):
        CliRunner().invoke(command, [*words, "-o", str(tmp_path / "no")], catch_exceptions=False)
    assert not (tmp_path / "no").exists()
    found = CliRunner().invoke(command, [*words, "-o", str(tmp_path / "out"), "--keep-going"], catch_exceptions=False)
    assert "left out site 'south'" in found.stderr
    assert set(pd.read_csv(tmp_path / "out" / "scores.csv")["task"]) == {"north", "west"}


def test_label_rasters_and_classes_of_their_own(tmp_path: Path) -> None:
    for name, codes in (("a", (1, 2)), ("b", (7, 9))):
        place = make_region(tmp_path / name)
        (tmp_path / name / "labels.gpkg").unlink()
        values = np.where(place.truth == 0, codes[0], np.where(place.truth == 1, codes[1], 0))[None]
        scenes.write_scene(tmp_path / name / "labels.tif", values.astype(np.uint8), None)
    data = DATA.at(tmp_path)
    assert data.problem is None and not data.shared
    region = data.regions(tmp_path, ["b"], {})[0]
    assert region.examples.problem.names == ("7", "9")
    assert region.examples.counts().tolist() == [int((place.truth == index).sum()) for index in (0, 1)]


def test_pixels_without_data_are_unlabelled(tmp_path: Path) -> None:
    make_region(tmp_path / "a")
    before = DATA.regions(tmp_path, ["a"], {})[0].examples
    with rasterio.open(tmp_path / "a" / "scene.tif", "r+") as raster:
        values = raster.read()
        values[:, :24] = 0
        raster.write(values)
    after = DATA.regions(tmp_path, ["a"], {})[0].examples
    assert 0 < int(after.counts().sum()) < int(before.counts().sum()) and after.inputs["bands"].isfinite().all()


def test_what_is_missing_or_odd_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="docs/regions.md"):
        DATA.groups(tmp_path)
    make_region(tmp_path / "north")
    make_region(tmp_path / "south", seed=1, bands=scenes.BANDS[:4])
    with pytest.raises(DataError, match="region 'south' has the bands B01, B02, B03, B04, but region 'north'"):
        DATA.at(tmp_path)
    make_region(tmp_path / "west", classes=1)
    assert not DATA.regions(tmp_path, ["west"], {})[0].can_draw(1)  # one class: no task
    (tmp_path / "west" / "labels.csv").write_text("lon,lat,class\n")
    with pytest.raises(DataError, match="region 'west' has labels twice: labels.csv, labels.gpkg"):
        DATA.groups(tmp_path)
    for name in ("labels.csv", "labels.gpkg"):
        (tmp_path / "west" / name).unlink()
    with pytest.raises(DataError, match="region 'west' has no labels"):
        DATA.groups(tmp_path)
    (tmp_path / "west" / "scene.tif").unlink()
    with pytest.raises(DataError, match="region 'west' has no scene"):
        DATA.groups(tmp_path)
