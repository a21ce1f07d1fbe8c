"""Axes of a small chart as SVG: places, ticks, lines, dots. The page's own type does the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from .charts import ticks
from .marks import label, line


@dataclass(frozen=True)
class Axes:
    """A plot of `width` x `height` units between limits; `log` for the horizontal axis.

    room  left, right, above and below of the plot
    """

    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]
    log: bool = False
    room: tuple[float, float, float, float] = (46, 14, 24, 40)

    def across(self, value: float) -> float:
        low, high, at = (math.log(v) if self.log else v for v in (*self.x, value))
        return self.room[0] + (at - low) / ((high - low) or 1) * self.width

    def up(self, value: float) -> float:
        low, high = self.y
        return self.room[2] + self.height - (value - low) / ((high - low) or 1) * self.height

    def frame(self, across: str, up: str, marks: Sequence[float] = (), percent: bool = False) -> Markup:
        """Grid, ticks and titles; `marks` are the ticks of the horizontal axis, round values otherwise."""
        left, right = self.room[0], self.room[0] + self.width
        body = Markup('<text class="title" x="0" y="12">{}</text>').format(up)
        for tick in ticks(*self.y, 5):
            text = f"{100 * tick:.0f} %" if percent else f"{tick:g}"
            body += line(left, self.up(tick), right, self.up(tick), "grid")
            body += label(left - 7, self.up(tick) + 4, text, "end")
        for tick in marks or ticks(*self.x, 5):
            body += label(self.across(tick), self.room[2] + self.height + 17, f"{tick:g}", "middle")
        return body + label(right, self.room[2] + self.height + 35, across, "end", "title")

    def polyline(self, points: Sequence[tuple[float, float]], colour: str, dash: str = "", width: float = 2) -> Markup:
        path = " ".join(f"{self.across(x):.1f},{self.up(y):.1f}" for x, y in points)
        return Markup(
            '<polyline points="{}" fill="none" stroke="{}" stroke-width="{}" stroke-dasharray="{}" '
            'stroke-linejoin="round"/>'
        ).format(path, colour, width, dash)

    def dot(self, x: float, y: float, radius: float, colour: str, hint: str = "", hollow: bool = False) -> Markup:
        title = Markup("<title>{}</title>").format(hint) if hint else ""
        fill = "#fbfaf7" if hollow else colour
        circle = '<circle cx="{:.1f}" cy="{:.1f}" r="{}" fill="{}" stroke="{}" stroke-width="1.6">{}</circle>'
        return Markup(circle).format(self.across(x), self.up(y), radius, fill, colour, title)

    def bar(self, x: float, low: float, high: float, colour: str) -> Markup:
        """An upright interval."""
        at = self.across(x)
        whisker = '<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" stroke="{}" stroke-width="1.2" opacity=".55"/>'
        return Markup(whisker).format(at, self.up(low), at, self.up(high), colour)

    def svg(self, body: Markup, title: str, more: float = 0) -> Markup:
        """more  room to the right, for names"""
        left, right, above, below = self.room
        wide, high = left + self.width + right + more, above + self.height + below
        frame = '<svg class="chart wide" viewBox="0 0 {:.0f} {:.0f}" style="max-width:{:.0f}px" role="img" '
        frame += 'aria-label="{}">{}</svg>'
        return Markup(frame).format(wide, high, wide * 1.15, title, body)
