"""One picture of a map for a page or a slide: the scene with its labels, the map, how sure it is."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from ..maps.styles import SURE
from .pictures import Pictures

INK = "#23211d"
DPI = 100
SIDE, GAP, TOP, BELOW = 384, 20, 28, 76  # pixels: of a panel, around panels, above for titles, below for legends
SHADES = 48  # of the confidence: as many as the eye tells apart, and a small file
WIDE = 3 * SIDE + 4 * GAP


def side_by_side(pictures: Pictures, classes: Sequence[str]) -> bytes:
    """A PNG of three panels for a map of classes; same pictures, same bytes on one machine."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = pictures.upright()
    figure = Figure(figsize=(WIDE / DPI, (TOP + SIDE + BELOW) / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    _scene(_panel(figure, 0, f"scene, {len(shown.label_rows)} labelled pixels"), shown, classes)
    _map(_panel(figure, 1, "map"), shown, classes)
    _confidence(_panel(figure, 2, "confidence"), shown)
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None}, pil_kwargs={"optimize": True})
    return file.getvalue()


def _panel(figure: Any, place: int, title: str) -> Any:
    high = TOP + SIDE + BELOW
    axes = figure.add_axes(((GAP + place * (SIDE + GAP)) / WIDE, BELOW / high, SIDE / WIDE, SIDE / high))
    axes.set_title(title, color=INK, fontsize=12, loc="left")
    axes.set_axis_off()
    return axes


def _scene(axes: Any, shown: Pictures, classes: Sequence[str]) -> None:
    if shown.true_colour is not None:
        coarse = shown.true_colour & 0xF0 | 0x08  # 16 shades a channel: a third of the bytes, and it looks the same
        axes.imshow(coarse, interpolation="nearest", extent=_extent(shown))
    colours = [shown.colours[classes[int(target)]] for target in shown.label_targets]
    axes.scatter(shown.label_columns, shown.label_rows, c=colours, s=34, edgecolors="white", linewidths=1.1)
    axes.set_xlim(*_extent(shown)[:2])
    axes.set_ylim(*_extent(shown)[2:])


def _map(axes: Any, shown: Pictures, classes: Sequence[str]) -> None:
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    colours = [shown.colours[name] for name in classes]
    table = ListedColormap(["white", *colours])
    axes.imshow(shown.map, cmap=table, vmin=-0.5, vmax=len(classes) + 0.5, interpolation="nearest")
    patches = [
        Patch(color=colour, label=name.replace("$", r"\$")) for name, colour in zip(classes, colours, strict=True)
    ]
    place = {"loc": "upper left", "bbox_to_anchor": (-0.02, 0.0), "ncols": 3, "frameon": False}
    axes.legend(handles=patches, fontsize=8.5, handlelength=1.1, columnspacing=1.0, **place)


def _confidence(axes: Any, shown: Pictures) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    if shown.confidence is None:
        return
    ramp = LinearSegmentedColormap.from_list("sure", list(SURE), N=SHADES)
    picture = axes.imshow(shown.confidence, cmap=ramp, vmin=0, vmax=1, interpolation="nearest")
    bar = axes.figure.colorbar(picture, cax=axes.inset_axes((0, -0.07, 1, 0.035)), orientation="horizontal")
    bar.set_ticks([0, 0.5, 1], labels=["0 %", "50 %", "100 %"])
    bar.outline.set_visible(False)
    for label, side in zip(bar.ax.get_xticklabels(), ("left", "center", "right"), strict=True):
        label.set_horizontalalignment(side)


def _extent(shown: Pictures) -> tuple[float, float, float, float]:
    """Pixel edges at whole numbers, as the labels' places have it."""
    height, width = shown.size
    return (0, width, height, 0)
