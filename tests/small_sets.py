"""What tests of readers write: images in zip archives, tables and CSVs, in the layouts of the real sets."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def encoded(values: np.ndarray, kind: str = "PNG") -> bytes:
    """(height, width[, 3]) uint8, or bool for one bit a pixel, as the bytes of an image file."""
    out = io.BytesIO()
    Image.fromarray(values).save(out, kind, **({"quality": 100, "subsampling": 0} if kind == "JPEG" else {}))
    return out.getvalue()


def write_zip(path: Path, members: Mapping[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(",".join(map(str, row)) for row in [columns, *rows]) + "\n", "utf-8")
    return path


def write_parquet(path: Path, columns: Mapping[str, Any]) -> Path:
    import pyarrow
    import pyarrow.parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table(dict(columns)), path)
    return path


def write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)
    return path


def damage(path: Path, name: str) -> None:
    """Change bytes in the middle of a stored member, as a bad disk would."""
    with zipfile.ZipFile(path) as file:
        info = file.getinfo(name)
    data = bytearray(path.read_bytes())
    middle = info.header_offset + 30 + len(name) + info.compress_size // 2
    data[middle : middle + 8] = bytes(byte ^ 0xFF for byte in data[middle : middle + 8])
    path.write_bytes(data)
