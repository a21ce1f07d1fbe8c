"""`handful pretrain`: a checkpoint that maps begin with, the same bytes after a kill, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import outside_nets as outside
import pytest
import scenes
import torch
from click.testing import CliRunner, Result
from safetensors.torch import save_file

from handful.checkpoint import load
from handful.cli.pretrain import command
from handful.errors import LabelsError, OutputError, SceneError, SettingsError
from handful.learners import make
from handful.maps.scene import Scene
from handful.maps.weights import pretrained
from handful.pretrain import tiles
from handful.pretrain.tiles import Tiles

SMALL = ("--encoder", "dense", "--set", "encoder.width=4", "--set", "encoder.blocks=1", "--set", "encoder.windows=[3]")
SHORT = ("--steps", "6", "--patches", "4", "--patch", "16")


class Killed(Exception):
    pass


def call(*words: object) -> Result:
    """The command, its own errors raised."""
    return CliRunner().invoke(command, [*map(str, words)], catch_exceptions=False)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, scene_place: scenes.Place) -> tuple[Path, Path]:
    """Four bands of reflectance, and one of heights, of one place."""
    folder = tmp_path_factory.mktemp("pair")
    optical = scenes.write_scene(
        folder / "optical.tif", scene_place.reflectance[[1, 2, 3, 7]], ("B02", "B03", "B04", "B08")
    )
    heights = (100 * scene_place.truth[None] + 50).astype(np.int16)
    return optical, scenes.write_scene(folder / "heights.tif", heights, ("height",), nodata=-1)


def test_a_checkpoint_that_others_begin_with(scene_path: Path, labels_path: Path, tmp_path: Path) -> None:
    asked = ("--labels", labels_path, "--class-column", "class")
    told = json.loads(call(scene_path, "-o", tmp_path / "out", *SHORT, *SMALL, *asked, "--json").stdout)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["log.csv", "model.json", "model.safetensors"]
    assert told["steps"] == 6 and told["learner"] == "simclr" and told["inputs"][0][0]["checksum"].startswith("sha256")
    found = told["balanced_accuracy"]
    assert list(found["steps"]) == ["1", "2", "3", "4", "5", "6"] and found["shipped"] is None
    assert all(0 <= value <= 1 for value in (found["bands"], found["start"], *found["steps"].values()))
    assert found["bands"] > 0.6  # four classes that bands tell apart, in space too
    source = load(tmp_path / "out")[0]
    stood = pretrained("protonet", 3, weights=tmp_path / "out")
    weights = zip(source.net.encoder.parameters(), stood.net.encoder.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in weights)
    again = json.loads(call(scene_path, "-o", tmp_path / "on", *SHORT, "--weights", tmp_path / "out", "--json").stdout)
    assert again["settings"]["encoder_settings"] == told["settings"]["encoder_settings"]
    assert again["balanced_accuracy"] is None


def test_encoders_of_whole_images_and_weights_from_outside(scene_path: Path, labels_path: Path, tmp_path: Path) -> None:
    conv = ("--encoder", "conv4", "--set", "encoder.width=4", "--labels", labels_path, "--class-column", "class")
    told = json.loads(call(scene_path, "-o", tmp_path / "conv", *SHORT, *conv, "--json").stdout)
    assert told["balanced_accuracy"]["start"] > 0
    save_file(outside.resnet("resnet18"), tmp_path / "net.safetensors")
    waves = "encoder.waves=[443,490,560,665,705,740,783,842,865,945,1610,2190]"
    begun = ("--weights", tmp_path / "net.safetensors", "--encoder", "resnet18", "--set", waves)
    words = (scene_path, "-o", tmp_path / "net", "--steps", 1, "--patches", 2, "--patch", 16, *begun)
    assert json.loads(call(*words, "--json").stdout)["weights_checksum"].startswith("sha256")


def test_labels_move_no_weight(scene_path: Path, labels_path: Path, tmp_path: Path) -> None:
    call(scene_path, "-o", tmp_path / "without", *SHORT, *SMALL)
    call(scene_path, "-o", tmp_path / "with", *SHORT, *SMALL, "--labels", labels_path, "--class-column", "class")
    read = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("without", "with")]
    assert read[0] == read[1]


def test_a_killed_run_goes_on_to_the_same_bytes(
    scene_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call(scene_path, "-o", tmp_path / "whole", *SHORT, *SMALL, "--seed", 3)
    drawn = Tiles.task

    def broken(self: Tiles, count: int, seed: int, step: int) -> object:
        if step == 4:
            raise Killed
        return drawn(self, count, seed, step)

    with monkeypatch.context() as patch:
        patch.setattr(Tiles, "task", broken)
        patch.setattr("handful.meta_train.KEEP_SECONDS", 0.0)
        with pytest.raises(Killed):
            call(scene_path, "-o", tmp_path / "cut", *SHORT, *SMALL, "--seed", 3)
    assert (tmp_path / "cut" / "training.safetensors").exists()
    call(scene_path, "-o", tmp_path / "cut", *SHORT, *SMALL, "--seed", 3)
    read = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "cut")]
    assert read[0] == read[1] and not (tmp_path / "cut" / "training.safetensors").exists()
    with pytest.raises(OutputError, match="finished run"):
        call(scene_path, "-o", tmp_path / "cut", *SHORT, *SMALL)


def test_a_pair_gives_an_encoder_of_both_and_one_of_each(pair: tuple[Path, Path], tmp_path: Path) -> None:
    asked = ("--pair", "=".join(map(str, pair)), "-o", tmp_path / "out", *SHORT)
    told = json.loads(call(*asked, "--set", "encoder.width=4", "--json").stdout)
    assert told["learner"] == "dual_simclr"
    assert told["settings"]["encoder_settings"] == {"width": 4, "first": 4, "bands": 5}
    both = load(tmp_path / "out")[0].net.encoder
    for name, own in (("first", both.one), ("second", both.other)):
        alone = load(tmp_path / "out" / name)[0].net.encoder
        assert all(torch.equal(a, b) for a, b in zip(alone.parameters(), own.parameters(), strict=True))


def test_what_cannot_be_is_refused(
    scene_path: Path, pair: tuple[Path, Path], labels_path: Path, tmp_path: Path
) -> None:
    out = ("-o", tmp_path / "out")
    for words, error, message in (
        ((scene_path, "--method", "simclear"), SettingsError, "Did you mean simclr"),
        ((scene_path, "--method", "ridge"), SettingsError, "no self-supervision is called 'ridge'"),
        ((scene_path, "--method", "dual_simclr"), SettingsError, "give --pair"),
        ((scene_path, "--encoder", "context"), SettingsError, "nothing to learn"),
        ((scene_path, pair[0], "--encoder", "dense"), SettingsError, "the scenes have 4, 12"),
        ((pair[1], "--encoder", "spectral"), SettingsError, "3 bands of known wavelength"),
        ((scene_path, "--set", "temprature=1"), SettingsError, "Did you mean temperature"),
        ((scene_path, "--patch", 200), SceneError, "no scene is as large as a patch of 200"),
        ((scene_path, "--weights", "shipped", "--encoder", "dense"), SettingsError, "brings its own encoder"),
        ((scene_path, "--labels", labels_path, "--class-column", "clas"), LabelsError, "class"),
        ((scene_path, scene_path, "--pair", "a=b"), None, "not both"),
        (("--pair", "a"), None, "write two rasters"),
    ):
        if error is None:
            assert message in call(*words, *out).output
            continue
        with pytest.raises(error, match=message):
            call(*words, *out)
    assert not (tmp_path / "out").exists()


def test_labels_too_few_to_judge_are_told(scene_path: Path, scene_place: scenes.Place, tmp_path: Path) -> None:
    one = scenes.write_labels(tmp_path / "one.gpkg", scene_place.truth, shots=1)
    with pytest.raises(LabelsError, match="no label can be judged.*or leave --labels out"):
        call(scene_path, "-o", tmp_path / "out", *SHORT, *SMALL, "--labels", one, "--class-column", "class")
    assert not (tmp_path / "out").exists()


def test_a_rehearsal_writes_nothing(scene_path: Path, tmp_path: Path) -> None:
    told = json.loads(call(scene_path, "-o", tmp_path / "out", "--dry-run", "--json").stdout)
    assert told["encoder"] == "spectral" and told["method"] == "simclr" and not (tmp_path / "out").exists()


def test_patches_are_a_function_of_seed_and_step_and_hold_what_the_scene_does(
    scene_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Scene.open(scene_path) as scene:
        held = Tiles.of([scene], 16, 0)
        task = held.task(5, 0, 3)
        assert task.shared and len(task.support) == 5 and task.support.targets.tolist() == [0, 1, 2, 3, 4]
        bands = task.support.inputs["bands"]
        assert torch.equal(held.task(5, 0, 3).support.inputs["bands"], bands)
        assert not torch.equal(held.task(5, 0, 4).support.inputs["bands"], bands)
        whole = torch.from_numpy(scene.read(scene.grid.window)[0])
        places = whole.unfold(1, 16, 1).unfold(2, 16, 1).movedim(0, 2)
        assert bool((places == bands[0]).all((2, 3, 4)).any())
        monkeypatch.setattr(tiles, "MOST_BYTES", 1)
        assert Tiles.of([scene], 16, 0).share == 1.0  # one tile at least


def test_weights_of_whole_images_make_no_map(tmp_path: Path) -> None:
    from handful.checkpoint import save

    save(make("simclr", encoder="conv4", encoder_settings={"bands": 3, "width": 4}), "simclr", tmp_path / "conv")
    with pytest.raises(SettingsError, match="describes whole images .*conv4"):
        pretrained("ridge", 2, weights=tmp_path / "conv")
    (tmp_path / "net.safetensors").write_bytes(b"")
    with pytest.raises(SettingsError, match="is a file: a map takes the folder"):
        pretrained("ridge", 2, weights=tmp_path / "net.safetensors")
