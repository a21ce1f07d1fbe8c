"""The report of things that were just found: thumbnails of them and of the examples, and the page that they go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from .. import __version__
from ..files import write_text
from ..find.job import Result
from ..maps.grid import Window
from ..maps.pictures import shown_bands, step_of, thin_scene
from ..maps.record import versions
from ..maps.scene import Scene
from .find_page import find_page
from .images import photo
from .map_report import pixel_of
from .stretch import PAPER, stretch

MOST = 96  # thumbnails of found things
SHOWN = 12  # of examples
SIDE = 108  # pixels of a thumbnail
AROUND = 1.9  # sides of a thumbnail, in those of what it shows
FEWEST = 24  # pixels of the scene that a thumbnail shows at least
FEW = 8  # scores below which there is no chart of them
DRAWN = 3000  # outlines on the overview
CORNERS = 400  # of a shape: more is thinned


def write_report(result: Result) -> None:
    """`report.html` in the folder."""
    made_by = {"handful": __version__, "versions": versions(), "seconds": dict(result.clock.seconds)}
    write_text(result.folder / "report.html", find_page(result.record | made_by, parts_of(result), result.colours))


@dataclass(frozen=True)
class Thumb:
    """One thumbnail: image (3, SIDE, SIDE) with NaN for no data, and the outline on it as an SVG path in its pixels."""

    values: np.ndarray
    path: str
    across_m: float | None


def parts_of(result: Result) -> dict[str, Any]:
    """The pictures of the page: an overview, examples, and what was found, best first."""
    scene, found, other = result.scene, result.findings, result.example_scene
    names = result.shown.names
    examples = [thumb(other, shape) for shape in result.shown.shapes[:SHOWN]]
    thumbs = [thumb(scene, shape) for shape in found.shapes[:MOST]]
    images = photos([*examples, *thumbs])
    return {
        "overview": overview(result),
        "examples": [
            {"image": image, "path": one.path, "kind": names[kind], "across_m": one.across_m}
            for image, one, kind in zip(images, examples, result.shown.kinds, strict=False)
        ],
        "thumbs": [
            {"image": image, "path": one.path, "kind": names[kind], "score": float(score), "shown": bool(mine)}
            for image, one, kind, score, mine in zip(
                images[len(examples) :], thumbs, found.kinds, found.scores, result.again, strict=False
            )
        ],
        "side": SIDE,
        "total": len(found),
        "scores": histogram(found.scores),
    }


def thumb(scene: Scene, shape: shapely.Geometry) -> Thumb:
    """What a shape in pixels looks like, with some of its surroundings."""
    left, top, right, bottom = shape.bounds
    side = int(max(FEWEST, np.ceil(AROUND * max(right - left, bottom - top))))
    step = max(1, side // (4 * SIDE))  # of huge ones every so many pixels
    row, column = int((top + bottom - side) / 2), int((left + right - side) / 2)
    bands = shown_bands(scene)[0]
    values = scene.read(Window(row, column, side, side))[0][bands][:, ::step, ::step]
    at = np.minimum((np.arange(SIDE) + 0.5) * values.shape[1] / SIDE, values.shape[1] - 1).astype(int)
    width, _ = pixel_of(scene.grid)
    across = None if scene.grid.crs is None else (right - left) * width
    return Thumb(values[:, at[:, None], at], svg_path(shape, column, row, SIDE / side), across)


def photos(thumbs: list[Thumb]) -> list[str]:
    """All thumbnails as images, in one and the same stretch, so that they can be compared."""
    if not thumbs:
        return []
    sheet = np.concatenate([one.values for one in thumbs], axis=1)
    picture = stretch(sheet, np.isfinite(sheet).all(0)).reshape(len(thumbs), SIDE, SIDE, 3)
    return [photo(one) for one in picture]


def svg_path(shape: shapely.Geometry, left: float, top: float, scale: float) -> str:
    """The outline of a polygon (and its holes) as an SVG path; of a ragged one about so many corners are drawn."""
    if shapely.get_num_coordinates(shape) > CORNERS:
        shape = shape.simplify(np.sqrt(shape.area) / 60)
    rings = [shape.exterior, *shape.interiors] if shape.geom_type == "Polygon" else []
    lines = []
    for ring in rings:
        xy = (np.asarray(ring.coords)[:, :2] - [left, top]) * scale
        lines.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in xy[:-1]) + "Z")
    return "".join(lines)


def overview(result: Result) -> dict[str, Any]:
    """The whole scene, with the outlines of what was found."""
    scene, found = result.scene, result.findings
    step = step_of(scene.grid)
    values, valid = thin_scene(scene, shown_bands(scene)[0], step)
    picture = stretch(values, valid)
    width, height = pixel_of(scene.grid)
    outlines: dict[str, list[str]] = {name: [] for name in result.shown.names}
    for shape, kind in zip(found.shapes[:DRAWN], found.kinds, strict=False):
        outlines[result.shown.names[kind]].append(svg_path(shape, 0, 0, 1 / step))
    return {
        "image": photo(picture) if valid.any() else photo(np.full_like(picture, PAPER)),
        "width": picture.shape[1],
        "height": picture.shape[0],
        "ratio": round(picture.shape[1] * width / (picture.shape[0] * height), 5),
        "outlines": {name: "".join(paths) for name, paths in outlines.items()},
        "pixels": max(picture.shape[:2]) < 600,
        "metres": None if scene.grid.crs is None else width * step * picture.shape[1],
        "drawn": min(len(found), DRAWN),
    }


def histogram(scores: np.ndarray) -> list[dict[str, float]]:
    """How many have which score: bars of a chart, heights in percent of the tallest."""
    if len(scores) < FEW:
        return []
    low, high = float(scores.min()), float(scores.max())
    counts, edges = np.histogram(scores, bins=min(24, max(6, len(scores) // 4)), range=(low, max(high, low + 0.05)))
    tallest = max(int(counts.max()), 1)
    return [
        {"low": float(edges[i]), "high": float(edges[i + 1]), "count": int(n), "tall": 100 * int(n) / tallest}
        for i, n in enumerate(counts)
    ]
