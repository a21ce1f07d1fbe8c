"""Example tasks on the page of a bench: images with what each learner said, or maps beside the truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench.examples import Example
from .images import BLANK, drawing, photo
from .stretch import stretch

COLOURS = (
    "#3f7d4f", "#c2571a", "#3b6fb6", "#b8860b", "#8a5a9e", "#a83250", "#6fa8a0", "#d9b382", "#5c5c5c", "#9bbf4d",
    "#e08fa0", "#2f4858",
)  # fmt: skip
MOST = 260  # pixels a side of a map on the page
RED_GREEN_BLUE = (("B04", "red"), ("B03", "green"), ("B02", "blue"))


def example_blocks(examples: Sequence[Example], bands: Sequence[str]) -> list[dict[str, Any]]:
    return [map_block(found, bands) if found.is_map else image_block(found, bands) for found in examples]


def image_block(found: Example, bands: Sequence[str]) -> dict[str, Any]:
    """Columns of images; a row a learner with what it said and whether that was right."""
    names = [found.names[c] for c in found.truth]
    rows = [
        (learner, [(found.names[said], said == true) for said, true in zip(answers, found.truth)])
        for learner, answers in found.said.items()
    ]
    pictures = [photo(picture(image, bands)) for image in found.images]
    return {"kind": "images", "title": found.title, "pictures": pictures, "truth": names, "rows": rows}


def map_block(found: Example, bands: Sequence[str]) -> dict[str, Any]:
    """The scene with its labels, the truth, and each learner's map of what was asked."""
    step = max(1, -(-max(found.truth.shape) // MOST))
    right = {name: share_right(found.truth, said) for name, said in found.said.items()}
    scene = photo(picture(found.images[0][:, ::step, ::step], bands))
    maps = [("truth", drawing(found.truth[::step, ::step] + 1, table(found)))]
    maps += [(f"{name}, {right[name]:.0%} right", drawing(said[::step, ::step] + 1, table(found)))
             for name, said in found.said.items()]  # fmt: skip
    height, width = found.truth[::step, ::step].shape
    dots = [(c / step, r / step, COLOURS[k % len(COLOURS)]) for r, c, k in found.support]
    legend = [(name, COLOURS[i % len(COLOURS)]) for i, name in enumerate(found.names)]
    size = {"height": height, "width": width, "dot": max(height, width) * 0.02}
    return {"kind": "maps", "title": found.title, "scene": scene, "maps": maps, "dots": dots, "legend": legend, **size}


def table(found: Example) -> list[str]:
    return [BLANK, *(COLOURS[i % len(COLOURS)] for i in range(len(found.names)))]


def share_right(truth: np.ndarray, said: np.ndarray) -> float:
    asked = truth >= 0
    return float((truth == said)[asked].mean()) if asked.any() else 0.0


def picture(image: np.ndarray, bands: Sequence[str]) -> NDArray[np.uint8]:
    """Red, green and blue (height, width, 3) of an image; its first bands where none has such a name."""
    if len(image) == 3:
        return np.round(255 * np.clip(np.moveaxis(image, 0, -1), 0, 1)).astype(np.uint8)
    named = [place_of(names, bands) for names in RED_GREEN_BLUE]
    places = [place for place in named if place is not None]
    if len(places) < 3 or len(bands) != len(image):
        places = [min(band, len(image) - 1) for band in range(3)]
    return stretch(image[places], np.isfinite(image).all(0))


def place_of(names: tuple[str, str], bands: Sequence[str]) -> int | None:
    """The last band (of the latest date) whose name begins so."""
    found = [i for i, band in enumerate(bands) if band.lower().startswith(tuple(name.lower() for name in names))]
    return found[-1] if found else None
