"""The reader of forest damage: what is labelled, what isn't, and which folders are refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from small_forest import write_raster

from handful.data import find_data
from handful.errors import DataError, SettingsError

DATA = find_data("forest-damage")
SHAPE = (6, 5)


def make_site(root: Path, name: str = "7", hole: tuple[int, int] | None = None) -> None:
    """Both years at reflectance .1 and .2, the first row damaged, the first two rows forest."""
    for year, number in ((2019, 1000), (2020, 2000)):
        values = np.full((12, *SHAPE), number, np.uint16)
        if hole and year == 2019:
            values[:, hole[0], hole[1]] = 0
        write_raster(root / f"s2_{year}" / f"{name}.tif", values)
    damage, forest = np.zeros((1, *SHAPE), np.uint8), np.zeros((1, *SHAPE), np.uint8)
    damage[0, 0], forest[0, :2] = 1, 3
    write_raster(root / "damage" / f"{name}.tif", damage)
    write_raster(root / "forest2022" / f"{name}.tif", forest)


def read(root: Path, name: str = "7") -> object:
    return DATA.regions(root, [name], DATA.groups(root))[0].examples


def test_labels_and_reflectance(tmp_path: Path) -> None:
    make_site(tmp_path)
    examples = read(tmp_path)
    wanted = torch.full((1, *SHAPE), -100)
    wanted[0, 0], wanted[0, 1] = 1, 0
    assert torch.equal(examples.targets, wanted)
    bands = examples.inputs["bands"]
    assert bands.shape == (1, 24, *SHAPE) and bands.dtype == torch.float32
    assert torch.allclose(bands[:, :12], torch.tensor(0.1)) and torch.allclose(bands[:, 12:], torch.tensor(0.2))
    assert examples.inputs["dates"][0].tolist() == [0] * 12 + [1] * 12
    assert examples.inputs["wavelengths"].shape == (1, 24)


def test_a_hole_in_either_year_is_unlabelled_and_filled(tmp_path: Path) -> None:
    make_site(tmp_path, hole=(0, 2))
    examples = read(tmp_path)
    assert examples.targets[0, 0].tolist() == [1, 1, -100, 1, 1]
    assert torch.allclose(examples.inputs["bands"][:, :12], torch.tensor(0.1))  # its neighbours' value


def test_sites_come_from_the_files_and_groups_from_the_table(tmp_path: Path) -> None:
    for name in ("7", "8"):
        make_site(tmp_path, name)
    assert DATA.groups(tmp_path) == {"7": "", "8": ""}
    (tmp_path / "sites.csv").write_text("id,region12\n8,4\n9,5\n")
    assert DATA.groups(tmp_path) == {"7": "", "8": "4"}
    (tmp_path / "sites.csv").write_text("id,lon\n8,4\n")
    assert DATA.groups(tmp_path) == {"7": "", "8": ""}


def test_a_table_that_is_no_table_is_refused(tmp_path: Path) -> None:
    make_site(tmp_path)
    table = tmp_path / "sites.csv"
    for content in (b"id,region12\n\xff,1\n", b"id\n" + b"a" * 200_000):
        table.write_bytes(content)
        with pytest.raises(DataError, match="sites.csv cannot be read"):
            DATA.groups(tmp_path)
    table.unlink()
    os.mkfifo(table)
    with pytest.raises(DataError, match="sites.csv cannot be read.*regular"):
        DATA.groups(tmp_path)


def test_missing_data_says_where_to_get_it(tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "absent"):
        with pytest.raises(DataError, match="github.com.*licence"):
            DATA.groups(root)


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    make_site(tmp_path)
    path = tmp_path / "s2_2020" / "7.tif"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="s2_2020/7.tif"):
        read(tmp_path)
    path.write_bytes(b"not a raster")
    with pytest.raises(DataError, match="s2_2020/7.tif"):
        read(tmp_path)
    path.unlink()
    with pytest.raises(DataError, match="s2_2020/7.tif is missing"):
        read(tmp_path)


def test_an_odd_raster_is_refused(tmp_path: Path) -> None:
    make_site(tmp_path)
    write_raster(tmp_path / "damage" / "7.tif", np.zeros((1, 3, 3), np.uint8))
    with pytest.raises(DataError, match="differ in size"):
        read(tmp_path)
    write_raster(tmp_path / "s2_2019" / "7.tif", np.ones((3, *SHAPE), np.uint16))
    with pytest.raises(DataError, match="3 bands"):
        read(tmp_path)


def test_a_misspelt_name_is_offered_the_right_one() -> None:
    with pytest.raises(SettingsError, match="Did you mean forest-damage"):
        find_data("forest_damage")


def test_the_collection_itself(data_root: Path) -> None:
    root = data_root / "forest-damage"
    groups = DATA.groups(root)
    assert len(groups) == 160 and set(groups.values()) <= {str(k) for k in range(12)}
    region = DATA.regions(root, ["205410"], groups)[0]  # 94 % of it is a hole in 2019
    assert region.examples.counts().tolist() == [30, 28]
    assert float(region.examples.inputs["bands"].min()) > 0


def test_further_targets_are_the_forest_kind_and_the_burn_ratio_of_the_next_year(tmp_path: Path) -> None:
    make_site(tmp_path, hole=(0, 2))
    inputs = read(tmp_path).inputs
    ratio, kind = inputs["also.burn ratio"], inputs["also.forest kind"]
    assert ratio.shape == kind.shape == (1, *SHAPE)
    known = ratio.isfinite()
    assert torch.allclose(ratio[known], torch.tensor(0.0))  # all bands are alike
    assert set(kind[kind.isfinite()].tolist()) <= {0.0, 1.0, 2.0}
