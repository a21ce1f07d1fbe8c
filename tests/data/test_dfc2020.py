"""The reader of DFC2020: the contest's layout and the later one, classes from 1, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from layouts import optical, radar, write_raster

from handful.data import find_data
from handful.errors import DataError

DATA = find_data("dfc2020")
SIDE = 8


def make_patch(root: Path, folder: str = "ROIs0000_test", place: str = "0", patch: int = 0) -> np.ndarray:
    """One patch, with forest above, barren and a pixel of nothing below."""
    codes = np.full((1, SIDE, SIDE), 1, np.uint8)
    codes[:, SIDE // 2 :] = 9
    codes[0, -1, -1] = 0
    for kind, values in (("s2", optical(13, SIDE, patch)), ("s1", radar(SIDE, patch)), ("dfc", codes)):
        write_raster(root / folder / f"{kind}_{place}" / f"{folder}_{kind}_{place}_p{patch}.tif", values)
    return codes[0]


def test_the_layout_of_the_contest(tmp_path: Path) -> None:
    codes = make_patch(tmp_path)
    make_patch(tmp_path, patch=1)
    make_patch(tmp_path, "ROIs0000_validation")
    assert DATA.groups(tmp_path) == {"ROIs0000_test-0": "", "ROIs0000_validation-0": ""}
    assert DATA.splits(tmp_path) == {"contest": {"ROIs0000_test-0": "test", "ROIs0000_validation-0": "validation"}}
    region = DATA.regions(tmp_path, ["ROIs0000_test-0"], {})[0]
    assert region.examples.problem.names == ("forest", "barren")
    assert region.examples.inputs["bands"].shape == (2, 15, SIDE, SIDE)
    wanted = np.where(codes == 0, -100, np.where(codes == 1, 0, 1))
    assert (region.examples.targets.numpy() == wanted).all()
    assert set(region.examples.base_targets.unique().tolist()) == {-100, 0, 8}
    assert region.origins == ("ROIs0000_test_dfc_0_p0", "ROIs0000_test_dfc_0_p1")


def test_the_layout_with_a_folder_a_place(tmp_path: Path) -> None:
    make_patch(tmp_path, "ROIs0000_winter", "MexicoCity")
    assert DATA.groups(tmp_path) == {"ROIs0000_winter-MexicoCity": "MexicoCity"}
    assert DATA.splits(tmp_path) == {"contest": {}}
    assert len(DATA.regions(tmp_path, ["ROIs0000_winter-MexicoCity"], {})[0].examples) == 1


def test_pixels_without_data_are_unlabelled(tmp_path: Path) -> None:
    make_patch(tmp_path)
    values = radar(SIDE)
    values[1, 0, 0] = np.nan
    write_raster(tmp_path / "ROIs0000_test" / "s1_0" / "ROIs0000_test_s1_0_p0.tif", values)
    examples = DATA.regions(tmp_path, ["ROIs0000_test-0"], {})[0].examples
    assert examples.targets[0, 0, :2].tolist() == [-100, 0] and examples.inputs["bands"].isfinite().all()


def test_missing_and_odd_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="ieee-dataport"):
        DATA.groups(tmp_path)
    make_patch(tmp_path)
    path = tmp_path / "ROIs0000_test" / "s1_0" / "ROIs0000_test_s1_0_p0.tif"
    write_raster(path, radar(4))
    with pytest.raises(DataError, match="differ in size"):
        DATA.regions(tmp_path, ["ROIs0000_test-0"], {})
    path.unlink()
    with pytest.raises(DataError, match="s1_0_p0.tif is missing"):
        DATA.regions(tmp_path, ["ROIs0000_test-0"], {})
