"""The page of things that were found: an overview, and thumbnails in the order of their scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from . import charts
from .page import BANDS, settings_of, templates
from .words import Run


def find_page(run: Run, parts: Mapping[str, Any], colours: Mapping[str, str], title: str | None = None) -> str:
    """The page, as HTML that loads nothing from outside, runs no script, and escapes all that users typed.

    parts    pictures and outlines; see `find_report.parts_of`
    colours  "#rrggbb" of each kind
    """
    context = dict(parts) | {
        "run": run,
        "title": title or scene_name(run),
        "headline": headline(run),
        "verdict": verdict(run),
        "colours": colours,
        "bar": scale(parts["overview"].get("metres")),
        "parameters": settings_of(run),
        "bands": list(run.get("bands") or [])[:BANDS],
    }
    page = templates().get_template("find.html").render(context)
    return page.encode(errors="replace").decode()  # half a surrogate pair, from a name in a broken encoding


def scene_name(run: Run) -> str:
    scenes = (run.get("parameters") or {}).get("scenes") or ["A scene"]
    return PurePath(str(scenes[0])).stem


def scale(metres: float | None) -> tuple[float, str] | None:
    return charts.scale_bar(metres) if metres else None


def headline(run: Run) -> str:
    """How many were found."""
    total = sum((run.get("found") or {}).values())
    if not total:
        return "Nothing was found"
    return "One thing was found" if total == 1 else f"{total:,} things were found"


def verdict(run: Run) -> list[str]:
    """What that is worth, in sentences."""
    shown = sum(row["examples"] for row in run.get("examples") or [])
    tried, found = (sum(row[key] for row in run.get("examples") or []) for key in ("tried", "found"))
    said = [
        f"Looked for what is like {shown} example{'s' if shown != 1 else ''}, from a score of {run.get('least'):g} on."
    ]
    again = run.get("examples_found") or 0
    if again:
        said.append(f"{again} of what was found {'is an example' if again == 1 else 'are examples'}.")
    if not sum((run.get("found") or {}).values()):
        near = ", and look at similarity.tif for what came near" if run.get("detector") == "matching" else ""
        said.append(f"Try a lower --least, or give more examples{near}.")
    if tried:
        said.append(f"Of {tried} examples, each held back in turn, the others would have found {found}.")
    elif run.get("detector") == "matching":
        said.append("With one example of a kind, none can be held back to see whether another would find it.")
    return said
