"""Small charts as SVG in the page's own type: reliability of confidence, predicted against observed, scale bars."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

SIDE = 360  # of a chart's square, in its own units
ROOM = 46  # for the axis on the left and below
CURVES = ("#b9b2a4", "#1b5e58")  # before, after
POINTS = 1500  # drawn at most


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values (1, 2 or 5 times a power of ten apart) between two limits.

    >>> ticks(0, 1)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    if not high > low:
        return [low]
    step = nice((high - low) / about, up=True)
    first = math.ceil(low / step - 1e-9)
    return [float(f"{k * step:.10g}") for k in range(first, math.floor(high / step + 1e-9) + 1)]


def nice(value: float, *, up: bool = False) -> float:
    """The nearest 1, 2 or 5 times a power of ten that isn't above `value` (or, with `up`, not below).

    >>> nice(3100.0), nice(3100.0, up=True)
    (2000.0, 5000.0)
    """
    power = 10.0 ** math.floor(math.log10(value))
    steps = [power * factor for factor in (1, 2, 5, 10)]
    fits = [s for s in steps if (s >= value * (1 - 1e-9) if up else s <= value * (1 + 1e-9))]
    return min(fits) if up else max(fits)


def scale_bar(metres_across: float) -> tuple[float, str]:
    """The length of a scale bar as a percentage of the picture's width, and its label."""
    metres = nice(metres_across * 0.3)
    label = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    return round(100 * metres / metres_across, 3), label


def reliability(curves: Mapping[str, Sequence[tuple[float, float, int]]]) -> Markup:
    """Stated confidence against the share that was right: one curve for each entry, the diagonal for perfection."""
    body = _frame((0.0, 1.0), "stated confidence", "share right", percent=True)
    for (title, bins), colour in zip(list(curves.items())[-2:], CURVES[-len(curves) :], strict=True):
        seen = [(x, y, n) for x, y, n in bins if n and math.isfinite(x) and math.isfinite(y)]
        line = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y, _ in seen)
        body += Markup('<polyline points="{}" fill="none" stroke="{}" stroke-width="2"/>').format(line, colour)
        most = max((n for *_, n in seen), default=1)
        for x, y, n in seen:
            hint = f"{title}: stated {100 * x:.0f} %, right {100 * y:.0f} %, {n} labels"
            body += _dot(x, y, 2.5 + 4.5 * math.sqrt(n / most), colour, hint)
    return _svg(body, "Reliability of the stated confidence")


def scatter(observed: NDArray[np.floating], predicted: NDArray[np.floating], unit: str) -> Markup:
    """Predicted against observed values of labels that the model had not seen, on equal axes."""
    seen = np.isfinite(observed) & np.isfinite(predicted)
    every = max(1, -(-int(seen.sum()) // POINTS))
    across, up = observed[seen][::every], predicted[seen][::every]
    both = np.concatenate([across, up]) if len(across) else np.array([0.0, 1.0])
    low, high = float(both.min()), float(both.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    suffix = f", {unit}" if unit else ""
    body = _frame((low, high), f"observed{suffix}", f"predicted{suffix}")
    for x, y in zip((across - low) / (high - low), (up - low) / (high - low), strict=True):
        body += _dot(float(x), float(y), 3, CURVES[-1])
    return _svg(body, "Predicted against observed values")


def _frame(limits: tuple[float, float], across: str, up: str, *, percent: bool = False) -> Markup:
    """Axes with ticks and titles, and the diagonal."""
    low, high = limits
    body = Markup('<line class="ideal" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(_x(0), _y(0), _x(1), _y(1))
    for tick in ticks(low, high):
        share, text = (tick - low) / (high - low), f"{100 * tick:.0f} %" if percent else f"{tick:g}"
        body += Markup('<line class="grid" x1="{0}" y1="{1:.1f}" x2="{2}" y2="{1:.1f}"/>').format(
            _x(0), _y(share), _x(1)
        )
        body += Markup('<text x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(ROOM - 7, _y(share) + 4, text)
        body += Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(_x(share), SIDE + 18, text)
    body += Markup('<text class="title" x="{}" y="{}" text-anchor="end">{}</text>').format(_x(1), SIDE + 38, across)
    return body + Markup('<text class="title" x="{}" y="12">{}</text>').format(ROOM, up)


def _x(share: float) -> float:
    return ROOM + share * (SIDE - ROOM)


def _y(share: float) -> float:
    return SIDE - share * (SIDE - 26)  # 26: the title above


def _dot(x: float, y: float, radius: float, colour: str, hint: str = "") -> Markup:
    title = Markup("<title>{}</title>").format(hint) if hint else ""
    dot = '<circle cx="{:.1f}" cy="{:.1f}" r="{:.1f}" fill="{}" fill-opacity=".8">{}</circle>'
    return Markup(dot).format(_x(x), _y(y), radius, colour, title)


def _svg(body: Markup, title: str) -> Markup:
    frame = '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    return Markup(frame).format(SIDE + 24, SIDE + 44, title, body)
