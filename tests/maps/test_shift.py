"""How far another scene lies, and labels' features aligned to it: what is told, what stays, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import scenes
from safetensors.numpy import load_file, save_file

from handful.cli.run import run
from handful.errors import SettingsError
from handful.files import checksum
from handful.learners import make
from handful.maps.keep import load_model
from handful.maps.mapper import Mapper
from handful.maps.members import Blend, Member
from handful.maps.scene import Scene
from handful.maps.shift import AUTO, NONE, Shift, adapted, check_alignable, glance, reverse_risk, shift_of

BANDS = ("B02", "B03", "B04", "B08")


def shifted(values: np.ndarray) -> np.ndarray:
    """The same land under other light: each band with a gain and an offset of its own."""
    gains, offsets = np.array([1.5, 0.7, 1.6, 0.6]), np.array([0.03, 0.05, 0.0, 0.08])
    return (values * gains[:, None, None] + offsets[:, None, None]).astype(np.float32)


@pytest.fixture(scope="module")
def land(scene_place: scenes.Place) -> np.ndarray:
    return scene_place.reflectance[[1, 2, 3, 7]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, land: np.ndarray, labels_path: Path) -> Path:
    """Scenes and a finished map. Read only."""
    folder = tmp_path_factory.mktemp("shift")
    scenes.write_scene(folder / "scene.tif", land, BANDS)
    scenes.write_scene(folder / "other.tif", shifted(land), BANDS)
    words = ["map", str(folder / "scene.tif"), str(labels_path), "--class-column", "class", "--learner", "logistic"]
    assert run([*words, "-o", str(folder / "map"), "--workers", "1", "--quiet"]) == 0
    return folder


def apply(made: Path, scene: str | Path, out: Path, *more: str) -> int:
    return run(["apply", str(made / "map" / "model"), str(made / scene), "-o", str(out), "--workers", "1", *more])


def right(out: Path, truth: np.ndarray) -> float:
    with rasterio.open(out / "map.tif") as raster:
        return float((raster.read(1) - 1 == truth).mean())


def test_alignment_brings_back_what_other_light_took(made: Path, tmp_path: Path, scene_place: scenes.Place) -> None:
    found = {}
    for how in ("", "statistics", "coral", "auto"):
        out = tmp_path / (how or NONE)
        assert apply(made, "other.tif", out, *(["--adapt", how] if how else [])) == 0
        found[how or NONE] = right(out, scene_place.truth)
    assert found["coral"] > found[NONE] + 0.1 and found["statistics"] > found[NONE] + 0.1
    assert found["auto"] > found[NONE] + 0.1
    record = json.loads((tmp_path / "auto" / "run.json").read_text())
    assert record["adaptation"]["method"] in ("statistics", "coral") and record["parameters"]["adapt"] == "auto"
    assert set(record["adaptation"]["reverse_risks"]) == {NONE, "statistics", "coral"}


def test_how_far_a_scene_lies_is_always_told(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = {}
    for scene in ("scene.tif", "other.tif"):
        assert apply(made, scene, tmp_path / scene) == 0
        said = " ".join(capsys.readouterr().err.split())
        told[scene] = json.loads((tmp_path / scene / "run.json").read_text())
        shift = told[scene]["shift"]
        assert (
            f"{shift['word']}: {shift['distance']:.2f} deviations a feature" in said and "area of applicability" in said
        )
        assert any(shift["word"] in note for note in told[scene]["notes"]) and told[scene]["adaptation"] is None
    near, far = told["scene.tif"]["shift"], told["other.tif"]["shift"]
    assert near["distance"] < 1e-3 and near["word"] == "much alike"
    assert far["distance"] > 0.5 and far["outside"] > near["outside"]


def test_adapting_to_the_models_own_scene_changes_nothing(made: Path, tmp_path: Path) -> None:
    assert apply(made, "scene.tif", tmp_path / "out", "--adapt") == 0  # alone: auto, which leaves a near scene alone
    assert (tmp_path / "out" / "map.tif").read_bytes() == (made / "map" / "map.tif").read_bytes()
    assert apply(made, "scene.tif", tmp_path / "coral", "--adapt", "coral") == 0
    with rasterio.open(tmp_path / "coral" / "map.tif") as a, rasterio.open(made / "map" / "map.tif") as b:
        assert (a.read(1) == b.read(1)).mean() > 0.99


def test_windows_and_workers_change_no_byte_and_python_paints_the_same(made: Path, tmp_path: Path) -> None:
    settings = (["--window", "512", "--workers", "1"], ["--window", "5000", "--workers", "2"])
    for place, more in enumerate(settings):
        words = ["apply", str(made / "map" / "model"), str(made / "other.tif"), "-o", str(tmp_path / str(place))]
        assert run([*words, "--adapt", "coral", *more]) == 0
    for name in ("map.tif", "confidence.tif", "trust.tif"):
        assert (tmp_path / "0" / name).read_bytes() == (tmp_path / "1" / name).read_bytes()
    painted = Mapper(workers=1).load(made / "map" / "model").predict(made / "other.tif", adapt="coral")
    with rasterio.open(tmp_path / "0" / "map.tif") as raster:
        np.testing.assert_array_equal(raster.read(1), painted.values)


def test_trust_stays_as_it_was(made: Path, tmp_path: Path) -> None:
    """A strange pixel isn't known because features were moved."""
    assert apply(made, "other.tif", tmp_path / "a") == 0 and apply(made, "other.tif", tmp_path / "b", "--adapt") == 0
    assert (tmp_path / "a" / "trust.tif").read_bytes() == (tmp_path / "b" / "trust.tif").read_bytes()


def test_reverse_validation_prefers_what_finds_the_labels_again(made: Path) -> None:
    model, _ = load_model(made / "map" / "model")
    own = Scene.open([str(made / "scene.tif")])
    seen = glance(own, model.sight, [member.learner for member in model.blend.members])
    key = next(iter(model.moments))
    good = reverse_risk(model, seen, {})
    assert good < reverse_risk(model, seen, {key: lambda rows: rows * 0 + rows.mean(0)})
    assert adapted(model, seen, AUTO)[0] is model
    assert shift_of(model, seen).distance == pytest.approx(0, abs=1e-3)
    assert "cannot be told" in Shift(None, None, 10).said()[0]


def test_what_cannot_be_adapted_to_is_refused(
    made: Path, tmp_path: Path, land: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    few = np.zeros_like(land)
    few[:, :4, :5] = land[:, :4, :5]
    same = np.broadcast_to(land[:, :1, :1], land.shape).copy()
    cases = {
        "nothing": (np.zeros_like(land), "no valid pixel"),
        "few": (few, "the scene has 20 valid pixels: leave it out"),
        "same": (same, "looks the same at every pixel"),
        "bands": (land[:3], "made for the bands B02, B03, B04, B08"),
    }
    for name, (values, expected) in cases.items():
        scenes.write_scene(tmp_path / f"{name}.tif", values, BANDS[: len(values)])
        assert apply(made, tmp_path / f"{name}.tif", tmp_path / "out", "--adapt", "coral") == 2
        said = " ".join(capsys.readouterr().err.split())
        assert expected in said and said.count("handful: ") == 1 and "Traceback" not in said
        assert not (tmp_path / "out").exists()
    assert apply(made, "other.tif", tmp_path / "out", "--adapt", "corral") == 2
    assert "'coral'" in capsys.readouterr().err


def test_a_model_that_doesnt_know_its_scene_says_so(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    model = tmp_path / "map" / "model"
    model.mkdir(parents=True)
    tensors = load_file(made / "map" / "model" / "model.safetensors")
    record = json.loads((made / "map" / "model" / "model.json").read_text())

    def write(changed: dict[str, np.ndarray]) -> None:
        save_file(changed, model / "model.safetensors")
        honest = record | {"weights": checksum(model / "model.safetensors")}
        (model / "model.json").write_text(json.dumps(honest))

    write({name: t for name, t in tensors.items() if not name.startswith(("mean0", "covariance0"))})
    other = str(made / "other.tif")
    assert run(["apply", str(model), other, "-o", str(tmp_path / "out"), "--adapt", "--workers", "1"]) == 2
    assert "run `handful map` again" in " ".join(capsys.readouterr().err.split())
    assert run(["apply", str(model), other, "-o", str(tmp_path / "out"), "--workers", "1"]) == 0
    write(tensors | {"covariance0": tensors["covariance0"][:-1]})
    assert run(["apply", str(model), other, "-o", str(tmp_path / "odd"), "--workers", "1"]) == 2
    assert str(model) in " ".join(capsys.readouterr().err.split())


def test_a_learner_that_moves_its_encoder_cannot_be_aligned(made: Path) -> None:
    model, _ = load_model(made / "map" / "model")
    moving = Member("maml", make("maml", encoder="dense", encoder_settings={"bands": 4, "width": 4}))
    with pytest.raises(SettingsError, match="maml makes its own for each task"):
        check_alignable(replace(model, blend=Blend((moving,), model.blend.predictors)), model.seen)
