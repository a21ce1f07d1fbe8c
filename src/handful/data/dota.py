"""DOTA: aerial images of all sizes with turned boxes of 15 to 18 kinds (Xia et al. 2018, arXiv:1711.10398)."""

from __future__ import annotations

from pathlib import Path

from ..errors import DataError
from ..objects import ObjectScene
from .detection import Boxes, DetectionSet, image_of, lines_of, numbers

KINDS = (
    "plane", "baseball-diamond", "bridge", "ground-track-field", "small-vehicle", "large-vehicle", "ship",
    "tennis-court", "basketball-court", "storage-tank", "soccer-ball-field", "roundabout", "harbor", "swimming-pool",
    "helicopter", "container-crane", "airport", "helipad",
)  # fmt: skip
PARTS = ("train", "val")
LABELS = ("labelTxt", "labelTxt-v1.0", "labelTxt-v1.5", "labelTxt-v2.0")
ENDINGS = (".png", ".jpg")
FIELDS = 10  # four corners, the kind, the difficulty


def labels_in(folder: Path) -> Path:
    """The folder of annotations: labelTxt, that of a version, or that of turned boxes which an archive nests in it."""
    found = [folder / name for name in LABELS if (folder / name).is_dir()]
    nested = [inner for one in found for inner in sorted(one.iterdir()) if inner.is_dir() and inner.name[-3:] != "hbb"]
    return next(iter([*nested, *found]), folder / LABELS[0])


def scenes(root: Path) -> dict[str, str]:
    return {f"{part}/{path.stem}": part for part in PARTS for path in sorted(labels_in(root / part).glob("P*.txt"))}


def read(root: Path, name: str) -> ObjectScene:
    """One image and its turned boxes; the lines `imagesource:` and `gsd:` at the head of a file are passed over.

    Raises DataError that names a missing, broken or odd file.
    """
    part, _, stem = name.partition("/")
    path = labels_in(root / part) / f"{stem}.txt"
    lines = lines_of(path, DATA.remedy)
    image = image_of(root / part / "images", stem, ENDINGS, DATA.remedy)
    boxes = Boxes(path, KINDS, image.shape[1:])
    for where, line in lines:
        if line.lower().startswith(("imagesource:", "gsd:")):
            continue
        words = line.split()
        if len(words) not in (FIELDS, FIELDS - 1):
            raise DataError(
                f"{path}, {where}: {len(words)} fields, expected eight coordinates, a kind and a difficulty."
            )
        hard = len(words) == FIELDS and words[9] != "0"
        boxes.add(where, numbers(words[:8], path, where), words[8], hard)
    return boxes.scene(name, image)


DATA = DetectionSet(
    name="dota",
    kinds=KINDS,
    scenes=scenes,
    read=read,
    source=(
        "Get it from captain-whu.github.io/DOTA (images of Google Earth and others: for academic use only, "
        "any commercial use is prohibited)."
    ),
    layout="train/ and val/, in each images/P0000.png and labelTxt/P0000.txt",
)
