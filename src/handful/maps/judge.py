"""How answers become a map and a score: what differs between classes and a quantity once a learner has answered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from scipy.special import log_softmax

from ..problem import Classes, Problem, Quantity
from ..trust.calibration import (
    Calibration,
    QuantityCalibration,
    adjust_prior,
    cross_calibrated,
    fit_calibration,
    fit_quantity_calibration,
)
from ..trust.folds import Folds
from ..trust.intervals import balanced_accuracy_interval, balanced_difference_interval, rmse_interval
from ..trust.scores import class_weights, confusion, ece, r2
from ..trust.suspicious import suspicious_labels, suspicious_values

Array = np.ndarray
TINY = 1e-6
BLENDED = 0.75  # half-way from 1 to what auto's blend needs on simulated regions (0.5 to 0.6): real labels are worse


@dataclass(frozen=True)
class Labelled:
    """Labels as arrays: where they are (m, 2) in metres, what they say (m,), and which feature each comes from (m,)."""

    metres: Array
    targets: Array
    groups: Array

    def dealt(self, folds: Folds) -> Labelled:
        """With what the folds dealt as one (a polygon, a block, a cluster of labels) as groups: one witness each."""
        return replace(self, groups=folds.places)


class Judge(ABC):
    """Scores out-of-fold answers (members, m, outputs), and turns answers into a map and its confidence."""

    score_name: str

    @abstractmethod
    def score(self, answers: Array, labels: Labelled, judged: Array) -> dict[str, Any]:
        """The score of the judged labels, its interval, as recorded."""

    @abstractmethod
    def better(self, ours: Array, theirs: Array, labels: Labelled, judged: Array) -> tuple[float, bool]:
        """By how much ours beats theirs, and whether the interval of the difference leaves 0 out."""

    @abstractmethod
    def loss(self, answers: Array, labels: Labelled, judged: Array) -> float:
        """What is small where the answers suit the judged labels: finer than the score, for a choice of smoothing."""

    @abstractmethod
    def amount(self, difference: float) -> str:
        """A difference of scores in words, to go before "better" or "worse"."""

    @abstractmethod
    def calibrated(self, answers: Array, labels: Labelled, folds: Folds) -> tuple[Judge, dict[str, Any]]:
        """This judge with a confidence learned from out-of-fold answers, and the record of it."""

    @abstractmethod
    def paint(self, answers: Array) -> tuple[Array, Array, Array | None]:
        """Answers (members, outputs, pixels) -> the map's values (pixels,), the confidence (pixels,), and the
        probabilities (classes, pixels) of classes."""

    @abstractmethod
    def findings(self, answers: Array, labels: Labelled, judged: Array) -> tuple[list[Any], list[list[int]]]:
        """Labels that look wrong, and the confusion matrix."""


def usual(answers: Array) -> float:
    """The temperature that answers (members, m, outputs) need elsewhere: a mean of several is never sure enough."""
    return BLENDED if len(answers) > 1 else 1.0


def log(answers: Array) -> Array:
    """Log-probabilities (m, classes) of the members' mean."""
    return np.log(np.clip(answers.mean(0), TINY, None))


@dataclass(frozen=True)
class ClassJudge(Judge):
    """Classes: balanced accuracy; a temperature and class shares on the averaged probabilities.

    prior  (classes,) shares of the classes in the scene that confidence and map are for; equal by default
    """

    names: Sequence[str]
    calibration: Calibration = field(default_factory=Calibration)
    prior: Array | None = None
    score_name = "balanced_accuracy"

    def score(self, answers: Array, labels: Labelled, judged: Array) -> dict[str, Any]:
        right = answers.mean(0).argmax(1) == labels.targets
        found = balanced_accuracy_interval(labels.targets[judged], right[judged], labels.groups[judged])
        return {"balanced_accuracy": plain(found.mean), "low": plain(found.low), "high": plain(found.high)}

    def better(self, ours: Array, theirs: Array, labels: Labelled, judged: Array) -> tuple[float, bool]:
        mine, other = ((a.mean(0).argmax(1) == labels.targets)[judged] for a in (ours, theirs))
        found = balanced_difference_interval(labels.targets[judged], mine, other, labels.groups[judged])
        return found.mean, found.low is not None and found.low > 0

    def loss(self, answers: Array, labels: Labelled, judged: Array) -> float:
        """The negative log-likelihood after calibration, every class with the same weight."""
        scores, targets = log(answers)[judged], labels.targets[judged]
        found = fit_calibration(scores, targets, labels.groups[judged], usual(answers)).apply(scores)
        return float(-class_weights(targets) @ found[np.arange(len(targets)), targets])

    def amount(self, difference: float) -> str:
        return f"balanced accuracy is {100 * difference:.0f} points"

    def calibrated(self, answers: Array, labels: Labelled, folds: Folds) -> tuple[ClassJudge, dict[str, Any]]:
        judged = folds.judged
        scores, targets, groups = log(answers)[judged], labels.targets[judged], labels.groups[judged]
        calibration = fit_calibration(scores, targets, groups, usual(answers))
        crossed = cross_calibrated(scores, targets, folds.fold[judged], groups, usual(answers))
        record = {
            "temperature": calibration.temperature,
            "ece_before": self._error(log_softmax(scores, axis=1), targets),
            "ece_after": self._error(crossed, targets),
            "reliability": {"before": bins(scores, targets), "after": bins(crossed, targets)},
        }
        return ClassJudge(self.names, calibration, self.prior), record

    def _error(self, scores: Array, targets: Array) -> float | None:
        if not len(targets):
            return None
        sure, right = np.exp(scores).max(1), scores.argmax(1) == targets
        return float(ece(sure, right, class_weights(targets)))

    def probabilities(self, answers: Array) -> Array:
        """(members, classes, pixels) -> calibrated probabilities (classes, pixels) for the scene's class shares."""
        scores = self.calibration.apply(np.log(np.clip(answers.mean(0), TINY, None)), axis=0)
        if self.prior is not None:
            scores = adjust_prior(scores.T, np.full(len(self.prior), 1 / len(self.prior)), self.prior).T
        return np.exp(scores)

    def paint(self, answers: Array) -> tuple[Array, Array, Array]:
        found = self.probabilities(answers)
        sure, which = torch.from_numpy(found).max(0)
        return which.numpy() + 1, sure.numpy(), found

    def findings(self, answers: Array, labels: Labelled, judged: Array) -> tuple[list[Any], list[list[int]]]:
        scores = self.calibration.apply(log(answers))
        table = confusion(labels.targets[judged], scores[judged].argmax(1), len(self.names))
        return suspicious_labels(scores, labels.targets, labels.groups, judged), table.astype(int).tolist()


@dataclass(frozen=True)
class QuantityJudge(Judge):
    """A quantity: root mean squared error; confidence is the probability of an error no larger than that.

    The model's own deviation of an answer is that of its members, on top of a floor.
    floor  in the quantity's unit
    unit   for sentences
    """

    floor: float
    calibration: QuantityCalibration = field(default_factory=lambda: QuantityCalibration(1.0, 1.0, 1.0))
    unit: str = ""
    score_name = "rmse"

    def spread(self, answers: Array) -> Array:
        return np.sqrt(answers[:, :, 0].var(0) + self.floor**2)

    def score(self, answers: Array, labels: Labelled, judged: Array) -> dict[str, Any]:
        predicted, targets = answers.mean(0)[judged, 0], labels.targets[judged]
        found = rmse_interval(targets, predicted, labels.groups[judged])
        share = plain(r2(targets, predicted)) if len(targets) > 1 else None
        return {"rmse": plain(found.mean), "low": plain(found.low), "high": plain(found.high), "r2": share}

    def better(self, ours: Array, theirs: Array, labels: Labelled, judged: Array) -> tuple[float, bool]:
        errors = [np.abs(a.mean(0)[judged, 0] - labels.targets[judged]) for a in (ours, theirs)]
        gain = np.square(errors[1]) - np.square(errors[0])
        place = np.unique(labels.groups[judged], return_inverse=True)[1]
        gain = np.bincount(place, gain) / np.bincount(place)  # labels of one place are one witness
        error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 4 else np.inf
        drop = float(np.sqrt(np.square(errors[1]).mean()) - np.sqrt(np.square(errors[0]).mean()))
        return drop, bool(gain.mean() > 2 * error)

    def loss(self, answers: Array, labels: Labelled, judged: Array) -> float:
        return float(np.square(answers.mean(0)[judged, 0] - labels.targets[judged]).mean())

    def amount(self, difference: float) -> str:
        return f"typical error is {difference:.3g} {self.unit}".rstrip()

    def calibrated(self, answers: Array, labels: Labelled, folds: Folds) -> tuple[QuantityJudge, dict[str, Any]]:
        judged = folds.judged
        predicted, spread = answers.mean(0)[judged, 0], self.spread(answers)[judged]
        calibration = fit_quantity_calibration(predicted, labels.targets[judged], spread, labels.groups[judged])
        record = {"scale": calibration.scale, "tolerance": calibration.tolerance}
        return replace(self, calibration=calibration), record

    def paint(self, answers: Array) -> tuple[Array, Array, None]:
        table = answers.transpose(0, 2, 1)
        sure = self.calibration.confidence(self.spread(table))
        return table.mean(0)[:, 0], sure, None

    def findings(self, answers: Array, labels: Labelled, judged: Array) -> tuple[list[Any], list[list[int]]]:
        return suspicious_values(answers.mean(0)[:, 0], labels.targets, labels.groups, judged), []


def judge_of(problem: Problem, targets: Array) -> Judge:
    """The judge of a problem, before it has learned how sure to be."""
    if isinstance(problem, Classes):
        return ClassJudge(problem.names)
    unit = problem.unit if isinstance(problem, Quantity) else ""
    return QuantityJudge(floor=0.3 * float(np.std(targets)) or 1e-6, unit=unit)


def plain(value: float | None) -> float | None:
    """A number for JSON: None instead of NaN."""
    return None if value is None or not np.isfinite(value) else float(value)


def bins(scores: Array, targets: Array, most: int = 10) -> list[tuple[float, float, int]]:
    """Stated confidence, share right and count of labels, in bins of equal mass."""
    if len(targets) < 20:
        return []
    chances = np.exp(log_softmax(scores, axis=1))
    sure, right = chances.max(1), chances.argmax(1) == targets
    parts = np.array_split(np.argsort(sure, kind="stable"), min(most, len(targets) // 10))
    return [(float(sure[part].mean()), float(right[part].mean()), len(part)) for part in parts]
