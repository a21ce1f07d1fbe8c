"""Charts of a bench: learning curves, critical differences, regions, calibration, cost, the way of adaptation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from ..bench.ranks import cliques
from .axes import Axes
from .charts import ticks
from .marks import apart, label, line

COLOURS = ("#1b5e58", "#c2571a", "#3b6fb6", "#8a5a9e", "#a83250", "#5b8c2a", "#b8860b", "#4f6d7a", "#7a4a2b", "#2f8f9d")
GREYS = ("#8a8476", "#a39d8f", "#6c675d", "#bab3a4")
DASHES = ("5 3", "2 3", "8 3", "1 3")
LINE = 14  # height of a line of names
CROWD = 15  # ranks beyond which each fifth is numbered
INK = "#23211d"

Row = Mapping[str, Any]


def paints(learners: Sequence[Row]) -> dict[str, tuple[str, str]]:
    """A colour and a dash for each learner; rivals are grey."""
    found: dict[str, tuple[str, str]] = {}
    ours, theirs = 0, 0
    for learner in learners:
        if learner["rival"]:
            found[learner["label"]] = GREYS[theirs % len(GREYS)], DASHES[theirs % len(DASHES)]
            theirs += 1
        else:
            found[learner["label"]] = COLOURS[ours % len(COLOURS)], "" if ours < len(COLOURS) else "4 2"
            ours += 1
    return found


def limits(values: Sequence[float], share: float = 0.06) -> tuple[float, float]:
    """The range of some values with a margin."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    margin = share * (high - low) or 0.05 * (abs(high) or 1)
    return low - margin, high + margin


def of_labels(record: Row, shots: int) -> str:
    """A number of labels in words: "5 a class", of a quantity "5 labels"."""
    if record["classes"]:
        return f"{shots} a class"
    return f"{shots} label" + "s" * (shots > 1)


def labels(record: Row) -> str:
    return "labels a class" if record["classes"] else "labels"


def learning_curves(record: Row) -> Markup:
    """The score over the number of labels, a line a learner, with intervals at each point."""
    score, paint, shots = record["score"], paints(record["learners"]), record["shots"]
    rows = [row for row in record["table"] if row["scores"][score]["mean"] is not None]
    ends = [v for row in rows for v in row["scores"][score].values() if isinstance(v, float)]
    few = len(shots) > 1
    across = (shots[0], shots[-1]) if few else (shots[0] * 0.9, shots[0] * 1.1)
    axes = Axes(430, max(300, LINE * len(paint)), across, limits(ends), log=True)  # room for every name
    body = axes.frame(labels(record), words(score), shots)
    lasts: list[tuple[str, float]] = []
    for place, name in enumerate(paint):
        points = [(row["shots"], row["scores"][score]) for row in rows if row["learner"] == name]
        if points:
            body += curve(axes, points, *paint[name], shift=place - len(paint) / 2, name=name)
            lasts.append((name, points[-1][1]["mean"]))
    places = apart([axes.up(value) + 4 for _, value in lasts], LINE, 12, axes.height + axes.room[2] + 30)
    for (name, _), y in zip(lasts, places):
        body += label(axes.room[0] + axes.width + 12, y, name, colour=paint[name][0])
    return axes.svg(body, "Learning curves", more=8.2 * max((len(name) for name, _ in lasts), default=0) * 0.85)


def curve(axes: Axes, points: Sequence[tuple[int, Row]], colour: str, dash: str, shift: float, name: str) -> Markup:
    body = axes.polyline([(k, found["mean"]) for k, found in points], colour, dash)
    for k, found in points:
        at = k * (1 + 0.006 * shift)  # beside each other, so that intervals can be told apart
        if found["low"] is not None:
            body += axes.bar(at, found["low"], found["high"], colour)
        body += axes.dot(k, found["mean"], 3, colour, f"{name}, {k}: {found['mean']:.3f}", hollow=bool(dash))
    return body


def words(score: str) -> str:
    """A score's name for a person.

    >>> words("balanced_accuracy"), words("auc")
    ('balanced accuracy', 'AUC')
    """
    short = {"auc": "AUC", "miou": "mean IoU", "nll": "negative log-likelihood", "ece": "expected calibration error"}
    more = {"rmse": "RMSE", "r2": "R²", "macro_f1": "macro F1", "kappa": "Cohen’s kappa", "r2_pooled": "R², pooled"}
    return {**short, **more, "brier": "Brier score", "mae": "mean absolute error"}.get(score, score.replace("_", " "))


def difference_diagram(ranks: Row, paint: Mapping[str, tuple[str, str]]) -> Markup | None:
    """Average ranks on a line; a bar joins learners that don't differ (Demsar 2006). None below 6 blocks."""
    mean, critical = ranks["mean"], ranks["critical"]
    if critical is None or len(mean) < 2:
        return None
    names = sorted(mean, key=lambda name: mean[name])
    groups, half = cliques(mean, critical), -(-len(names) // 2)
    top = 64 + 11 * len(groups)
    side, below = 32 + 7.4 * (max(map(len, names)) + 5), top - 40 + LINE * 1.3 * half
    axes = Axes(420, 10, (1, len(names)), (0, 1), room=(side, side, 40, below))
    level = axes.up(0)
    body = line(axes.across(1), level, axes.across(len(names)), level, "axis")
    for rank in range(1, len(names) + 1):
        body += line(axes.across(rank), level - 5, axes.across(rank), level, "axis")
        if len(names) <= CROWD or rank in (1, len(names)) or (rank % 5 == 0 and rank < len(names) - 1):
            body += label(axes.across(rank), level - 10, str(rank), "middle")
    wide = critical / (len(names) - 1) * axes.width
    body += line(axes.across(1), 12, axes.across(1) + wide, 12, "axis")
    body += label(axes.across(1) + wide + 8, 16, f"critical difference {critical:.2f}")
    for place, group in enumerate(groups):
        y = level + 10 + 11 * place
        ends = axes.across(mean[group[0]]) - 4, axes.across(mean[group[-1]]) + 4
        body += line(ends[0], y, ends[1], y, "clique")
    for place, name in enumerate(names):
        body += ranked(axes, name, mean[name], place, half, len(names), level + top - 40, paint[name][0])
    return axes.svg(body, "Critical-difference diagram of average ranks")


def ranked(axes: Axes, name: str, rank: float, place: int, half: int, count: int, top: float, colour: str) -> Markup:
    """One name of the diagram: the better half to the left, the others to the right."""
    left = place < half
    y = top + LINE * 1.3 * (place if left else count - 1 - place)
    end = axes.room[0] - 10 if left else axes.room[0] + axes.width + 10
    at, text = axes.across(rank), f"{name}  {rank:.2f}"
    body = line(at, axes.up(0), at, y, "thin") + line(at, y, end, y, "thin")
    return body + label(end + (-6 if left else 6), y + 4, text, "end" if left else "start", colour=colour)


def strips(rows: Sequence[Row], score: str, paint: Mapping[str, tuple[str, str]]) -> Markup:
    """A row a learner, a dot a region: how far regions differ, and which learner fails where."""
    values = [v for row in rows for v in row["units"].values()]
    names = [row["learner"] for row in rows]
    room = 8 + 7 * max(map(len, names), default=1)
    axes = Axes(460, 26 * len(rows), limits(values, 0.04), (0, len(rows)), room=(room, 14, 8, 40))
    body = Markup("")
    for tick in ticks(*axes.x, 6):
        body += line(axes.across(tick), 8, axes.across(tick), axes.up(0), "grid")
        body += label(axes.across(tick), axes.up(0) + 17, f"{tick:g}", "middle")
    body += label(axes.room[0] + axes.width, axes.up(0) + 35, words(score), "end", "title")
    for place, row in enumerate(rows):
        y = len(rows) - place - 0.5
        body += label(room - 10, axes.up(y) + 4, row["learner"], "end", colour=paint[row["learner"]][0])
        for region, value in row["units"].items():
            body += axes.dot(value, y, 2.6, paint[row["learner"]][0], f"{region}: {value:.3f}", hollow=True)
        mean = row["scores"][score]["mean"]
        if mean is not None:
            stroke = '<line x1="{0:.1f}" y1="{1:.1f}" x2="{0:.1f}" y2="{2:.1f}" stroke="{3}" stroke-width="3"/>'
            ends = axes.across(mean), axes.up(y + 0.34), axes.up(y - 0.34)
            body += Markup(stroke).format(*ends, paint[row["learner"]][0])
    return axes.svg(body, "Scores by region")


def small_reliability(name: str, bins: Sequence[tuple[float, float, float]], colour: str) -> Markup:
    """Stated confidence against the share right, of one learner: (confidence, right, mass) a bin."""
    axes = Axes(150, 150, (0, 1), (0, 1), room=(34, 6, 22, 34))
    body = axes.frame("confidence", "right", (0.0, 0.5, 1.0))
    body += line(axes.across(0), axes.up(0), axes.across(1), axes.up(1), "ideal")
    body += axes.polyline([(x, y) for x, y, _ in bins], colour)
    most = max((mass for *_, mass in bins), default=1)
    for x, y, mass in bins:
        body += axes.dot(x, y, round(1.5 + 4 * (mass / most) ** 0.5, 1), colour, f"{x:.2f} stated, {y:.2f} right")
    return axes.svg(body, f"Reliability of {name}")


def cost_chart(points: Sequence[tuple[str, float, float]], score: str, paint: Mapping[str, tuple[str, str]]) -> Markup:
    """Seconds a task (adapting and predicting) against the score."""
    seconds = [max(s, 1e-4) for _, s, _ in points]
    low, high = min(seconds, default=0.1) / 1.6, max(seconds, default=1) * 1.6
    axes = Axes(430, 280, (low, high), limits([value for *_, value in points], 0.1), log=True)
    marks = [m for power in range(-4, 5) for m in (10.0**power,) if low <= m <= high] or [low, high]
    body = axes.frame("seconds a task, adapting and predicting, one core", words(score), marks)
    order = sorted(points, key=lambda point: -point[2])
    places = apart([axes.up(value) + 4 for *_, value in order], LINE, 12, axes.height + axes.room[2] + 20)
    for (name, spent, value), y in zip(order, places):
        colour, dash = paint[name]
        body += axes.dot(max(spent, 1e-4), value, 4.5, colour, f"{name}: {spent:.3g} s, {value:.3f}", hollow=bool(dash))
        body += line(axes.across(max(spent, 1e-4)) + 6, axes.up(value), axes.room[0] + axes.width + 8, y - 4, "lead")
        body += label(axes.room[0] + axes.width + 12, y, name, colour=colour)
    return axes.svg(body, "Cost against score", more=24 + 7.4 * max((len(name) for name, *_ in points), default=0))


def path_chart(lines: Mapping[str, Sequence[float]], score: str, paint: Mapping[str, tuple[str, str]]) -> Markup:
    """The score before adaptation and after every inner step."""
    longest = max(len(values) for values in lines.values()) - 1
    axes = Axes(430, 220, (0, max(longest, 1)), limits([v for values in lines.values() for v in values]))
    body = axes.frame("inner steps", words(score), range(0, longest + 1, max(1, longest // 10)))
    ends = [(name, values) for name, values in lines.items()]
    places = apart([axes.up(values[-1]) + 4 for _, values in ends], LINE, 12, axes.height + 50)
    for (name, values), y in zip(ends, places):
        body += axes.polyline(list(enumerate(values)), *paint[name])
        for step, value in enumerate(values):
            body += axes.dot(step, value, 2.6, paint[name][0], f"{name}, step {step}: {value:.3f}")
        body += label(axes.room[0] + axes.width + 12, y, name, colour=paint[name][0])
    return axes.svg(body, "Before and after adaptation", more=24 + 7.4 * max(len(name) for name in lines))
