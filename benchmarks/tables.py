"""Rows of scores as tables: means over draws, differences draw by draw, calibration."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from common import shown, table
from draws import FIGURES

Row = dict[str, str]
Unit = tuple[str, str]  # site and draw
AUTO = "auto"
ERRORS = [f"{when}, {what}" for when in ("before", "after") for what in ("classes", "pixels")]


def grouped(rows: Sequence[Row]) -> dict[tuple[str, str], dict[Unit, Row]]:
    """(method, shots) -> unit -> row; of a rival's configurations the one that is best on the mean."""
    every: dict[tuple[str, str], dict[str, dict[Unit, Row]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        unit = (row.get("site") or "", row["draw"])
        every[row["method"], row["shots"]][row.get("setting") or ""][unit] = row
    return {key: max(settings.values(), key=mean_of) for key, settings in every.items()}


def mean_of(units: dict[Unit, Row]) -> float:
    return float(np.mean([float(row["all"]) for row in units.values()]))


def tables(rows: Sequence[Row], shots: Sequence[int], methods: Sequence[str]) -> Iterator[str]:
    """A table a figure, then `auto` less every method unit by unit, then calibration errors and seconds."""
    found = grouped(rows)
    head = ["", *(f"k = {k}" for k in shots)]

    def column(method: str, k: int, figure: str) -> list[float]:
        units = found.get((method, str(k)), {}).items()
        return by_site({unit: float(row[figure]) for unit, row in units if row.get(figure) not in (None, "", "nan")})

    def less(method: str, k: int) -> list[float]:
        units, ours = found.get((method, str(k)), {}), found.get((AUTO, str(k)), {})
        return by_site({u: float(ours[u]["all"]) - float(row["all"]) for u, row in units.items() if u in ours})

    for figure, said in FIGURES.items():
        if any(column(m, k, figure) for m in methods for k in shots):
            body = [[m, *(shown(column(m, k, figure)) for k in shots)] for m in methods]
            yield f"## Balanced accuracy: {said}\n\n{table(head, body)}"
    body = [[m, *(shown(less(m, k), "+") for k in shots)] for m in methods if m != AUTO]
    if AUTO in methods and body:
        yield f"## auto less each, pair by pair\n\n{table(head, body)}"
        body = [[kind, *(shown(column(AUTO, k, kind)) for k in shots)] for kind in ERRORS]
        said = "Expected calibration error of auto's confidence, 15 equal-mass bins, before and after calibration"
        yield f"## {said}, weighted by class and by pixel\n\n{table(head, body)}"
    body = [[m, *(seconds(column(m, k, "seconds")) for k in shots)] for m in methods if column(m, shots[-1], "seconds")]
    yield f"## Seconds a map (other work may have shared the machine)\n\n{table(head, body)}"


def by_site(values: dict[Unit, float]) -> list[float]:
    """One value a site, the mean of its draws; a scene's draws as they are."""
    sites: dict[str, list[float]] = defaultdict(list)
    for (site, draw), value in values.items():
        sites[site or draw].append(value)
    return [float(np.mean(found)) for found in sites.values()]


def seconds(values: Sequence[float]) -> str:
    return f"{np.median(values):.1f}" if values else ""
