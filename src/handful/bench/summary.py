"""What a bench found: means with intervals, differences, ranks; regions are the unit of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .differences import difference, holm, signed_rank
from .entries import Entry, has
from .ranks import Ranks, average_ranks
from .scores import BETTER, CLASS_SCORES, MASK_SCORES
from .statistics import interval
from .tasks import TaskList
from .work import Setup

LEVEL = 0.05


@dataclass(frozen=True)
class Scores:
    """Scores of all tasks as a frame, with what is asked of it again and again."""

    frame: pd.DataFrame
    labels: list[str]

    @property
    def shots(self) -> list[int]:
        return sorted(int(k) for k in self.frame["shots"].unique())

    def by_unit(self, learner: str, shots: int, score: str) -> pd.DataFrame:
        """Means over draws and tasks (units, seeds); units without a number are left out."""
        rows = self.frame[(self.frame["learner"] == learner) & (self.frame["shots"] == shots)]
        table = rows.pivot_table(index="unit", columns="seed", values=score, aggfunc="mean", dropna=False)
        return table.dropna()

    def r2_pooled(self, learner: str, shots: int) -> float | None:
        """The share of the variance over all sites' targets that is explained."""
        rows = self.frame[(self.frame["learner"] == learner) & (self.frame["shots"] == shots)]
        count, mean = rows["count"], rows["target_mean"]
        grand = (count * mean).sum() / count.sum()
        spread = (rows["target_spread"] + count * (mean - grand) ** 2).sum()
        return float(1 - rows["missed"].sum() / spread) if spread > 0 else None


def summarise(setup: Setup, tasks: TaskList, frame: pd.DataFrame, notes: list[str]) -> dict[str, Any]:
    """The record of a bench: all that its page and its table in the terminal say."""
    scores = Scores(frame, setup.labels)
    against = setup.protocol.report.against or best_rival(setup, scores)
    known = (*CLASS_SCORES, *MASK_SCORES) if setup.frame.classes else ("rmse", "mae", "r2", "nll")
    names = [name for name in known if name in frame]
    rows = [row_of(scores, setup, label, k, names) for k in scores.shots for label in scores.labels]
    ranks = {k: ranks_of(scores, k, setup.score) for k in scores.shots}
    compare(scores, setup, rows, against)
    return {
        "data": setup.protocol.data.name,
        "classes": setup.protocol.data.classes if setup.frame.classes else None,
        "unit": unit_words(setup, tasks),
        "score": setup.score,
        "more_is_better": BETTER[setup.score],
        "against": against,
        "shots": scores.shots,
        "tasks": len(tasks.tasks),
        "seeds": setup.protocol.tasks.seeds,
        "checksum": tasks.checksum,
        "learners": [told_of(entry, setup) for entry in setup.entries if entry.listed],
        "unlisted": [told_of(entry, setup) for entry in setup.entries if not entry.listed],
        "table": rows,
        "ranks": {str(k): found._asdict() for k, found in ranks.items()},
        "notes": notes,
    }


def unit_words(setup: Setup, tasks: TaskList) -> str:
    from ..data import find_data

    return setup.protocol.data.unit_for(find_data(tasks.data))


def told_of(entry: Entry, setup: Setup) -> dict[str, Any]:
    return {
        "label": entry.label,
        "name": entry.name,
        "rival": entry.rival,
        "trained": entry.train is not None and not has(entry.name, "keeps_rows"),
        "pooled": has(entry.name, "keeps_rows"),
        "trained_on": list(entry.sets),
        "start": entry.start,
        "trials": setup.protocol.tune.trials if entry.tune else 0,
        "transductive": entry.make(setup.frame_of(entry)).reads_query,
        "settings": {key: value for key, value in entry.settings.items()},
    }


def row_of(scores: Scores, setup: Setup, label: str, shots: int, names: list[str]) -> dict[str, Any]:
    """The means of one learner at one number of shots, with their intervals over units."""
    row: dict[str, Any] = {"learner": label, "shots": shots, "scores": {}}
    for name in names:
        values = scores.by_unit(label, shots, name).mean(axis=1).to_numpy()
        found = interval(values)
        row["scores"][name] = {**found._asdict(), "mean": number(found.mean)}
        if name == setup.score:
            row["units"] = dict(zip(scores.by_unit(label, shots, name).index, values.tolist()))
    if not setup.frame.classes:
        row["scores"]["r2_pooled"] = {"mean": scores.r2_pooled(label, shots), "low": None, "high": None, "units": None}
    return row


def number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def best_rival(setup: Setup, scores: Scores) -> str:
    """The rival, else any learner, whose mean over all numbers of shots is the best: what one must beat."""
    names = [entry.label for entry in setup.entries if entry.rival] or scores.labels
    sign = 1 if BETTER[setup.score] else -1
    means = {n: np.mean([scores.by_unit(n, k, setup.score).to_numpy().mean() for k in scores.shots]) for n in names}
    return max(names, key=lambda name: sign * np.nan_to_num(means[name], nan=-np.inf))


def compare(scores: Scores, setup: Setup, rows: list[dict[str, Any]], against: str) -> None:
    """Each row's difference to the one that all are compared with, and whether it is more than luck."""
    for shots in scores.shots:
        theirs = scores.by_unit(against, shots, setup.score)
        several = [row for row in rows if row["shots"] == shots and row["learner"] != against]
        tests = []
        for row in several:
            ours = scores.by_unit(row["learner"], shots, setup.score)
            units = ours.index.intersection(theirs.index)
            pair = ours.loc[units].to_numpy(), theirs.loc[units].to_numpy()
            row["difference"] = difference(*pair)._asdict()
            tests.append(signed_rank(pair[0].mean(1) - pair[1].mean(1)) if len(units) else None)
        for row, p in zip(several, holm(tests), strict=True):
            found = row["difference"]
            apart = found["low"] is not None and (found["low"] > 0 or found["high"] < 0)
            found |= {"mean": number(found["mean"]), "p": p, "differs": bool(apart and p is not None and p < LEVEL)}


def ranks_of(scores: Scores, shots: int, score: str) -> Ranks:
    table: dict[str, Mapping[str, float]] = {}
    for label in scores.labels:
        table[label] = scores.by_unit(label, shots, score).mean(axis=1).to_dict()
    return average_ranks(table, BETTER[score])


def without(setup: Setup, frame: pd.DataFrame, leaking: list[int], tasks: TaskList) -> list[tuple[str, str]]:
    """The scores at a middling number of shots without the tasks whose support and query share something."""
    if not leaking:
        return []
    out = {(tasks.tasks[i].name, tasks.tasks[i].fold) for i in leaking}
    names = {fold.name: number for number, fold in enumerate(tasks.folds)}
    split = frame["split"].fillna("").map(names)
    keep = [pair not in out for pair in zip(frame["task"], split, strict=True)]
    left = Scores(frame[keep], setup.labels)
    if not len(left.frame):
        return []
    middle = left.shots[len(left.shots) // 2]
    means = [(label, left.by_unit(label, middle, setup.score).to_numpy().mean()) for label in left.labels]
    return [(label, f"{mean:.3f}") for label, mean in means]
