"""The comparison in the terminal: the model beside its rivals, and how it was tested."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .words import Run, distance, metric, short

WIDE = 40  # letters of a name in a terminal


def comparison(run: Run) -> RenderableType:
    """Candidates and rivals with their intervals, best first, the folds, what can't be judged, and whether the better
    model was worth it.

    Names are shown as they are: nothing that a user typed is read as markup or as a control sequence.
    """
    parts: list[RenderableType] = [part for part in (_candidates(run), _folds(run)) if part.row_count]
    said = [*(run.get("cannot_judge") or []), *([run["worth"]] if run.get("worth") else [])]
    return Group(*parts, *(Text(plain(str(sentence))) for sentence in said))


def plain(text: str) -> str:
    """The text without control characters, so that a terminal shows it and does nothing else."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _candidates(run: Run) -> Table:
    score, chosen = metric(run), (run.get("chosen") or {}).get("name")
    table = _table("model", "", score.name, "interval")
    rows = [row for row in run.get("candidates") or [] if row.get(score.key) is not None]
    for row in sorted(rows, key=lambda row: row[score.key], reverse=score.more_is_better):
        name = Text(plain(short(row["name"], WIDE)), style="" if row.get("role") == "rival" else "bold")
        role = "made this map" if row["name"] == chosen else row.get("role") or ""
        table.add_row(name, role, score.text(row[score.key]), score.interval(row))
    return table


def _folds(run: Run) -> Table:
    score = metric(run)
    table = _table("tested on", "", score.name, "interval", "distance to labels")
    found = {"test": run.get("test"), **(run.get("validation") or {})}
    for kind in ("test", "matched", "block", "random"):
        scores = found.get(kind)
        if scores:
            name = "independent labels" if kind == "test" else f"{kind} folds"
            away = distance(scores.get("median_distance_m"))
            table.add_row(name, "", score.text(scores.get(score.key)), score.interval(scores), away)
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place < 2 else "right", overflow="fold")
    return table
