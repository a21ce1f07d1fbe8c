"""The page of a bench: the comparison, how sure it is, what it cost, and what might flatter it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..bench.examples import Example
from ..bench.scores import BETTER
from . import bench_charts as charts
from .bench_examples import example_blocks
from .page import templates

MOST_CLASSES = 24  # columns of the table by class
MATRIX = 40  # units beyond which the page shows dots only
NUMBERS = (
    "confidence", "right", "count", "recall", "precision", "training_seconds", "training_cpu_seconds",
    "tuning_cpu_seconds", "adapt_seconds", "predict_seconds", "peak_mb", *BETTER,
)  # fmt: skip
Row = dict[str, Any]


def bench_page(record: Row, folder: Path, examples: Sequence[Example], bands: Sequence[str]) -> str:
    """The page, as HTML that loads nothing from outside, runs no script, and escapes all that users typed.

    record    of the bench, as in `bench.json`
    folder    where its tables are
    examples  tasks with predictions; bands: the names of the data's bands
    """
    tables = {name: table(folder / f"{name}.csv") for name in ("classes", "calibration", "paths", "cost", "tuning")}
    page = templates().get_template("bench.html").render(context(record, tables, examples, bands))
    return page.encode(errors="replace").decode()


def table(path: Path) -> pd.DataFrame:
    """A table of the bench; texts stay texts, even those that look like numbers or like none."""
    if not path.exists():
        return pd.DataFrame()
    texts = {name: str for name in ("learner", "split", "unit", "task", "class", "settings")}
    return pd.read_csv(path, dtype=texts, keep_default_na=False, na_values={n: [""] for n in NUMBERS})


def context(record: Row, tables: dict[str, pd.DataFrame], examples: Sequence[Example], bands: Sequence[str]) -> Row:
    """All that the template shows, by its names there."""
    paint, middle = charts.paints(record["learners"]), record["shots"][len(record["shots"]) // 2]
    at_middle = best_first(record, [row for row in record["table"] if row["shots"] == middle])
    return {
        "record": record,
        "score": charts.words(record["score"]),
        "verdict": verdict(record),
        "paint": paint,
        "labels": charts.labels(record),
        "at": {shots: charts.of_labels(record, shots) for shots in record["shots"]},
        "middle": middle,
        "rows": table_rows(record),
        "others": other_scores(record, at_middle),
        "curves": charts.learning_curves(record) if len(record["shots"]) > 1 else None,
        "diagrams": diagrams(record, paint),
        "strips": charts.strips(at_middle, record["score"], paint) if at_middle else None,
        "classes": by_class(tables["classes"], middle, [row["learner"] for row in at_middle]),
        "calibration": calibration(tables["calibration"], middle, [row["learner"] for row in at_middle], paint),
        "cost": cost(record, tables["cost"], middle, paint),
        "costs": cost_rows(tables["cost"], [*record["learners"], *record["unlisted"]]),
        "paths": paths(record, tables["paths"], middle, paint),
        "examples": example_blocks(examples, bands),
        "leaks": record.get("leaks"),
        "tuned": tuned(tables["tuning"]),
        "settings": [
            (learner, json.dumps(learner["settings"], ensure_ascii=False))
            for learner in [*record["learners"], *record["unlisted"]]
        ],
    }


def best_first(record: Row, rows: list[Row]) -> list[Row]:
    sign = -1 if record["more_is_better"] else 1
    known = [row for row in rows if row["scores"][record["score"]]["mean"] is not None]
    return sorted(known, key=lambda row: sign * row["scores"][record["score"]]["mean"])


def verdict(record: Row) -> list[str]:
    """What the comparison says, in plain sentences."""
    said = []
    for shots in record["shots"]:
        rows = best_first(record, [row for row in record["table"] if row["shots"] == shots])
        if not rows:
            continue
        found = rows[0]["scores"][record["score"]]
        span = "" if found["low"] is None else f" ({found['low']:.3f} to {found['high']:.3f})"
        said.append(
            f"At {charts.of_labels(record, shots)}, {rows[0]['learner']} does best: "
            f"{found['mean']:.3f}{span}{worth(record, rows)}."
        )
    return said


def worth(record: Row, rows: list[Row]) -> str:
    """Whether the best differs from what all are compared with."""
    if rows[0]["learner"] == record["against"]:
        return ", and it is the one that the others had to beat"
    gap = rows[0].get("difference") or {}
    if gap.get("mean") is None:
        return ""
    if abs(gap["mean"]) < 0.0005:
        return f", as well as {record['against']}"
    sure = "beyond luck" if gap.get("differs") else "which luck may explain"
    return f", {abs(gap['mean']):.3f} better than {record['against']}, {sure}"


def table_rows(record: Row) -> list[Row]:
    """A row a learner, the best at the most shots first: a cell for each number of shots."""
    by = {(row["learner"], row["shots"]): row for row in record["table"]}
    last = [row for row in record["table"] if row["shots"] == record["shots"][-1]]
    order = [row["learner"] for row in best_first(record, last)]
    learners = {learner["label"]: learner for learner in record["learners"]}
    names = [*order, *(name for name in learners if name not in order)]
    tops = {k: best_first(record, [r for r in record["table"] if r["shots"] == k])[:1] for k in record["shots"]}
    best = {(top["learner"], k) for k, several in tops.items() for top in several}
    return [
        {
            **learners[name],
            "cells": [cell(record, by[name, k], (name, k) in best) for k in record["shots"]],
            "ranks": [record["ranks"][str(k)]["mean"][name] for k in record["shots"]],
        }
        for name in names
    ]


def cell(record: Row, row: Row, best: bool) -> Row:
    found, gap = row["scores"][record["score"]], row.get("difference") or {}
    worse = gap.get("mean") is not None and (gap["mean"] < 0) == record["more_is_better"]
    return {
        "mean": number(found["mean"]),
        "span": span(found),
        "gap": None if gap.get("mean") is None else f"{gap['mean']:+.3f}".replace("-", "−"),
        "gap_span": span(gap, signed=True),
        "p": gap.get("p"),
        "differs": gap.get("differs", False),
        "worse": worse,
        "best": best,
    }


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def span(found: Row, signed: bool = False) -> str:
    if found.get("low") is None:
        return ""
    form = "{:+.3f}" if signed else "{:.3f}"
    return f"{form.format(found['low'])} to {form.format(found['high'])}".replace("-", "−")


def other_scores(record: Row, rows: list[Row]) -> Row:
    """Every score of every learner at the middling number of shots; none that no learner has."""
    every = list(rows[0]["scores"]) if rows else []
    names = [name for name in every if any(row["scores"][name]["mean"] is not None for row in rows)]
    cells = [(row["learner"], [number(row["scores"][name]["mean"]) for name in names]) for row in rows]
    return {"names": [charts.words(name) for name in names], "rows": cells}


def diagrams(record: Row, paint: dict[str, tuple[str, str]]) -> list[tuple[int, Any]]:
    found = [(k, charts.difference_diagram(record["ranks"][str(k)], paint)) for k in record["shots"]]
    return [(k, diagram) for k, diagram in found if diagram is not None]


def by_class(frame: pd.DataFrame, shots: int, order: list[str]) -> Row | None:
    """Shares found of each class, learners as rows; None where there are too many classes to read."""
    if frame.empty or frame["class"].nunique() > MOST_CLASSES:
        return None
    part = frame[frame["shots"] == shots].pivot(index="learner", columns="class", values="recall")
    names = [str(name) for name in part.columns]
    return {"names": names, "rows": [(name, part.loc[name].tolist()) for name in order if name in part.index]}


def calibration(frame: pd.DataFrame, shots: int, order: list[str], paint: dict[str, tuple[str, str]]) -> list[Any]:
    if frame.empty:
        return []
    found = []
    for name in order:
        part = frame[(frame["learner"] == name) & (frame["shots"] == shots)].sort_values("bin")
        bins = list(part[["confidence", "right", "count"]].itertuples(index=False, name=None))
        found.append((name, charts.small_reliability(name, bins, paint[name][0])))
    return found


def cost(record: Row, frame: pd.DataFrame, shots: int, paint: dict[str, tuple[str, str]]) -> Any:
    if frame.empty:
        return None
    part = frame[frame["shots"] == shots].groupby("learner")[["adapt_seconds", "predict_seconds"]].mean().sum(axis=1)
    means = {row["learner"]: row["scores"][record["score"]]["mean"] for row in record["table"] if row["shots"] == shots}
    points = [(name, float(part[name]), value) for name, value in means.items() if name in part and value is not None]
    return charts.cost_chart(points, record["score"], paint)


def cost_rows(frame: pd.DataFrame, learners: list[Row]) -> list[Row]:
    """What each learner cost: seconds of training and tuning in all, seconds a task, memory."""
    if frame.empty:
        return []
    once = frame.drop_duplicates(["learner", "split", "seed"])
    rows = []
    for learner in learners:
        name = learner["label"]
        mine, first = frame[frame["learner"] == name], once[once["learner"] == name]
        tuning = first.drop_duplicates("split")["tuning_cpu_seconds"].sum()
        told = {"name": name, "training": float(first["training_seconds"].sum()), "tuning": float(tuning)}
        told |= {"adapt": float(mine["adapt_seconds"].mean()), "predict": float(mine["predict_seconds"].mean())}
        rows.append({**told, "trials": learner["trials"], "memory": float(mine["peak_mb"].max())})
    return rows


def paths(record: Row, frame: pd.DataFrame, shots: int, paint: dict[str, tuple[str, str]]) -> Any:
    if frame.empty or record["score"] not in frame:
        return None
    means = frame[frame["shots"] == shots].groupby(["learner", "step"])[record["score"]].mean()
    lines = {str(name): means[name].tolist() for name in means.index.get_level_values(0).unique()}
    return charts.path_chart(lines, record["score"], paint) if lines else None


def tuned(frame: pd.DataFrame) -> list[Row]:
    """What was chosen for each learner and split."""
    rows: list[Row] = [] if frame.empty else frame[frame["chosen"] == 1].to_dict("records")
    return rows
