"""Parquet, npz and CSV: what is refused at the door."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from small_sets import write_csv, write_npz, write_parquet, write_zip

from handful.data import tables
from handful.data.folders import csv_columns, present
from handful.data.places import metres
from handful.errors import DataError


def test_parquet_by_column_with_gaps(tmp_path: Path) -> None:
    columns = {"a": [1.5, None, 2.0], "b": [1, 2, None], "c": ["x", None, "y"], "d": np.array([1, 0, 1], np.int8)}
    path = write_parquet(tmp_path / "t.parquet", columns)
    table = tables.parquet(path)
    known = tables.numbers(table, ["a", "b"], path, gaps=True)
    assert np.array_equal(known, [[1.5, 1], [np.nan, 2], [2, np.nan]], equal_nan=True)
    assert tables.numbers(table, ["d"], path, np.array([2, 1])).tolist() == [[1], [0]]
    assert tables.texts(table, "c", path).tolist() == ["x", "", "y"]
    for name, why in (("a", "'a' has rows without"), ("c", "'c' is not a column of numbers"), ("e", "no column 'e'")):
        with pytest.raises(DataError, match=why):
            tables.numbers(table, [name], path)


def test_a_broken_or_huge_parquet_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_parquet(tmp_path / "t.parquet", {"a": list(range(100))})
    monkeypatch.setattr(tables, "MOST_CELLS", 99)
    with pytest.raises(DataError, match="100 rows of 1 columns"):
        tables.parquet(path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="t.parquet cannot be read as parquet"):
        tables.parquet(path)


def test_labels_become_classes_by_name() -> None:
    targets, problem = tables.as_classes(np.array(["b", "", "a", "b"], dtype=object))
    assert problem.names == ("a", "b") and targets.tolist() == [1, -100, 0, 1]


def test_npz_by_name_and_no_pickles(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "t.npz", {"a": np.arange(3.0), "site": np.array(["x", "yy", "z"])})
    assert {name: values.tolist() for name, values in tables.npz(path).items()} == {
        "a": [0.0, 1.0, 2.0],
        "site": ["x", "yy", "z"],
    }
    np.savez(path, a=np.array([{}], dtype=object))
    with pytest.raises(DataError, match="t.npz: a.npy cannot be read"):
        tables.npz(path)
    path.write_bytes(b"nothing")
    with pytest.raises(DataError, match="t.npz cannot be read as npz"):
        tables.npz(path)


def test_a_header_that_promises_more_than_there_is(tmp_path: Path) -> None:
    out = io.BytesIO()
    np.lib.format.write_array(out, np.zeros(10))
    lying = out.getvalue().replace(b"(10,)", b"(99,)")
    path = write_zip(tmp_path / "t.npz", {"a.npy": lying, "b.npy": b"\x93NUMPY\x09\x00"})
    with zipfile.ZipFile(path) as file:
        assert len(file.namelist()) == 2
    with pytest.raises(DataError, match=r"a.npy cannot be read .float64 of shape \(99,\)"):
        tables.npz(path)
    with pytest.raises(DataError, match="b.npy cannot be read"):
        tables.array(path, "b.npy")


def test_a_csv_is_whole(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", ("id", "split"), [(1, "train")])
    assert csv_columns(path, ["id"])[0]["split"] == "train"
    with pytest.raises(DataError, match="no column parent"):
        csv_columns(path, ["id", "parent"])
    path.write_text("id,split\n1,train\n2\n")
    with pytest.raises(DataError, match="row 3 has another number"):
        csv_columns(path, ["id"])
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read as CSV"):
        csv_columns(path, ["id"])


def test_half_a_data_set_is_refused(tmp_path: Path) -> None:
    assert not present(tmp_path, ["a", "b"], "Get it.")
    (tmp_path / "a").touch()
    with pytest.raises(DataError, match="only a part of the data set: b missing. Get it."):
        present(tmp_path, ["a", "b"], "Get it.")
    (tmp_path / "b").touch()
    assert present(tmp_path, ["a", "b"], "Get it.")


def test_degrees_to_metres() -> None:
    places = metres(np.array([30.0, 30.0, 31.0, np.nan]), np.array([0.0, 1.0, 0.0, 1.0]))
    assert places is not None and np.isnan(places[3]).all()
    north, east = places[1] - places[0], places[2] - places[0]
    assert np.allclose(north, [0, 110_574], atol=20) and np.allclose(east, [111_320, 0], atol=20)  # WGS 84
    assert metres(np.array([np.nan]), np.array([1.0])) is None
