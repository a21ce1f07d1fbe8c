"""NWPU VHR-10: 650 aerial images with boxes of ten kinds, and 150 without any (Cheng et al. 2014)."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import DataError
from ..objects import ObjectScene
from .detection import Boxes, DetectionSet, image_of, lines_of, numbers, upright

KINDS = (
    "airplane", "ship", "storage tank", "baseball diamond", "tennis court", "basketball court", "ground track field",
    "harbor", "bridge", "vehicle",
)  # fmt: skip
POSITIVE, NEGATIVE, TRUTH = "positive image set", "negative image set", "ground truth"
NUMBER = r"\s*(-?[\d.]+)\s*"
LINE = re.compile(rf"\({NUMBER},{NUMBER}\)\s*,\s*\({NUMBER},{NUMBER}\)\s*,\s*(\d+)\s*")


def home(root: Path) -> Path:
    """The folder that holds the sets; the archive nests it."""
    nested = root / "NWPU VHR-10 dataset"
    return nested if nested.is_dir() else root


def scenes(root: Path) -> dict[str, str]:
    """Images with objects and without, each under its folder's first word; the set has no parts of its own."""
    folder = home(root)
    found = [f"positive/{path.stem}" for path in sorted((folder / TRUTH).glob("*.txt"))]
    return dict.fromkeys([*found, *(f"negative/{p.stem}" for p in sorted((folder / NEGATIVE).glob("*.jpg")))], "")


def read(root: Path, name: str) -> ObjectScene:
    """One image and its boxes, lines of (x1,y1),(x2,y2),kind with kinds from 1 to 10.

    Raises DataError that names a missing, broken or odd file.
    """
    which, _, stem = name.partition("/")
    folder = home(root)
    image = image_of(folder / (NEGATIVE if which == "negative" else POSITIVE), stem, (".jpg",), DATA.remedy)
    path = folder / TRUTH / f"{stem}.txt"
    boxes = Boxes(path, KINDS, image.shape[1:])
    for where, line in [] if which == "negative" else lines_of(path, DATA.remedy):
        match = LINE.fullmatch(line)
        if not match:
            raise DataError(f"{path}, {where}: '{line[:60]}', expected (x1,y1),(x2,y2),kind. Fetch it again.")
        number = int(match[5])
        if not 1 <= number <= len(KINDS):
            raise DataError(f"{path}, {where}: kind {number}, expected 1 to {len(KINDS)}. Fetch it again.")
        boxes.add(where, upright(*numbers(match.groups()[:4], path, where)), KINDS[number - 1])
    return boxes.scene(name, image)


DATA = DetectionSet(
    name="nwpu-vhr-10",
    kinds=KINDS,
    scenes=scenes,
    read=read,
    source="Get it from gcheng-nwpu.github.io (images of Google Earth and of Vaihingen; for research).",
    layout='"positive image set"/001.jpg, "negative image set"/001.jpg, "ground truth"/001.txt',
)
