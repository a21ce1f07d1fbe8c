"""The reader of sen12ms-rgb: each task with its own classes, support, parents and turns."""

from __future__ import annotations

import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from small_sets import damage, encoded, write_csv, write_zip

from handful.data import find_data
from handful.errors import DataError

DATA = find_data("sen12ms-rgb")
COLUMNS = ["task", "split", "role", "class_index", "shot", "season", "region", "label", "patch", "image", "turn"]
TASKS = {  # task: split, season, region, labels
    "0": ("test", "winter", "108", ("Savanna", "Forests", "Urban_Build-up", "Water")),
    "7": ("train", "fall", "126", ("Water", "Forests", "Croplands", "Barren")),
    "12": ("val", "summer", "101", ("Water", "Wetlands", "Grassland", "Savanna")),
}
SIDE = 16


def patch(label: str) -> np.ndarray:
    """White in the upper left eighth of the left half's rows: no turn nor mirror leaves it as it is."""
    values = np.full((SIDE, SIDE, 3), 10 + len(label), np.uint8)
    values[: SIDE // 4, : SIDE // 2] = 250
    return values


def make_set(root: Path, turns: tuple[int, ...] = (0,)) -> Path:
    rows, members = [], {}
    for task, (split, season, region, labels) in TASKS.items():
        for role in ("query", "support"):
            for index, label in enumerate(labels):
                for shot in (0, 1):
                    name = f"p{10 * index + shot}{'tl' if role == 'query' else 'br'}"
                    image = f"images/{season}/{region}/{label}/{name}.jpg"
                    members[image] = encoded(patch(label), "JPEG")
                    turn = turns[len(rows) % len(turns)]
                    rows.append((task, split, role, index, shot, season, region, label, name, image, turn))
    write_csv(root / "tasks.csv", COLUMNS, rows)
    write_zip(root / "images.zip", members)
    return root


def test_a_task_is_a_site_and_its_region_the_group(tmp_path: Path) -> None:
    assert DATA.groups(make_set(tmp_path)) == {"0": "108", "7": "126", "12": "101"}
    assert DATA.splits(tmp_path) == {"official": {"0": "test", "7": "train", "12": "validation"}}
    assert DATA.problem is None and DATA.shared and DATA.site_is == "place"


def test_classes_support_and_parents(tmp_path: Path) -> None:
    region = DATA.regions(make_set(tmp_path), ["7"], {"7": "126"})[0]
    examples = region.examples
    assert examples.problem.names == TASKS["7"][3] and examples.inputs.shape == (16, 3, SIDE, SIDE)
    assert examples.targets.tolist() == [0, 0, 1, 1, 2, 2, 3, 3] * 2
    assert region.support is not None and region.support.tolist() == [False] * 8 + [True] * 8
    assert region.origins[:3] == ("fall/126/p0", "fall/126/p1", "fall/126/p10")
    assert region.origins[8] == region.origins[0]  # another quarter of the same patch
    assert region.split(region.support).support.counts().tolist() == [2, 2, 2, 2]


def test_turns(tmp_path: Path) -> None:
    images = DATA.regions(make_set(tmp_path, tuple(range(8))), ["0"], {})[0].examples.inputs[:8, 0]
    white = [(image > 0.6).numpy() for image in images]
    upright = patch("Savanna")[..., 0] > 150
    mirrored = np.fliplr(upright)
    assert all((white[turn] == np.rot90(upright, turn)).all() for turn in range(4))
    assert all((white[turn] == np.rot90(mirrored, turn - 4)).all() for turn in range(4, 8))
    assert white[1][-SIDE // 2 :, : SIDE // 4].all()  # by one quarter counterclockwise: the corner is below left


def test_a_table_that_says_what_no_task_has(tmp_path: Path) -> None:
    make_set(tmp_path)
    path = tmp_path / "tasks.csv"
    text = path.read_text()
    for old, new in ((",query,", ",quiz,"), ("0,test", "0,tests"), (",0\n", ",9\n"), (",0,0,winter", ",x,0,winter")):
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(DataError, match="tasks.csv, row 2"):
            DATA.groups(tmp_path)
    path.write_text(text.replace(",3,", ",4,"))
    with pytest.raises(DataError, match="task '0' has the class indices .0, 1, 2, 4."):
        DATA.regions(tmp_path, ["0"], {})


def test_what_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="MarcCoru/beat-the-maml.*CC BY-NC-SA"):
        DATA.groups(tmp_path)
    make_set(tmp_path)
    name = "images/fall/126/Barren/p30tl.jpg"
    damage(tmp_path / "images.zip", name)
    with pytest.raises(DataError, match=name):
        DATA.regions(tmp_path, ["7"], {})
    assert DATA.regions(tmp_path, ["0"], {})  # the others go on
    (tmp_path / "images.zip").unlink()
    with pytest.raises(DataError, match="only a part.*images.zip"):
        DATA.groups(tmp_path)


def test_the_collection_itself(data_root: Path) -> None:
    root = data_root / "sen12ms-rgb"
    groups, split = DATA.groups(root), DATA.splits(root)["official"]
    assert len(groups) == 795 and set(split) == set(groups)
    assert Counter(split.values()) == {"train": 562, "validation": 80, "test": 153}
    regions = {
        part: {groups[task] for task in split if split[task] == part} for part in ("train", "validation", "test")
    }
    assert {part: len(of) for part, of in regions.items()} == {"train": 5, "validation": 1, "test": 3}
    assert len(set.union(*regions.values())) == 9
    for region in DATA.regions(root, sorted(groups)[::300], groups):
        assert region.examples.inputs.shape == (16, 3, 128, 128)
        assert region.split(region.support).support.counts().tolist() == [2, 2, 2, 2]
    with zipfile.ZipFile(root / "images.zip") as file:
        assert len(file.namelist()) == 6184
