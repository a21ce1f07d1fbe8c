"""Marks of a chart as SVG: lines, texts, and places for names that must not cover each other."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(kind, x1, y1, x2, y2)


def label(x: float, y: float, text: str, anchor: str = "start", kind: str = "", colour: str = "") -> Markup:
    paint = Markup(' style="fill:{}"').format(colour) if colour else ""
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}"{}>{}</text>').format(
        kind, x, y, anchor, paint, text
    )


def apart(places: Sequence[float], least: float, low: float, high: float) -> list[float]:
    """Places moved as little as needed so that neighbours are `least` apart, within limits where there is room.

    >>> apart([10, 12, 40], 6, 0, 100)
    [8.0, 14.0, 40.0]
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    groups: list[tuple[float, list[int]]] = []  # the middle of a run of neighbours, and who is in it
    for i in order:
        groups.append((float(places[i]), [i]))
        while len(groups) > 1 and _end(groups[-2], least) > _start(groups[-1], least) - least:
            (first, few), (second, more) = groups[-2], groups.pop()
            together = [*few, *more]
            groups[-1] = ((first * len(few) + second * len(more)) / len(together), together)
    found = [0.0] * len(places)
    for middle, several in groups:
        start = middle - least * (len(several) - 1) / 2
        start = max(low, min(start, high - least * (len(several) - 1)))
        for place, i in enumerate(several):
            found[i] = round(start + least * place, 1)
    return found


def _start(group: tuple[float, list[int]], least: float) -> float:
    return group[0] - least * (len(group[1]) - 1) / 2


def _end(group: tuple[float, list[int]], least: float) -> float:
    return group[0] + least * (len(group[1]) - 1) / 2
