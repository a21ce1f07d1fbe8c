"""The page of a map: one file that shows it, says how good it is and where not to trust it."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ..maps.colour import ink
from ..maps.styles import SURE, TRUST_COLOURS, VALUES
from . import charts, words
from .pictures import Pictures
from .words import Run, metric, short

SUSPECTS = 25  # rows of the table of labels that look wrong
MATRIX = 16  # classes beyond which a matrix is replaced by the commonest confusions
LEGEND = 24  # classes beside the map
BANDS = 48  # bands listed
STRETCHED = 8  # times that a picture is stretched at most, for pixels that aren't square on the ground


def map_page(run: Run, pictures: Pictures, title: str | None = None) -> str:
    """The page, as HTML that loads nothing from outside, runs no script, and escapes all that users typed.

    run       the record of the command, as in `run.json`; pieces that are missing are left out
    pictures  the previews
    title     the scene's name; the first input's file name otherwise
    """
    context = _context(run, pictures.upright(), title or _scene_name(run))
    page = templates().get_template("map.html").render(context)
    return page.encode(errors="replace").decode()  # half a surrogate pair, from a name in a broken encoding


def _context(run: Run, pictures: Pictures, title: str) -> dict[str, Any]:
    """All that the template shows, by its names there."""
    classes = list(run.get("classes") or []) if run.get("kind") != "quantity" else []
    score, folds = metric(run), _folds(run)
    return {
        "run": run,
        "title": title,
        "headline": words.headline(run),
        "verdict": words.verdict(run),
        "sureness": words.sureness(run),
        "metric": score,
        "classes": classes,
        "picture": pictures,
        "images": pictures.addresses(classes),
        "dots": pictures.dots(classes),
        "sheet": _sheet(pictures),
        "legend": _legend(run, pictures, classes),
        "widest": max([area["share"] for area in run.get("areas") or []], default=0) or 1,
        "ramp": _ramp(pictures, run) if not classes else None,
        "sure": ", ".join(SURE),
        "trust": TRUST_COLOURS,
        "candidates": _candidates(run),
        "chosen": run.get("chosen") or {},
        "folds": folds,
        "r2": score.key == "rmse" and any(fold.get("r2") is not None for fold in folds),
        "matrix": _matrix(run, classes),
        "confusions": _confusions(run, classes),
        "suspects": _suspects(run),
        "coordinates": words.coordinates(run),
        "reliability": charts.reliability(pictures.reliability) if pictures.reliability else None,
        "scatter": _scatter(run, pictures),
        "parameters": _parameters(run),
        "bands": list(run.get("bands") or [])[:BANDS],
    }


def templates() -> Environment:
    place = Environment(
        loader=PackageLoader("handful.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    place.filters |= {"count": words.count, "duration": words.duration, "distance": words.distance, "short": short}
    place.filters |= {"ink": ink, "total": words.labels_said, "spent": words.spent}
    return place


def _scene_name(run: Run) -> str:
    inputs = run.get("inputs") or []
    return PurePath(str(inputs[0]["path"])).stem if inputs else "A map"


def _sheet(pictures: Pictures) -> dict[str, Any]:
    """How the pictures lie on the page: proportions, size of the dots, scale bar, north."""
    height, columns = pictures.size
    width = columns * min(max(pictures.pixel_shape, 1 / STRETCHED), STRETCHED)
    metres = pictures.metres_per_pixel
    bar, label = charts.scale_bar(metres * columns) if metres else (0.0, "")
    return {
        "height": height,
        "width": round(width, 3),
        "ratio": round(width / height, 5),
        "dot": round(max(max(height, width) * 0.0075, 0.2), 3),
        "bar": bar,
        "bar_label": label,
        "pixels": max(height, columns) < 600,  # few pixels are shown as pixels, not blurred
    }


def _legend(run: Run, pictures: Pictures, classes: list[str]) -> list[dict[str, Any]]:
    """Every class with its colour, its labels and its area, in the map's order."""
    areas = {area["class"]: area for area in run.get("areas") or []}
    labels = run.get("labels") or {}
    return [
        {"name": name, "colour": pictures.colours[name], "labels": labels.get(name), **areas.get(name, {})}
        for name in classes
    ]


def _ramp(pictures: Pictures, run: Run) -> dict[str, Any]:
    low, high = pictures.limits()
    quantity = run.get("quantity") or {}
    stops = [f"{low + (high - low) * step / 4:.3g}" for step in range(5)]
    return {
        "stops": stops,
        "colours": ", ".join(VALUES),
        "name": quantity.get("name") or "",
        "unit": quantity.get("unit") or "",
    }


def _candidates(run: Run) -> dict[str, Any] | None:
    """Rows of the dot plot, best first: places along the axis in percent of its length."""
    score = metric(run)
    rows = [dict(row) for row in run.get("candidates") or [] if row.get(score.key) is not None]
    if not rows:
        return None
    rows.sort(key=lambda row: -row[score.key] if score.more_is_better else row[score.key])
    ends = [row[key] for row in rows for key in (score.key, "low", "high") if row.get(key) is not None]
    low, high = min(ends), max(ends)
    margin = 0.06 * (high - low) or 0.05 * (abs(high) or 1)
    low, high = low - margin, high + margin
    for row in rows:
        for key, place in ((score.key, "at"), ("low", "from"), ("high", "to")):
            row[place] = None if row.get(key) is None else round(100 * (row[key] - low) / (high - low), 2)
    ticks = [(round(100 * (tick - low) / (high - low), 2), score.text(tick)) for tick in charts.ticks(low, high, 4)]
    return {"rows": rows, "ticks": ticks}


def _folds(run: Run) -> list[dict[str, Any]]:
    """Rows of the validation table: an independent test first, then the folds from strict to lenient."""
    rows = [
        {"kind": kind, "means": means, **(run.get("validation") or {})[kind]}
        for kind, means in words.FOLDS.items()
        if (run.get("validation") or {}).get(kind)
    ]
    test = run.get("test")
    means = "Labels given for testing only: no model has seen them. Drawn at random over the scene, they tell most."
    rows = [{"kind": "test", "means": means, **test}, *rows] if test else rows
    found = words.judged(run)
    for row in rows:
        if found and row["kind"] == found[0]:
            row["means"] += " Judge the map by this line."
    return rows


def _matrix(run: Run, classes: list[str]) -> list[dict[str, Any]] | None:
    """Rows of the confusion matrix with the share of each cell in its row, and both shares right of a class."""
    confusion = run.get("confusion")
    if not confusion or not 2 <= len(classes) <= MATRIX or not any(map(sum, confusion)):
        return None
    columns = [sum(column) for column in zip(*confusion, strict=True)]
    return [
        {
            "name": name,
            "cells": [(count, count / max(sum(row), 1)) for count in row],
            "total": sum(row),
            "found": row[i] / sum(row) if sum(row) else None,
            "true": row[i] / columns[i] if columns[i] and sum(row) else None,
        }
        for i, (name, row) in enumerate(zip(classes, confusion, strict=True))
    ]


def _confusions(run: Run, classes: list[str]) -> list[dict[str, Any]]:
    """The commonest confusions, for a map of too many classes to show as a matrix."""
    if len(classes) <= MATRIX:
        return []
    found = [
        {"label": classes[i], "predicted": classes[j], "count": count, "of": sum(row)}
        for i, row in enumerate(run.get("confusion") or [])
        for j, count in enumerate(row)
        if i != j and count
    ]
    return sorted(found, key=lambda pair: -pair["count"])[:20]


def _suspects(run: Run) -> list[dict[str, Any]]:
    """Rows of the table of labels that look wrong, with how sure the model is or, for a quantity, how far off."""
    rows = [dict(row) for row in list(run.get("suspicious") or [])[:SUSPECTS]]
    unit = (run.get("quantity") or {}).get("unit") or ""
    for row in rows:
        sure = row.get("probability")
        row["off"] = "" if sure is None else f"{100 * sure:.0f} %"
        if run.get("kind") == "quantity":
            row["off"] = words.measured(abs(row["label"] - row["predicted"]), unit)
            row["label"], row["predicted"] = (words.measured(row[key], unit) for key in ("label", "predicted"))
    return rows


def _scatter(run: Run, pictures: Pictures) -> Any:
    if pictures.observed is None or pictures.predicted is None:
        return None
    return charts.scatter(pictures.observed, pictures.predicted, (run.get("quantity") or {}).get("unit") or "")


def settings_of(run: Run) -> list[tuple[str, str]]:
    """What was run, one line a setting; nested settings are joined by dots."""
    lines: list[tuple[str, str]] = []
    walk("", dict(run.get("parameters") or {}), lines)
    return lines


def walk(name: str, value: Any, lines: list[tuple[str, str]]) -> None:
    """Add the settings under a name to the lines, but for those that are off or empty."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            walk(f"{name}.{key}" if name else str(key), inner, lines)
    elif value is not False and value not in (None, "", [], (), {}):
        lines.append((name, ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)))


def _parameters(run: Run) -> list[tuple[str, str]]:
    """The settings, and what they came to: the learner that was chosen, and its smoothing."""
    lines, chosen = settings_of(run), run.get("chosen") or {}
    walk("chosen", {name: chosen.get(name) for name in ("name", "members")}, lines)
    walk("smoothing, pixels", chosen.get("smoothing_pixels"), lines)
    return lines
