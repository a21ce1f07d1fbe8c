"""One task put to a learner: it sees a support and questions, and never the labels that it is judged by."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..learner import Learner, Predictor
from ..problem import Classes, Prediction
from ..solvers import rows as as_rows
from ..task import Examples, without_further
from ..trust.scores import confusion
from .posing import Key, Posed, pose
from .scores import class_scores, mask_scores, quantity_scores
from .tasks import Drawn

BINS = 10  # of the calibration plots, of equal width


@dataclass(frozen=True)
class Encoded:
    """A region's features, computed once for all its tasks; `place` tells where a row of its targets went.

    whole  a task counts images with their masks, not rows
    """

    examples: Examples
    place: Tensor | None
    seconds: float  # of encoding, a row
    whole: bool = False

    def moved(self, task: Drawn) -> Drawn:
        """The task by the rows of the table of features."""
        if self.place is None:
            return task
        parts = (task.support, task.query, task.apart)
        support, query, apart = (None if rows is None else tuple(self.place[list(rows)].tolist()) for rows in parts)
        assert support is not None and apart is not None
        return replace(task, support=support, query=query, apart=tuple(row for row in apart if row >= 0))


def encodes_once(learner: Learner) -> bool:
    """Whether features don't depend on the task, nor on which examples are seen together."""
    return learner.encodes_ahead and not learner.transductive


@torch.no_grad()
def encoded(learner: Learner, examples: Examples, whole: bool = False) -> Encoded:
    """A table of the labelled rows' features, where adapting leaves the encoder; else the examples as they are.

    Further targets are for training: they stay behind.

    whole  keep images as they lie
    """
    examples = replace(examples, inputs=without_further(examples.inputs))
    if not encodes_once(learner) or (whole and (learner.changes or learner.views > 1)):
        return Encoded(examples, None, 0.0, whole)
    began = time.perf_counter()
    if whole:
        features = {"features": learner.net.encode(examples.inputs)}
        seconds = (time.perf_counter() - began) / len(examples)
        return Encoded(replace(examples, inputs=features), None, seconds, True)
    table = learner.table(examples.inputs)
    targets = examples.targets.flatten()
    seconds = (time.perf_counter() - began) / len(targets)
    if examples.targets.dim() == 1:
        return Encoded(Examples(table, targets, examples.problem), None, seconds)
    known = examples.problem.labelled(targets)
    place = torch.where(known, torch.cumsum(known, 0) - 1, -1)
    return Encoded(Examples(table, targets, examples.problem).part(known), place, seconds)


def judged(learner: Learner, seen: Encoded, task: Drawn, hidden: bool, *, path: bool = False) -> dict[str, Any]:
    """Scores, seconds, and what the page shows of one task."""
    posed, key = pose(seen.examples, seen.moved(task), hidden, seen.whole)
    began = time.perf_counter()
    predictor = learner.adapt(posed.support)
    adapted = time.perf_counter()
    found = answers(predictor, posed)
    done = time.perf_counter()
    rows = len(seen.place) if seen.place is not None else len(key.targets)  # a map is encoded as a whole
    rows = len(task.query) if seen.whole and task.query is not None else rows
    row = {
        "scores": scored(found, key, seen.whole),
        "adapt_seconds": adapted - began + (0.0 if seen.place is not None else seen.seconds * len(task.support)),
        "predict_seconds": done - adapted + seen.seconds * rows,
        "count": len(key.targets),
        **shown(found, key, task),
    }
    if path and type(learner).path is not Learner.path:
        row["path"] = [scored(answers(step, posed), key, seen.whole) for step in learner.path(posed.support)]
    return row


@torch.no_grad()
def answers(predictor: Predictor, posed: Posed) -> Prediction:
    """What is predicted for the rows that are asked about: (m, outputs).

    A learner may have descended to numbers that aren't finite: then all classes are as likely.
    """
    parts = predictor.outputs(posed.inputs)
    found = [None if part is None else as_rows(part) for part in parts]
    if posed.asked is not None:
        found = [None if part is None else part[posed.asked] for part in found]
    answer = Prediction(*found)  # type: ignore[arg-type]
    if isinstance(posed.support.problem, Classes):
        answer = answer._replace(mean=answer.mean.where(answer.mean.isfinite().all(1, keepdim=True), 0.0))
    return answer


def scored(found: Prediction, key: Key, whole: bool = False) -> dict[str, float]:
    targets = key.targets.numpy()
    if isinstance(key.problem, Classes):
        outputs = found.mean.double().numpy()
        return class_scores(targets, outputs) | (mask_scores(targets, outputs) if whole else {})
    variance = None if found.variance is None else found.variance[:, 0].double().numpy()
    return quantity_scores(targets.astype(float), found.mean[:, 0].double().numpy(), variance)


def shown(found: Prediction, key: Key, task: Drawn) -> dict[str, Any]:
    """What the page adds up: confusions in the data's own classes and bins of confidence, or sums of squares."""
    targets = key.targets.numpy()
    if not isinstance(key.problem, Classes):
        off = targets - targets.mean()
        gap = targets - found.mean[:, 0].numpy()
        sums = {"mean": targets.mean(), "spread": np.square(off).sum(), "missed": np.square(gap).sum()}
        return {"sums": {name: float(value) for name, value in sums.items()}}
    sure = found.mean.double().softmax(1).numpy()
    said = sure.argmax(1)
    table = confusion(targets, said, key.problem.outputs)
    return {"confusion": table.astype(int).tolist(), "bins": bins_of(sure.max(1), said == targets)}


def bins_of(sure: np.ndarray, right: np.ndarray) -> list[list[float]]:
    """Of each bin of stated confidence: how many, the sum of confidence, how many were right."""
    place = np.minimum((sure * BINS).astype(int), BINS - 1)
    return [
        [float(np.bincount(place, weights, BINS)[b]) for weights in (None, sure, right.astype(float))]
        for b in range(BINS)
    ]


def said_of(learner: Learner, seen: Encoded, task: Drawn, hidden: bool) -> np.ndarray:
    """The predicted class or value of each row that is asked about, in the data's own classes: for a picture."""
    posed, key = pose(seen.examples, seen.moved(task), hidden, seen.whole)
    said = key.problem.decide(answers(learner.adapt(posed.support), posed))
    return np.array(task.classes)[said.numpy()] if isinstance(key.problem, Classes) else said.numpy()
