"""What `omniglot.py` keeps beside itself: a row a kind of task, a point a validation, and the page made of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from common import HERE, page, rows_of, table
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from omniglot_trials import save_png

Row = Mapping[str, Any]
RESULTS, CURVES = HERE / "omniglot.csv", HERE / "omniglot_curves.csv"
WAYS, SHOTS = (5, 20), (1, 5)
COLUMNS = ("inductive", "transductive", "queries of one class")
COLOURS = {5: "#c2571a", 20: "#1b5e58"}
# Accuracy in %: 5 ways at 1 and 5 shots, 20 ways at 1 and 5 shots.
PUBLISHED = {
    "siamese": ("Siamese", "97.3", "98.4", "88.1", "97.0"),
    "matching": ("Matching, cosines x 100", "98.1", "98.9", "93.8", "98.5"),
    "protonet": ("ProtoNet", "98.8", "99.7", "96.0", "98.9"),
    "relation": ("Relation", "99.6", "99.8", "97.6", "99.1"),
    "maml": ("MAML", "98.7", "99.9", "95.8", "98.9"),
    "first_order_maml": ("first-order MAML", "98.3", "99.2", "89.4", "97.9"),
    "reptile": ("Reptile", "95.4, trans. 97.7", "98.9, trans. 99.5", "88.1, trans. 89.4", "96.7, trans. 97.1"),
    "meta_sgd": ("Meta-SGD", "99.5", "99.9", "95.9", "99.0"),
    "maml_plus_plus": ("MAML++", "99.5", "99.9", "97.7", "99.3"),
    "imaml": ("iMAML", "99.2", "", "94.5", ""),
    "snail": ("SNAIL", "99.1", "99.8", "97.6", "99.4"),
    "r2d2": ("R2-D2", "98.6", "99.7", "94.7", "98.9"),
    "cavia": ("CAVIA", "", "", "", ""),
    "dkt": ("DKT", "", "", "", ""),
    "bayesian_maml": ("Bayesian MAML", "", "", "", ""),
    "baseline_plus_plus": ("Baseline++", "", "", "", ""),
}
INTRODUCTION = """\
Accuracy in % on 600 tasks (fewer where the table says so) of characters that no training saw, 15 queries a class; 95 %
intervals over tasks, which say nothing of the luck of the training nor of the choice of characters. `handful bench
benchmarks/omniglot/METHOD.toml` runs the same trainings, and judges all of them on one kind of task.

*Inductive*: each query is answered on its own, batch norm by running statistics; by those of the support after the last
step where a method descends by batch statistics (MAML, MAML++, Reptile, Meta-SGD, iMAML, CAVIA). *Transductive*: batch
norm by the queries that are asked together, as in the code behind most of these figures, and the only way for Bayesian
MAML, whose particles share running statistics. *Queries of one class*: the same weights and statistics, but all that is
asked together is of one class, as in a real scene, and the learner isn't told. The weights are those that did best on
50 validation tasks; a dash: not measured. An unfinished training says little about a method: read the share of its
schedule first. Two methods were trained before their protocols were mended, and not again: iMAML with steps of .01 on
a net that pools, SNAIL on supports that stood class by class."""
EXPLAINED = """\
Accuracy on the validation tasks, as each method is trained, over the training tasks it has seen so far (ProtoNet, R2-D2
and Matching: of 60 classes). The ring is the published figure at the end of the whole schedule. Validation tasks are of
20 classes where one training serves 5 and 20. A panel without a curve is of a training that ended before its first
validation. Curves older than omniglot_curves.csv were read off their drawing, to about half a point.

![curves](omniglot.png)"""


def told(label: str, what: str) -> tuple[int, ...]:
    """The numbers of 'way' or 'shot' in a label such as '5-way 1-shot'."""
    return tuple(int(number) for number in re.findall(rf"(\d+)-{what}", label))


def ways_of(label: str) -> Sequence[int]:
    return told(label, "way") or WAYS


def shots_of(label: str) -> Sequence[int]:
    return told(label, "shot") or SHOTS


def make_page(schedules: Mapping[str, Mapping[str, int]]) -> None:
    """The page and its picture. `schedules` has, by method and label of a training, the tasks of its whole schedule."""
    draw(HERE / "omniglot.png", schedules)
    page("omniglot", "Omniglot: published and ours", INTRODUCTION, whole_table(), EXPLAINED)


def whole_table() -> str:
    head = ["", "task", "published", *COLUMNS, "tasks", "episodes", "of the schedule", "seeds"]
    return table(head, list(table_rows()))


def table_rows() -> Iterator[list[str]]:
    """A row a kind of task: the published figure, and ours where it was measured."""
    known = {(row["method"], row["task"]): row for row in rows_of(RESULTS)}
    for method, (name, *figures) in PUBLISHED.items():
        kinds = [f"{ways}-way {shots}-shot" for ways in WAYS for shots in SHOTS]
        for kind, figure in zip(kinds, figures, strict=True):
            row = known.get((method, kind))
            yield [name, kind, figure or "–", *(cells(row) if row else ["", "", "", "", "0", "0 %", "0"])]


def cells(row: Row) -> list[str]:
    """`98.8 (98.6 to 99.0)` of each column, in %, and how far the training has come."""
    shown = [f"{row[c]} ({row[f'{c}, from']} to {row[f'{c}, to']})" if row[c] else "–" for c in COLUMNS]
    return [*shown, row["tasks"], f"{int(row['episodes']):,}", f"{float(row['share']):.1%}", row["seeds"]]


def draw(path: Path, schedules: Mapping[str, Mapping[str, int]]) -> None:
    """A PNG with a panel a method: validation accuracy at one shot over episodes, and the published points."""
    figure = Figure(figsize=(12, 10), dpi=100, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    panels, points = figure.subplots(4, 4, sharex=True, sharey=True).flat, rows_of(CURVES)
    for axes, (method, (name, *figures)) in zip(panels, PUBLISHED.items(), strict=True):
        for label, end in schedules[method].items():
            for ways in ways_of(label) if 1 in shots_of(label) else ():
                if ways == max(ways_of(label)):
                    mine = [point for point in points if (point["method"], point["training"]) == (method, label)]
                    curve = [[float(point[what]) for point in mine] for what in ("episodes", "validation")]
                    axes.plot(*curve, color=COLOURS[ways], linewidth=1.3)
                published = re.findall(r"[\d.]+", figures[0 if ways == 5 else 2])
                if published:
                    axes.plot([end], [float(published[-1])], "o", mfc="none", color=COLOURS[ways], markersize=6)
        axes.set_title(name, fontsize=10, loc="left")
        axes.set(xscale="log", xlim=(30, 3e6), ylim=(0, 100))
        axes.grid(color="#e6e1d6", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    for ways, colour in COLOURS.items():
        figure.axes[0].plot([], [], color=colour, label=f"{ways}-way 1-shot")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2, frameon=False)
    figure.supxlabel("training tasks", fontsize=10)
    figure.supylabel("accuracy on validation tasks, %", fontsize=10)
    save_png(figure, path)
