"""Tiny files as data sets lay them out: pictures and rasters of made-up pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from small_forest import write_raster

__all__ = ["optical", "radar", "voc", "voc_object", "write_lines", "write_picture", "write_raster"]


def write_picture(path: Path, values: np.ndarray) -> Path:
    """(height, width, 3) uint8, or grey (height, width), as the kind that the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path, **({"quality": 95} if path.suffix == ".jpg" else {}))
    return path


def optical(bands: int, side: int, seed: int = 0) -> np.ndarray:
    """Sentinel-2's numbers (bands, side, side): uint16, reflectance times 10,000."""
    noise = np.random.default_rng(seed).integers(0, 50, (bands, side, side))
    return (np.arange(1, bands + 1)[:, None, None] * 100 + noise).astype(np.uint16)


def radar(side: int, seed: int = 0) -> np.ndarray:
    """VV and VH (2, side, side) in dB."""
    return np.random.default_rng(seed).uniform(-25, 0, (2, side, side)).astype(np.float32)


def write_lines(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in lines), "utf-8")
    return path


def voc(objects: str, before: str = "") -> str:
    """A VOC annotation as DIOR has it, around its objects."""
    return f"""{before}<annotation><filename>00001.jpg</filename><source><database>DIOR</database></source>
<size><width>40</width><height>30</height><depth>3</depth></size><segmented>0</segmented>{objects}</annotation>"""


def voc_object(name: str, left: int, top: int, right: int, bottom: int) -> str:
    ends = zip(("xmin", "ymin", "xmax", "ymax"), (left, top, right, bottom), strict=True)
    box = "".join(f"<{end}>{value}</{end}>" for end, value in ends)
    return f"<object><name>{name}</name><pose>Unspecified</pose><bndbox>{box}</bndbox></object>"
