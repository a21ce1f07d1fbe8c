"""Tables of points and pixels: which rows are a site's, what its classes are called, and where its rows lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_sets import write_parquet

from handful.data import crop_types_central_asia, find_data
from handful.data.dataset import DataSet
from handful.errors import DataError

MASK, TYPES = find_data("crop-mask-africa"), find_data("crop-types-central-asia")
LESOTHO, SEAGRASS = find_data("land-cover-lesotho"), find_data("seagrass-pacific")
TABLES = (MASK, TYPES, LESOTHO, SEAGRASS)


def features(names: tuple[str, ...], n: int) -> dict[str, np.ndarray]:
    """Feature k of row i is i + k / 100."""
    return {name: (np.arange(n) + k / 100).astype(np.float32) for k, name in enumerate(names)}


def make_mask(root: Path, **change: Any) -> None:
    columns = {
        "region": ["sahel", "western", "sahel", "western", "sahel"],
        "Class": np.array([0, 1, 1, 0, 0], np.int8),
        **features(MASK.bands[::-1], 5),  # in another order than the reader's
        "lon": [None, 10.0, None, 11.0, None],
        "lat": [None, 5.0, None, None, None],
    }
    write_parquet(root / "samples.parquet", columns | change)


def make_types(root: Path, **change: Any) -> None:
    """Fergana in two years with one field twice; NDVI of date k is k / 10 but for what is missing."""
    series = np.tile(np.arange(23.0) / 10, (5, 1))
    series[0, 11:13] = np.nan  # between two dates
    series[1, :11] = np.nan  # before the first
    series[2] = np.nan  # no date at all
    columns = {
        "region": ["Fergana", "Fergana", "Fergana", "Fergana", "Khorezm"],
        "year": ["2016", "2016", "2016", "2017", "2008"],
        "label_1": ["wheat", "cotton", "rice", "cotton", None],
        "lon": [71.5, 71.6, 71.7, 71.5, 60.5],
        "lat": [40.5, 40.5, 40.5, 40.5, 41.5],
        **{f"ndvi_doy{16 * k + 1:03d}": series[:, k].astype(np.float32) for k in range(23)},
    }
    write_parquet(root / "samples.parquet", columns | change)


def make_lesotho(root: Path, **change: Any) -> None:
    columns = {
        "LC_Class_I": [1.0, 14.0, 2.0, 10.0],
        **features(LESOTHO.bands, 4),
        "x_coord": [560_000.0, 599_999.0, 600_000.0, 561_000.0],
        "y_coord": [6_640_000.0, 6_679_999.0, 6_640_005.0, 6_680_000.0],
    }
    write_parquet(root / "samples.parquet", columns | change)


def make_seagrass(root: Path, **change: Any) -> None:
    columns = {
        "site": ["Ba1", "Ba10", "majuro", "Ba1"],
        "class": ["sand", "coral", "rock", "seagrass"],
        **features(SEAGRASS.bands, 4),
        "lon": [177.5, 178.0, 171.0, 177.5001],
        "lat": [-17.4, -17.3, 7.1, -17.4],
    }
    write_parquet(root / "samples.parquet", columns | change)


def region(data: DataSet, root: Path, name: str) -> Any:
    return data.regions(root, [name], data.groups(root))[0]


def test_a_region_of_africa(tmp_path: Path) -> None:
    make_mask(tmp_path)
    assert MASK.groups(tmp_path) == {"sahel": "", "western": ""} and MASK.shared and len(MASK.bands) == 33
    found = region(MASK, tmp_path, "sahel")
    assert found.examples.problem.names == ("not crop", "crop") and found.examples.targets.tolist() == [0, 1, 0]
    wanted = torch.tensor([i + (32 - k) / 100 for i in (0, 2, 4) for k in range(33)]).view(3, 33)
    assert torch.allclose(found.examples.inputs, wanted) and found.bands == MASK.bands
    assert found.metres is None
    known = region(MASK, tmp_path, "western").metres
    assert np.isfinite(known[0]).all() and np.isnan(known[1]).all()
    make_mask(tmp_path, Class=np.array([2, 1, 1, 0, 0], np.int8))
    with pytest.raises(DataError, match="'Class' of 'sahel' is from 0 to 2, expected 0 or 1"):
        region(MASK, tmp_path, "sahel")


def test_a_region_and_year_of_central_asia(tmp_path: Path) -> None:
    make_types(tmp_path)
    assert TYPES.groups(tmp_path) == {"Fergana 2016": "Fergana", "Fergana 2017": "Fergana", "Khorezm 2008": "Khorezm"}
    assert crop_types_central_asia.DAYS == (161, 177, 193, 209, 225, 241, 257, 273)
    found = region(TYPES, tmp_path, "Fergana 2016")
    dates = torch.arange(10, 18) / 10
    assert torch.allclose(found.examples.inputs[0], dates)  # the line between its neighbours
    assert torch.allclose(found.examples.inputs[1], dates.clamp(min=1.1))  # the nearest date
    assert len(found.examples) == 2 and found.examples.problem.names == ("cotton", "wheat")
    assert found.examples.targets.tolist() == [1, 0] and TYPES.bands[0] == "NDVI day 161"
    assert found.origins[0] == region(TYPES, tmp_path, "Fergana 2017").origins[0] != found.origins[1]
    assert found.metres.shape == (2, 2)
    assert region(TYPES, tmp_path, "Khorezm 2008").examples.targets.tolist() == [-100]


def test_a_cell_of_lesotho(tmp_path: Path) -> None:
    make_lesotho(tmp_path)
    assert set(LESOTHO.groups(tmp_path)) == {"x14y166", "x15y166", "x14y167"} and len(LESOTHO.bands) == 66
    found = region(LESOTHO, tmp_path, "x14y166")
    assert found.examples.problem.names == ("built-up", "irrigated cropland")
    assert found.examples.targets.tolist() == [0, 1]
    assert found.metres.tolist() == [[560_000.0, 6_640_000.0], [599_999.0, 6_679_999.0]]
    assert LESOTHO.bands[:7] == ("blue_0", "blue_1", "blue_2", "blue_3", "blue_4", "blue_5", "green_0")
    make_lesotho(tmp_path, LC_Class_I=[3.0, 14.0, 2.0, 10.0])
    with pytest.raises(DataError, match="LC_Class_I has 3, expected one of 1, 2, 4"):
        region(LESOTHO, tmp_path, "x14y166")


def test_a_site_of_the_pacific(tmp_path: Path) -> None:
    make_seagrass(tmp_path)
    assert SEAGRASS.groups(tmp_path) == {"Ba1": "Ba", "Ba10": "Ba", "majuro": "majuro"}
    found = region(SEAGRASS, tmp_path, "Ba1")
    assert found.examples.problem.names == ("sand", "seagrass") and found.examples.targets.tolist() == [0, 1]
    assert found.examples.inputs.shape == (2, 34)
    assert 9 < np.linalg.norm(found.metres[0] - found.metres[1]) < 12  # two pixels of 10 m
    assert region(SEAGRASS, tmp_path, "majuro").examples.problem.names == ("rock",)


@pytest.mark.parametrize("data", TABLES, ids=lambda data: data.name)
def test_what_is_missing_or_damaged_is_named(tmp_path: Path, data: DataSet) -> None:
    with pytest.raises(DataError, match=f"'{data.name}'. Expected: samples.parquet.*github.com"):
        data.groups(tmp_path)
    path = write_parquet(tmp_path / "samples.parquet", {"id": [1]})
    with pytest.raises(DataError, match="samples.parquet has no column '.*' but id"):
        data.groups(tmp_path)
    path.write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(DataError, match="samples.parquet cannot be read as parquet"):
        data.groups(tmp_path)


def test_a_site_that_is_not_there(tmp_path: Path) -> None:
    make_mask(tmp_path)
    with pytest.raises(DataError, match="no row of the site 'Sahel'"):
        MASK.regions(tmp_path, ["Sahel"], {})
    make_mask(tmp_path, slope=[1.0, None, 2.0, 3.0, 4.0])
    with pytest.raises(DataError, match="'slope' has rows without a value"):
        region(MASK, tmp_path, "western")


@pytest.mark.parametrize(
    ("data", "sites", "groups", "rows", "classes", "bands"),
    [
        (MASK, 8, 1, 30_065, 2, 33),
        (TYPES, 10, 5, 8_435, 40, 8),
        (LESOTHO, 28, 1, 3_581, 9, 66),
        (SEAGRASS, 15, 6, 6_381, 9, 34),
    ],
    ids=[data.name for data in TABLES],
)
def test_the_collection_itself(
    data_root: Path, data: DataSet, sites: int, groups: int, rows: int, classes: int, bands: int
) -> None:
    root = data_root / data.name
    known = data.groups(root)
    assert len(known) == sites and len(set(known.values())) == groups
    regions = data.regions(root, known, known)
    assert sum(len(found.examples) for found in regions) == rows
    assert len({name for found in regions for name in found.examples.problem.names}) == classes
    assert all(found.examples.inputs.shape[1] == len(found.bands) == bands for found in regions)
    assert all(bool(found.examples.inputs.isfinite().all()) for found in regions)
