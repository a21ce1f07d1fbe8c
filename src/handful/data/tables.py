"""Tables of samples on disk: parquet and npz, each a column by its name."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import DataError
from ..problem import UNLABELLED, Classes
from .folders import once
from .zips import unpacked

Table = Mapping[str, np.ndarray]
ALL = slice(None)
MOST_CELLS = 50_000_000  # of a table
MOST_HEADER = 10_000  # letters of an array's header


@once
def parquet(path: Path) -> Table:
    """The columns of a parquet file. Raises DataError where it is none, or too large."""
    import pyarrow.parquet  # takes a while

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            rows, columns = file.metadata.num_rows, file.metadata.num_columns
            if rows * columns > MOST_CELLS:
                raise DataError(f"{path} has {rows:,} rows of {columns} columns: more than a table of this data set.")
            table = file.read()
        return {name: table[name].to_numpy() for name in table.column_names}
    except DataError:
        raise
    except Exception as why:  # pyarrow's errors have several roots
        raise DataError(f"{path} cannot be read as parquet ({why}): fetch it again.") from why


@once
def npz(path: Path) -> Table:
    """The arrays of an npz file, no pickles. Raises DataError where it is none, or too large."""
    try:
        with zipfile.ZipFile(path) as file:
            names = file.namelist()
    except Exception as why:  # zipfile leaks others than its own on damaged archives
        raise DataError(f"{path} cannot be read as npz ({why}): fetch it again.") from why
    return {name.removesuffix(".npy"): array(path, name) for name in names}


def array(path: Path, name: str) -> np.ndarray:
    """One array of an npz file, whose header promises no more than there is."""
    data = BytesIO(unpacked(path, name))
    try:
        version = np.lib.format.read_magic(data)
        header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, _, dtype = header(data, max_header_size=MOST_HEADER)
        if dtype.hasobject or int(np.prod(shape, dtype=object)) * dtype.itemsize != len(data.getbuffer()) - data.tell():
            raise ValueError(f"{dtype} of shape {shape} is not what it holds")
        data.seek(0)
        return np.lib.format.read_array(data, allow_pickle=False, max_header_size=MOST_HEADER)
    except Exception as why:  # ValueError, KeyError and SyntaxError among others
        raise DataError(f"{path}: {name} cannot be read ({why}): fetch the archive again.") from why


def column(table: Table, name: str, path: Path, shape: tuple[int, ...] = ()) -> np.ndarray:
    """A column whose rows have that shape. Raises DataError where it is missing or shaped otherwise."""
    if name not in table:
        raise DataError(f"{path} has no column '{name}' but {', '.join(table)}: fetch it again.")
    if table[name].shape[1:] != shape:
        raise DataError(f"{path}: '{name}' has rows of shape {table[name].shape[1:]}, expected {shape}.")
    return table[name]


def numbers(
    table: Table, names: Sequence[str], path: Path, rows: np.ndarray | slice = ALL, *, gaps: bool = False
) -> np.ndarray:
    """Columns of numbers in some rows (n, names); missing values are NaN where `gaps` are expected.

    Raises DataError that names the column where one is missing, isn't of numbers, or has a gap.
    """
    columns = []
    for name in names:
        values = column(table, name, path)[rows]
        if values.dtype.kind not in "fiub":
            raise DataError(f"{path}: '{name}' is not a column of numbers ({values.dtype}).")
        if bool(np.isinf(values).any()) or (not gaps and bool(np.isnan(values).any())):
            raise DataError(f"{path}: '{name}' has rows without a value: fetch it again.")
        columns.append(values.astype(np.float64))
    return np.stack(columns, axis=1)


def texts(table: Table, name: str, path: Path) -> np.ndarray:
    """A column of texts; a missing one is empty."""
    return np.array(["" if value is None else str(value) for value in column(table, name, path)], dtype=object)


def rows_of(keys: np.ndarray, name: str, path: Path) -> np.ndarray:
    """The rows of a site, in order. Raises DataError where it has none."""
    rows = np.flatnonzero(keys == name)
    if not len(rows):
        raise DataError(f"{path} has no row of the site '{name}'.")
    return rows


def as_inputs(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))


def as_classes(labels: np.ndarray) -> tuple[Tensor, Classes]:
    """Class indices (n,) of labels, and the classes that occur, in the order of their names; '' is unlabelled."""
    names = sorted(set(labels) - {""})
    index = {name: at for at, name in enumerate(names)}
    return torch.tensor([index.get(label, UNLABELLED) for label in labels], dtype=torch.int64), Classes(tuple(names))
