"""DIOR: 23,463 aerial images of 800 x 800 with boxes of 20 kinds (Li et al. 2020, arXiv:1909.00133)."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as tree

from ..errors import DataError
from ..objects import ObjectScene
from .detection import Boxes, DetectionSet, image_of, lines_of, numbers, upright
from .xml import parsed

KINDS = (
    "airplane", "airport", "baseballfield", "basketballcourt", "bridge", "chimney", "dam",
    "Expressway-Service-area", "Expressway-toll-station", "golffield", "groundtrackfield", "harbor", "overpass", "ship",
    "stadium", "storagetank", "tenniscourt", "trainstation", "vehicle", "windmill",
)  # fmt: skip
LISTS = "ImageSets/Main"
ANNOTATIONS = "Annotations/Horizontal Bounding Boxes"
IMAGES = {"train": "JPEGImages-trainval", "val": "JPEGImages-trainval", "test": "JPEGImages-test"}


def labels_in(root: Path) -> Path:
    """The folder of the upright boxes; some copies have them right in Annotations."""
    return root / ANNOTATIONS if (root / ANNOTATIONS).is_dir() else root / "Annotations"


def scenes(root: Path) -> dict[str, str]:
    """The images of the authors' lists, where they are there; else every annotation, of no part."""
    lists = {part: root / LISTS / f"{part}.txt" for part in IMAGES}
    found = {
        line.split()[0]: part
        for part, path in lists.items()
        if path.is_file()
        for _, line in lines_of(path, DATA.remedy)
    }
    return found or {path.stem: "" for path in sorted(labels_in(root).glob("*.xml"))}


def read(root: Path, name: str) -> ObjectScene:
    """One image and its boxes, 1-based as in PASCAL VOC: a box from 1 to 800 is the whole image.

    Raises DataError that names a missing, broken or odd file.
    """
    path = labels_in(root) / f"{name}.xml"
    found = parsed(path, DATA.remedy)
    folder = next(
        (root / one for one in (*sorted(set(IMAGES.values())), "JPEGImages") if (root / one / f"{name}.jpg").is_file()),
        root / IMAGES["train"],
    )
    image = image_of(folder, name, (".jpg",), DATA.remedy)
    boxes = Boxes(path, KINDS, image.shape[1:])
    for number, one in enumerate(found.iter("object"), 1):
        where = f"object {number}"
        left, top, right, bottom = numbers([text_of(one, f"bndbox/{end}", path, where) for end in ENDS], path, where)
        hard = one.findtext("difficult", "0").strip() not in ("0", "")
        boxes.add(where, upright(left - 1, top - 1, right, bottom), text_of(one, "name", path, where), hard)
    return boxes.scene(name, image)


ENDS = ("xmin", "ymin", "xmax", "ymax")


def text_of(element: tree.Element, name: str, path: Path, where: str) -> str:
    text = (element.findtext(name) or "").strip()
    if not text:
        raise DataError(f"{path}, {where}: no '{name}'. Fetch it again.")
    return text


DATA = DetectionSet(
    name="dior",
    kinds=KINDS,
    scenes=scenes,
    read=read,
    source="Get it from gcheng-nwpu.github.io (images of Google Earth; free for academic use).",
    layout=(
        "JPEGImages-trainval/00001.jpg, JPEGImages-test/11726.jpg, "
        "Annotations/Horizontal Bounding Boxes/00001.xml (VOC), ImageSets/Main/train.txt, val.txt, test.txt"
    ),
)
