"""`handful apply`: another scene with the model of a map, and models that somebody has touched."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import scenes
from safetensors.numpy import load_file, save_file

from handful.cli.run import run
from handful.files import checksum

BANDS = ("B02", "B03", "B04", "B08")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, scene_place: scenes.Place) -> Path:
    values = scene_place.reflectance[[1, 2, 3, 7]]
    return scenes.write_scene(tmp_path_factory.mktemp("four") / "scene.tif", values, BANDS)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, scene: Path, labels_path: Path) -> Path:
    """A finished map. Read only."""
    out = tmp_path_factory.mktemp("made") / "out"
    words = ["map", str(scene), str(labels_path), "--class-column", "class", "--learner", "nearest_mean"]
    assert run([*words, "-o", str(out), "--workers", "1", "--quiet"]) == 0
    return out


@pytest.fixture
def model(made: Path, tmp_path: Path) -> Path:
    """A copy of its model, to be touched."""
    return Path(shutil.copytree(made / "model", tmp_path / "model"))


def apply(model: Path, scene: Path, out: Path, *more: str) -> int:
    return run(["apply", str(model), str(scene), "-o", str(out), "--workers", "1", *more])


def test_the_same_scene_gives_the_same_map(made: Path, scene: Path, tmp_path: Path) -> None:
    assert apply(made / "model", scene, tmp_path / "out") == 0
    for name in ("map.tif", "confidence.tif", "trust.tif", "areas.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (made / name).read_bytes()
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["command"] == "apply" and record["classes"] == sorted(scenes.CLASSES)
    assert (tmp_path / "out" / "report.html").stat().st_size


def test_another_scene(made: Path, tmp_path: Path) -> None:
    values = scenes.place(31, 17, seed=5).reflectance[[1, 2, 3, 7]].copy()
    values[:, 9] = 0
    other = scenes.write_scene(tmp_path / "other.tif", values, BANDS)
    assert apply(made / "model", other, tmp_path / "out", "--window", "5") == 0
    with rasterio.open(tmp_path / "out" / "map.tif") as raster:
        np.testing.assert_array_equal(raster.read(1) > 0, values[0] > 0)


def test_other_bands_are_refused(
    made: Path, tmp_path: Path, scene_place: scenes.Place, capsys: pytest.CaptureFixture[str]
) -> None:
    for names, values in ((BANDS[:3], scene_place.reflectance[1:4]), (BANDS[::-1], scene_place.reflectance[:4])):
        other = scenes.write_scene(tmp_path / "other.tif", values, names)
        assert apply(made / "model", other, tmp_path / "out") == 2
        assert "B02, B03, B04, B08" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_is_no_model(made: Path, scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (tmp_path / "absent", made, scene):
        assert apply(wrong, scene, tmp_path / "out") == 2
        assert str(wrong) in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def truncated(model: Path) -> None:
    whole = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").write_bytes(whole[: len(whole) // 2])


def monstrous(model: Path) -> None:
    (model / "model.safetensors").write_bytes(struct.pack("<Q", 2**62) + b"{}")


def other_weights(model: Path) -> None:
    tensors = load_file(model / "model.safetensors")
    save_file({name: tensor[:-1] for name, tensor in tensors.items()}, model / "model.safetensors")


def missing(model: Path) -> None:
    (model / "model.safetensors").unlink()


def no_json(model: Path) -> None:
    (model / "model.json").write_text("{")


@pytest.mark.parametrize("damage", [truncated, monstrous, other_weights, missing, no_json])
def test_damage(
    damage: Callable[[Path], None], model: Path, scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(model)
    refused(model, scene, tmp_path / "out", capsys)


def refused(model: Path, scene: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert apply(model, scene, out) == 2
    said = capsys.readouterr().err
    assert said.count("handful: ") == 1 and "Traceback" not in said and str(model) in said
    assert not out.exists()


def test_tensors_that_do_not_fit(model: Path, scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = load_file(model / "model.safetensors")
    record = json.loads((model / "model.json").read_text())
    for name, tensor in whole.items():
        for touched in (tensor[:-1], tensor[:0], tensor - 10_000, tensor.astype(np.float64) * np.nan):
            if name.startswith("member") or (tensor.dtype.kind == "f" and touched.dtype == tensor.dtype):
                continue
            save_file({**whole, name: touched}, model / "model.safetensors")
            honest = record | {"weights": checksum(model / "model.safetensors")}
            (model / "model.json").write_text(json.dumps(honest))
            refused(model, scene, tmp_path / "out", capsys)


TOUCHED: list[tuple[str, Any]] = [
    ("members", []),
    ("members.0.settings.estimator", "pickle"),
    ("members.0.settings.encoder", "../../etc"),
    ("members.0.learner", 3),
    ("smoothing.reach", 10**12),
    ("smoothing.reach", -1),
    ("smoothing.sigma", float("nan")),
    ("sight.dates", [0]),
    ("sight.middle", [[]]),
    ("sight.spread", [0, 0, 0, 0]),
    ("sight.wavelengths", []),
    ("sight.factor", 1e400),
    ("judge.temperature", 0),
    ("judge.prior", [1.0]),
    ("judge", {"floor": 1.0, "calibration": {"scale": 1.0, "tolerance": 1.0, "labels": 3.0}}),
    ("domain", []),
    ("domain.key", "unknown"),
    ("domain.columns.0", 10**6),
    ("domain.area.rows", [[]]),
    ("domain.area.average_distance", 0),
    ("problem", {"classes": ["one"]}),
    ("problem.classes", ["crop", "crop", "soil", "water"]),
    ("tables", []),
    ("kind", "checkpoint"),
    ("format", 99),
]


@pytest.mark.parametrize(("key", "value"), TOUCHED)
def test_a_touched_record(
    key: str, value: Any, model: Path, scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = json.loads((model / "model.json").read_text())
    *above, last = [int(part) if part.isdigit() else part for part in key.split(".")]
    part = record
    for step in above:
        part = part[step]
    part[last] = value
    (model / "model.json").write_text(json.dumps(record))
    refused(model, scene, tmp_path / "out", capsys)


@pytest.mark.parametrize("key", ["problem", "members", "tables", "smoothing", "sight", "judge", "domain", "format"])
def test_a_record_without_a_key(
    key: str, model: Path, scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = json.loads((model / "model.json").read_text())
    del record[key]
    (model / "model.json").write_text(json.dumps(record))
    refused(model, scene, tmp_path / "out", capsys)


def test_a_scene_in_another_radiometry_is_refused(made: Path, scene: Path, tmp_path: Path, capsys: Any) -> None:
    """Reflectance for one and stored values for the other are never mixed in silence."""
    assert apply(made / "model", scene, tmp_path / "out", "--radiometry", "none") == 2
    said = capsys.readouterr().err
    assert "radiometry s2 (0.0001, 0.0)" in said and "none (1.0, 0.0)" in said and "--radiometry" in said
    assert not (tmp_path / "out").exists()
    assert apply(made / "model", scene, tmp_path / "out", "--radiometry", "0.0001,-0.1") == 0
