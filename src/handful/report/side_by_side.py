"""One picture of a map for a page or a slide: the scene with its labels, the map, how sure it is."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..maps.styles import SURE
from .pictures import Pictures

INK = "#23211d"
COLOURS = 255  # of the file: a fifth of the bytes of a true-colour PNG, and the eye sees no difference


def side_by_side(pictures: Pictures, classes: Sequence[str]) -> bytes:
    """A PNG of three panels for a map of classes; same pictures, same bytes on one machine."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = pictures.upright()
    figure = Figure(figsize=(13.5, 4.9), dpi=100, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    scene, drawn, sure = figure.subplots(1, 3)
    _scene(scene, shown, classes)
    _map(drawn, shown, classes)
    _confidence(figure, sure, shown)
    for axes, title in ((scene, f"scene, {len(shown.label_rows)} labels"), (drawn, "map"), (sure, "confidence")):
        axes.set_title(title, color=INK, fontsize=13, loc="left")
        axes.set_axis_off()
    return _png(figure)


def _scene(axes: Any, shown: Pictures, classes: Sequence[str]) -> None:
    if shown.true_colour is not None:
        axes.imshow(shown.true_colour, interpolation="nearest", extent=_extent(shown))
    colours = [shown.colours[classes[int(target)]] for target in shown.label_targets]
    axes.scatter(shown.label_columns, shown.label_rows, c=colours, s=34, edgecolors="white", linewidths=1.1)


def _map(axes: Any, shown: Pictures, classes: Sequence[str]) -> None:
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    colours = [shown.colours[name] for name in classes]
    table = ListedColormap(["white", *colours])
    axes.imshow(shown.map, cmap=table, vmin=-0.5, vmax=len(classes) + 0.5, interpolation="nearest")
    patches = [Patch(color=colour, label=name) for name, colour in zip(classes, colours, strict=True)]
    columns = min(4, len(patches))
    axes.legend(
        handles=patches, ncols=columns, loc="upper center", bbox_to_anchor=(0.5, -0.01), frameon=False, fontsize=9,
        handlelength=1.1, columnspacing=1.0,
    )  # fmt: skip


def _confidence(figure: Any, axes: Any, shown: Pictures) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    if shown.confidence is None:
        return
    ramp = LinearSegmentedColormap.from_list("sure", list(SURE))
    picture = axes.imshow(shown.confidence, cmap=ramp, vmin=0, vmax=1, interpolation="nearest")
    bar = figure.colorbar(picture, ax=axes, orientation="horizontal", fraction=0.05, pad=0.03, shrink=0.7)
    bar.set_ticks([0, 0.5, 1], labels=["0 %", "50 %", "100 %"])
    bar.outline.set_visible(False)


def _extent(shown: Pictures) -> tuple[float, float, float, float]:
    """Pixel edges at whole numbers, as the labels' places have it."""
    height, width = shown.size
    return (0, width, height, 0)


def _png(figure: Any) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    Image.fromarray(np.ascontiguousarray(pixels)).quantize(COLOURS, dither=Image.Dither.NONE).save(
        file, format="png", optimize=True
    )
    return file.getvalue()
