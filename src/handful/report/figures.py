"""Figures of a training: how the loss went down, and where it stopped being worth it."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

INK, SOFT, LINE = "#23211d", "#b9b2a4", "#1b5e58"
WINDOW = 0.03  # of the steps, over which the loss is averaged for the eye


def curves(rows: Sequence[Mapping[str, Any]], title: str = "", score: str = "validation") -> bytes:
    """A PNG of the training's log: rows of {"step", "loss", "validation"}, the last two empty where not measured.

    Same rows, same bytes on one machine. Numbers may be text, as a CSV reader gives them.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    _loss(axes, _points(rows, "loss"))
    _validation(axes.twinx(), _points(rows, score), score)
    axes.set_xlabel("step", color=INK)
    axes.set_title(title.replace("$", r"\$"), loc="left", color=INK, fontsize=12)
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def _points(rows: Sequence[Mapping[str, Any]], key: str) -> list[tuple[float, float]]:
    """The steps at which `key` was measured, with its finite values."""
    found = [(float(row["step"]), float(row[key])) for row in rows if row.get(key) not in (None, "")]
    return [(step, value) for step, value in found if math.isfinite(value)]


def _loss(axes: Any, points: list[tuple[float, float]]) -> None:
    steps, losses = [step for step, _ in points], [loss for _, loss in points]
    if not points:
        return
    axes.plot(steps, losses, color=SOFT, linewidth=0.8)
    axes.plot(steps, _smooth(losses, max(1, round(WINDOW * len(losses)))), color=INK, linewidth=1.6)
    axes.set_ylabel("loss (each step, and its running mean)", color=INK)
    axes.spines["top"].set_visible(False)
    if min(losses) > 0 and max(losses) / min(losses) > 50:
        axes.set_yscale("log")


def _validation(axes: Any, points: list[tuple[float, float]], score: str) -> None:
    axes.spines["top"].set_visible(False)
    if not points:
        axes.set_yticks([])
        return
    axes.plot(*zip(*points, strict=True), color=LINE, marker="o", markersize=4, linewidth=1.4)
    axes.set_ylabel(score, color=LINE)
    axes.tick_params(colors=LINE)


def _smooth(values: Sequence[float], width: int) -> Any:
    """The mean of the last `width` values at each place, of fewer at the beginning."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - width, 0)
    return (total[ends] - total[starts]) / (ends - starts)
