"""Images in zip archives: opened once a process, read within bounds, and named where they are damaged."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..errors import DataError
from .folders import once

MOST_BYTES = 32 * 2**20  # of a member, as unpacked; what the archive says of it is not believed
MOST_PIXELS = 4096**2
KINDS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF"}


@once
def opened(path: Path) -> ZipFile:
    """The archive. Raises DataError where it is none, or is cut short."""
    try:
        return ZipFile(path)
    except Exception as why:  # zipfile leaks struct.error and others on damaged archives
        raise DataError(f"{path} cannot be read as a zip archive ({why}): fetch it again.") from why


@once
def folders(path: Path) -> dict[str, tuple[str, ...]]:
    """The images in each folder of an archive, both by their full names and in order."""
    found: dict[str, list[str]] = {}
    for name in opened(path).namelist():
        folder, _, file = name.rpartition("/")
        kind = file[file.rfind(".") :].lower()
        if kind in KINDS and not file.startswith(".") and not folder.startswith("__MACOSX"):
            found.setdefault(folder, []).append(name)
    return {folder: tuple(sorted(found[folder])) for folder in sorted(found)}


def unpacked(path: Path, name: str) -> bytes:
    """A member's bytes. Raises DataError that names it where it is missing, damaged or too large."""
    try:
        with opened(path).open(name) as file:
            data = file.read(MOST_BYTES + 1)
    except DataError:
        raise
    except Exception as why:  # zlib, zipfile and the file system each have their own
        raise DataError(f"{path}: {name} cannot be read ({why}): fetch the archive again.") from why
    if len(data) > MOST_BYTES:
        raise DataError(f"{path}: {name} has more than {MOST_BYTES:,} bytes: it is no image of this data set.")
    return data


def image(path: Path, name: str, mode: str, side: int | None = None) -> np.ndarray:
    """A member as uint8 (height, width) in mode "L", (height, width, 3) in mode "RGB"; resized (Lanczos) to `side`.

    Raises DataError that names the member where it cannot be decoded or is too large.
    """
    try:
        with Image.open(BytesIO(unpacked(path, name)), formats=sorted(set(KINDS.values()))) as file:
            if file.width * file.height > MOST_PIXELS:
                raise ValueError(f"{file.height} x {file.width} pixels, at most {MOST_PIXELS:,} are read")
            found = file.convert(mode)
    except DataError:
        raise
    except Exception as why:  # Pillow's decoders leak many kinds of errors
        raise DataError(f"{path}: {name} cannot be decoded ({why}): fetch the archive again.") from why
    if side and found.size != (side, side):
        found = found.resize((side, side), Image.Resampling.LANCZOS)
    return np.asarray(found)


def colours(path: Path, names: Sequence[str], side: int | None = None) -> Tensor:
    """RGB images as numbers from 0 to 1 (n, 3, height, width). Raises DataError where their sizes differ."""
    images = [image(path, name, "RGB", side) for name in names]
    for name, found in zip(names, images, strict=True):
        if found.shape != images[0].shape:
            raise DataError(f"{path}: {name} is {found.shape[:2]} pixels, others are {images[0].shape[:2]}.")
    return torch.from_numpy(np.stack(images).astype(np.float32) / 255).permute(0, 3, 1, 2).contiguous()
