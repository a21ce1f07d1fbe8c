"""The reader of ben-ge: all that is known of a patch, scenes that lie together, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from layouts import write_raster

from handful.data import find_data
from handful.data.ben_ge import CONTEXT, OPTICAL
from handful.errors import DataError

DATA = find_data("ben-ge")
SCENES = {"S2A_MSIL2A_20170613T101031": (14.0, 48.0), "S2B_MSIL2A_20180421T100029": (14.3, 48.2)}
ELSEWHERE = {"S2A_MSIL2A_20171002T112112": (-8.0, 40.0)}


def make_patch(root: Path, patch: str, radar: str) -> None:
    """One patch: the north cropland, the south water, one pixel that WorldCover doesn't know."""
    for number, band in enumerate(OPTICAL):
        side = {"B01": 20, "B09": 20, "B02": 120, "B03": 120, "B04": 120, "B08": 120}.get(band, 60)
        values = np.full((1, side, side), 100 * (number + 1), np.uint16)
        write_raster(root / "sentinel-2" / patch / f"{patch}_{band}.tif", values)
    for band, value in (("VV", -10.5), ("VH", -17.5)):
        values = np.full((1, 120, 120), value, np.float32)
        write_raster(root / "sentinel-1" / radar / f"{radar}_{band}.tif", values)
    cover = np.full((1, 120, 120), 40, np.uint8)
    cover[:, 60:], cover[0, 0, 0] = 80, 0
    write_raster(root / "esaworldcover" / f"{patch}_esaworldcover.tif", cover)
    write_raster(root / "dem" / f"{patch}_dem.tif", np.full((1, 120, 120), 321, np.int16))


def make(root: Path, name: str = "ben-ge-8k", zones_in_meta: bool = False) -> Path:
    """Two patches a scene."""
    meta, weather, zones = [], [], []
    for scene, (lon, lat) in (SCENES | ELSEWHERE).items():
        for number in range(2):
            patch, radar = f"{scene}_26_{number}", f"S1A_{scene}_26_{number}"
            make_patch(root, patch, radar)
            zone = ",15" if zones_in_meta else ""
            meta.append(f"{patch},{radar},2017-06-13,2017-06-12,0.98,0.97,{lon + number / 2},{lat + number / 2}{zone}")
            weather.append(f"{patch},{radar},950,290.5,289,1.5,1,-2,-1,60,61")
            zones.append(f"{patch},15")
    top = "patch_id,patch_id_s1,timestamp_s2,timestamp_s1,season_s2,season_s1,lon,lat"
    write(root / f"{name}_meta.csv", top + (",climatezone" if zones_in_meta else ""), meta)
    pairs = ",".join(f"{what}_s2,{what}_s1" for what in ("temperature", "wind-u", "wind-v", "relhumidity"))
    write(root / f"{name}_era-5.csv", f"patch_id,patch_id_s1,atmpressure_level,{pairs}", weather)
    if not zones_in_meta:
        write(root / f"{name}_climatezones.csv", "patch_id,climatezone", zones)
    return root


def write(path: Path, top: str, lines: list[str]) -> None:
    path.write_text("\n".join([top, *lines]) + "\n")


@pytest.mark.parametrize("zones_in_meta", [False, True])
def test_all_that_is_known_of_a_patch(tmp_path: Path, zones_in_meta: bool) -> None:
    make(tmp_path, zones_in_meta=zones_in_meta)
    region = DATA.regions(tmp_path, ["S2A_MSIL2A_20170613T101031"], DATA.groups(tmp_path))[0]
    assert region.examples.problem.names == ("cropland", "water")
    targets = region.examples.targets
    assert targets.shape == (2, 120, 120) and targets[0, [0, 0, 119], [0, 1, 0]].tolist() == [-100, 0, 1]
    bands = region.examples.inputs["bands"]
    assert bands.shape == (2, 15, 120, 120)
    assert bands[0, :, 5, 5].tolist() == pytest.approx([*np.arange(1, 13) / 100, -10.5, -17.5, 321])
    context = dict(zip(CONTEXT, region.examples.inputs["context"][1].tolist(), strict=True))
    assert {name: value for name, value in context.items() if value} == pytest.approx(
        {"atmpressure_level": 950, "temperature_s2": 290.5, "wind-u_s2": 1.5, "wind-v_s2": -2, "relhumidity_s2": 60}
        | {"season": 0.98, "climate zone 15": 1}
    )


def test_scenes_that_overlap_are_one_group(tmp_path: Path) -> None:
    first, second = SCENES
    groups = DATA.groups(make(tmp_path, "ben-ge"))
    assert groups == {first: first, second: first, **{name: name for name in ELSEWHERE}}


def test_patches_that_are_not_on_disk_are_passed_over(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "sentinel-2" / "S2A_MSIL2A_20171002T112112_26_0").rename(tmp_path / "away")
    region = DATA.regions(tmp_path, list(ELSEWHERE), DATA.groups(tmp_path))[0]
    assert region.origins == ("S2A_MSIL2A_20171002T112112_26_1",)


def test_missing_and_odd_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="HSG-AIML/ben-ge.*licence"):
        DATA.groups(tmp_path)
    make(tmp_path)
    name = next(iter(SCENES))
    (tmp_path / "dem" / f"{name}_26_0_dem.tif").unlink()
    with pytest.raises(DataError, match="26_0_dem.tif is missing"):
        DATA.regions(tmp_path, [name], {})
    write(tmp_path / "ben-ge-8k_era-5.csv", "patch_id,temperature_s2", ["a,1"])
    with pytest.raises(DataError, match="no column atmpressure_level"):
        DATA.regions(tmp_path, [name], {})
    (tmp_path / "ben-ge-8k_era-5.csv").unlink()
    with pytest.raises(DataError, match="no ben-ge.*_era-5.csv"):
        DATA.regions(tmp_path, [name], {})
    write(tmp_path / "ben-ge_meta.csv", "patch_id", ["a"])
    with pytest.raises(DataError, match="2 files"):
        DATA.groups(tmp_path)
