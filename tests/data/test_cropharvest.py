"""The reader of CropHarvest: cells, series, and what is refused. Its arrays need h5py."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from handful.data import find_data
from handful.errors import DataError, EnvironmentFault

DATA = find_data("cropharvest")
POINTS = [(0, "togo", 1.1, 7.9, 1), (1, "togo", 1.3, 8.0, 0), (0, "lem-brazil", -45.5, -12.2, 1), (2, "togo", 1, 8, 0)]


def make(root: Path) -> Path:
    """Four labelled points, the last of them without an array."""
    h5py = pytest.importorskip("h5py")
    features = [{"type": "Feature", "properties": properties(*point), "geometry": None} for point in POINTS]
    (root / "labels.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    (root / "features" / "arrays").mkdir(parents=True)
    for index, dataset, *_ in POINTS[:3]:
        with h5py.File(root / "features" / "arrays" / f"{index}_{dataset}.h5", "w") as file:
            file["array"] = series(index)
    with h5py.File(root / "features" / "normalizing_dict.h5", "w") as file:
        file["mean"], file["std"] = np.full(18, 10.0), np.full(18, 2.0)
    return root


def properties(index: int, dataset: str, lon: float, lat: float, crop: int) -> dict[str, object]:
    place = {"lon": lon, "lat": lat}
    return {"index": index, "dataset": dataset, "is_crop": crop, "label": None, "is_test": False} | place


def series(index: int) -> np.ndarray:
    """(12, 18): the month and the band can be read off each number."""
    return np.arange(12.0)[:, None] * 100 + np.arange(18) + index / 2


def test_a_site_is_a_cell(tmp_path: Path) -> None:
    make(tmp_path)
    groups = DATA.groups(tmp_path)
    assert groups == {"N05 E000": "", "S15 W050": ""}
    region = DATA.regions(tmp_path, ["N05 E000"], groups)[0]
    assert region.examples.targets.tolist() == [1, 0] and region.examples.problem.names == ("other", "crop")
    assert region.origins == ("0_togo.h5", "1_togo.h5")
    assert np.linalg.norm(region.metres[0] - region.metres[1]) == pytest.approx(24_670, rel=0.01)
    rows = dict(zip(region.bands, region.examples.inputs[1].tolist(), strict=True))
    assert len(rows) == 216 and rows["VH month 3"] == pytest.approx((201.5 - 10) / 2)
    assert rows["NDVI month 12"] == pytest.approx((1117.5 - 10) / 2)


def test_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="zenodo.*CC BY-SA"):
        DATA.groups(tmp_path)
    make(tmp_path)
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "features" / "arrays" / "1_togo.h5"
    elsewhere = tmp_path / "features" / "arrays" / "0_togo.h5"
    for wrong in (np.zeros((12, 17)), h5py.ExternalLink(str(elsewhere), "array"), h5py.SoftLink("/other")):
        with h5py.File(path, "w") as file:
            file["array"] = wrong
        with pytest.raises(DataError, match="1_togo.h5 has no array"):
            DATA.regions(tmp_path, ["N05 E000"], {})
    with h5py.File(path, "w") as file:
        file["array"] = np.full((12, 18), np.nan)
    with pytest.raises(DataError, match="1_togo.h5 has values that are no numbers"):
        DATA.regions(tmp_path, ["N05 E000"], {})
    path.write_bytes(b"no HDF5")
    with pytest.raises(DataError, match="1_togo.h5 cannot be read"):
        DATA.regions(tmp_path, ["N05 E000"], {})
    (tmp_path / "features" / "normalizing_dict.h5").unlink()
    with pytest.raises(DataError, match="normalizing_dict.h5 is missing"):
        DATA.regions(tmp_path, ["N05 E000"], {})


@pytest.mark.parametrize("text", ["{", "[]", '{"features": [{"properties": {"index": 1, "dataset": "/../../x"}}]}'])
def test_broken_labels_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.geojson").write_text(text)
    with pytest.raises(DataError, match="labels.geojson cannot be read"):
        DATA.groups(tmp_path)


def test_without_h5py_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = {"features": [{"properties": properties(*point)} for point in POINTS[:1]]}
    (tmp_path / "labels.geojson").write_text(json.dumps(labels))
    (tmp_path / "features" / "arrays").mkdir(parents=True)
    (tmp_path / "features" / "arrays" / "0_togo.h5").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(EnvironmentFault, match=r"install handful\[hdf5\]"):
        DATA.regions(tmp_path, ["N05 E000"], DATA.groups(tmp_path))
