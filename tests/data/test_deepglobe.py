"""The reader of DeepGlobe: colours of masks, blocks, guessed regions, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from layouts import write_picture

from handful.data import find_data
from handful.errors import DataError

DATA = find_data("deepglobe")
COLOURS = {
    "urban": (0, 255, 255),
    "agriculture": (255, 255, 0),
    "range": (255, 0, 255),
    "forest": (0, 255, 0),
    "water": (0, 0, 255),
    "barren": (255, 255, 255),
    "unknown": (0, 0, 0),
}


def make_picture(root: Path, name: str, colours: list[tuple[int, ...]], light: int = 100) -> None:
    """One picture with a strip of 8 rows a colour."""
    mask = np.repeat(np.array(colours, np.uint8), 8, axis=0)[:, None].repeat(16, axis=1)
    noise = np.random.default_rng(int(name)).integers(0, max(10, light // 4), mask.shape)
    write_picture(root / f"{name}_sat.jpg", (light + noise).astype(np.uint8))
    write_picture(root / f"{name}_mask.png", mask)


def test_each_colour_is_its_class(tmp_path: Path) -> None:
    make_picture(tmp_path, "7", list(COLOURS.values()))
    region = DATA.regions(tmp_path, ["7"], DATA.groups(tmp_path))[0]
    assert region.examples.problem.names == tuple(COLOURS)[:6]
    assert region.examples.targets[0, ::2, 0].tolist() == [0, 1, 2, 3, 4, 5, -100]
    assert region.examples.inputs.shape == (1, 3, 14, 4) and region.examples.inputs.dtype == torch.float32
    assert torch.allclose(region.examples.inputs, torch.tensor(112 / 255), atol=0.04)


def test_channels_are_cut_at_128_and_mixed_blocks_are_unlabelled(tmp_path: Path) -> None:
    make_picture(tmp_path, "7", [(10, 200, 127), (128, 250, 100)])
    mask = np.repeat(np.array([(10, 200, 127), (128, 250, 100)], np.uint8), [6, 10], axis=0)
    write_picture(tmp_path / "7_mask.png", mask[:, None].repeat(16, axis=1))
    examples = DATA.regions(tmp_path, ["7"], DATA.groups(tmp_path))[0].examples
    assert examples.problem.names == ("agriculture", "forest")
    assert examples.targets[0, :, 0].tolist() == [1, -100, 0, 0]


def test_a_picture_of_one_class_makes_no_task(tmp_path: Path) -> None:
    make_picture(tmp_path, "7", [COLOURS["water"]] * 2)
    assert not DATA.regions(tmp_path, ["7"], DATA.groups(tmp_path))[0].can_draw(1)


def test_regions_are_guessed_the_same_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lights = [30, 200, 31, 202, 203, 32]
    for name, light in enumerate(lights):
        make_picture(tmp_path / "train", str(name), [COLOURS["water"], COLOURS["forest"]], light)
    (tmp_path / "valid").mkdir()
    groups = DATA.groups(tmp_path)
    assert groups == DATA.groups(tmp_path) and groups["0"] == "region 0" and len(groups) == 6
    few = dict(zip("012345", ["0", "1", "0", "1", "1", "0"], strict=True))
    monkeypatch.setattr("handful.data.deepglobe.REGIONS", 2)
    assert DATA.groups(tmp_path) == {name: f"region {group}" for name, group in few.items()}


def test_missing_and_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="kaggle.*research only"):
        DATA.groups(tmp_path)
    make_picture(tmp_path, "7", [COLOURS["water"], COLOURS["forest"]])
    path = tmp_path / "7_sat.jpg"
    path.write_bytes(b"no picture")
    with pytest.raises(DataError, match="7_sat.jpg cannot be read"):
        DATA.groups(tmp_path)
    write_picture(path, np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(DataError, match="7_mask.png has"):
        DATA.regions(tmp_path, ["7"], {})
    path.unlink()
    with pytest.raises(DataError, match="7_sat.jpg is missing"):
        DATA.regions(tmp_path, ["7"], {})
