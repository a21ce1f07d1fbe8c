"""Data sets of scenes with objects: what their readers share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from ..errors import DataError, SettingsError, did_you_mean
from ..objects import ObjectScene
from .folders import content
from .pictures import picture

MOST_BYTES = 8 << 20  # of a file of annotations
MOST_OBJECTS = 100_000  # of an image
LEAST_AREA = 0.01  # pixels: a box below has none
LEAST_INSIDE = 0.01  # share of a box that must lie on the image
BANDS = ("red", "green", "blue")


@dataclass(frozen=True)
class DetectionSet:
    """A data set of images with boxes, by name. Nothing is read before it is asked for.

    scenes  root -> the part ("train", "val", "test" or "") of each image, by the image's name
    read    root, name -> the image and its objects
    source  where to get it, under which licence
    layout  what the root holds
    """

    name: str
    kinds: tuple[str, ...]
    scenes: Callable[[Path], dict[str, str]]
    read: Callable[[Path, str], ObjectScene]
    source: str
    layout: str

    @property
    def remedy(self) -> str:
        """What to do where a file is missing or odd: a sentence or two."""
        return f"Expected: {self.layout}. {self.source}"

    def parts(self, root: str | Path) -> dict[str, str]:
        """The part of each image. Raises DataError that says where to get the data where they are missing."""
        root = Path(root)
        found = self.scenes(root) if root.is_dir() else {}
        if not found:
            what = "holds no image" if root.is_dir() else "is not a folder"
            raise DataError(f"{root} {what} of the data set '{self.name}'. {self.remedy}")
        return found


@dataclass
class Boxes:
    """Boxes while a file of them is read: corners (4, 2), kind, hard; what is left out is counted."""

    path: Path
    kinds: tuple[str, ...]
    size: tuple[int, int]
    corners: list[np.ndarray] = field(default_factory=list)
    which: list[int] = field(default_factory=list)
    hard: list[bool] = field(default_factory=list)
    odd: dict[str, int] = field(default_factory=dict)

    def add(self, where: str, corners: Sequence[float], kind: str, hard: bool = False) -> None:
        """One box: x and y of four corners, in pixels. Raises DataError for an unknown kind or what is no number."""
        if kind not in self.kinds:
            raise DataError(f"{self.path}, {where}: no kind is called '{kind[:40]}'. {did_you_mean(kind, self.kinds)}")
        if len(self.which) >= MOST_OBJECTS:
            raise DataError(f"{self.path} has more than {MOST_OBJECTS:,} boxes: it is not a file of this data set.")
        box = np.array(corners, np.float64).reshape(4, 2)
        if not np.isfinite(box).all():
            raise DataError(f"{self.path}, {where}: a box with coordinates that are no numbers. Fetch it again.")
        height, width = self.size
        held = box.clip(0, [width, height])
        area, left = area_of(box), float(np.prod(np.ptp(held, axis=0)) / max(np.prod(np.ptp(box, axis=0)), 1e-9))
        if area < LEAST_AREA:
            self.count("without an area: left out")
        elif left < LEAST_INSIDE:
            self.count("off the image: left out")
        else:
            if not np.array_equal(held, box):
                self.count("across the image's edge: cut there")
            self.corners.append(held)
            self.which.append(self.kinds.index(kind))
            self.hard.append(hard)

    def count(self, what: str) -> None:
        self.odd[what] = self.odd.get(what, 0) + 1

    def scene(self, name: str, image: np.ndarray) -> ObjectScene:
        """The image (3, height, width) uint8 with its boxes; colours from 0 to 1."""
        corners = torch.from_numpy(np.array(self.corners, np.float32).reshape(-1, 4, 2))
        notes = tuple(f"{self.path.name}: {n} box{'es' if n > 1 else ''} {what}." for what, n in self.odd.items())
        return ObjectScene(
            name,
            torch.from_numpy(image.astype(np.float32) / 255)[None],
            corners,
            torch.tensor(self.which, dtype=torch.int64),
            self.kinds,
            torch.tensor(self.hard, dtype=torch.bool),
            BANDS,
            notes,
        )


def area_of(corners: np.ndarray) -> float:
    """The area of a polygon (4, 2), by the shoelace formula.

    >>> area_of(np.array([[0, 0], [2, 0], [2, 3], [0, 3]]))
    6.0
    """
    x, y = corners.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def upright(left: float, top: float, right: float, bottom: float) -> list[float]:
    """The corners of a box without a turn, as `Boxes.add` takes them."""
    return [left, top, right, top, right, bottom, left, bottom]


def lines_of(path: Path, remedy: str) -> list[tuple[str, str]]:
    """The lines of a text that aren't empty, each with where it stands. Raises DataError where it cannot be read."""
    try:
        text = content(path, remedy, MOST_BYTES).decode("utf-8-sig")
    except ValueError as why:
        raise DataError(f"{path} cannot be read ({why}): fetch it again.") from why
    return [(f"line {number}", line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def numbers(words: Sequence[str], path: Path, where: str) -> list[float]:
    """Words as numbers. Raises DataError that names the line."""
    try:
        return [float(word) for word in words]
    except ValueError as why:
        raise DataError(f"{path}, {where}: {why}. Fetch it again.") from None


def image_of(folder: Path, name: str, endings: Sequence[str], remedy: str) -> np.ndarray:
    """(3, height, width) uint8 of the picture under the first ending that is there. Raises DataError."""
    there = [folder / f"{name}{ending}" for ending in endings if (folder / f"{name}{ending}").is_file()]
    return picture(there[0] if there else folder / f"{name}{endings[0]}", remedy)


def unknown(name: str, known: dict[str, DetectionSet]) -> SettingsError:
    return SettingsError(f"no data set with objects is called '{name}'. {did_you_mean(name, list(known))}")
