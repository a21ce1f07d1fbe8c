"""The readers of EuroSAT: a site a class, pictures or 13 bands, in the layouts of the old and the new zips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from layouts import optical, write_picture, write_raster

from handful.data import find_data
from handful.errors import DataError

RGB, ALL = find_data("eurosat-rgb"), find_data("eurosat")


@pytest.mark.parametrize("home", ["", "EuroSAT_RGB", "2750"])
def test_pictures(tmp_path: Path, home: str) -> None:
    for number in (1, 2, 10):
        write_picture(
            tmp_path / home / "SeaLake" / f"SeaLake_{number}.jpg", np.full((64, 64, 3), number * 10, np.uint8)
        )
    write_picture(tmp_path / home / "River" / "River_1.jpg", np.zeros((64, 64, 3), np.uint8))
    assert RGB.groups(tmp_path) == {"River": "", "SeaLake": ""} and RGB.site_is == "class"
    region = RGB.regions(tmp_path, ["SeaLake"], {})[0]
    assert region.examples.problem.names == ("SeaLake",) and region.examples.targets.tolist() == [0, 0, 0]
    assert region.origins == ("SeaLake_1", "SeaLake_2", "SeaLake_10")
    inputs = region.examples.inputs
    assert inputs.shape == (3, 3, 64, 64) and torch.allclose(inputs[2], torch.tensor(100 / 255), atol=0.01)


@pytest.mark.parametrize("home", ["", "EuroSAT_MS", "ds/images/remote_sensing/otherDatasets/sentinel_2/tif"])
def test_all_bands(tmp_path: Path, home: str) -> None:
    values = optical(13, 64)
    write_raster(tmp_path / home / "Forest" / "Forest_1.tif", values)
    region = ALL.regions(tmp_path, ["Forest"], ALL.groups(tmp_path))[0]
    assert region.bands[-3:] == ("B11", "B12", "B8A") and region.bands[7:9] == ("B08", "B09")
    bands = region.examples.inputs["bands"]
    assert bands.dtype == torch.float32 and torch.allclose(bands[0], torch.from_numpy(values / 10_000).float())
    assert region.examples.inputs["wavelengths"][0, -1] == 865


def test_missing_and_odd_files_are_named(tmp_path: Path) -> None:
    for data in (RGB, ALL):
        with pytest.raises(DataError, match="zenodo.*MIT"):
            data.groups(tmp_path)
    write_raster(tmp_path / "Forest" / "Forest_1.tif", optical(12, 64))
    with pytest.raises(DataError, match="12 bands"):
        ALL.regions(tmp_path, ["Forest"], {})
    write_raster(tmp_path / "Forest" / "Forest_1.tif", optical(13, 64))
    write_raster(tmp_path / "Forest" / "Forest_2.tif", optical(13, 32))
    with pytest.raises(DataError, match="Forest_2.tif is not of the size"):
        ALL.regions(tmp_path, ["Forest"], {})
    write_picture(tmp_path / "Forest" / "Forest_1.jpg", np.zeros((64, 64, 3), np.uint8)).write_bytes(b"\xff\xd8\xff")
    with pytest.raises(DataError, match="Forest_1.jpg cannot be read"):
        RGB.regions(tmp_path, ["Forest"], {})
    with pytest.raises(DataError, match="no .jpg of the class River"):
        RGB.regions(tmp_path, ["River"], {})
