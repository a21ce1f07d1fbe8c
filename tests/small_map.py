"""A small fitted model of a map, for tests of all that surrounds it: quick learners on a scene in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import scenes

from handful.learners import make
from handful.maps.fit import domain_of
from handful.maps.grid import Window
from handful.maps.judge import ClassJudge, Judge, QuantityJudge
from handful.maps.look import Seen, encoders_of, look, places
from handful.maps.members import Blend, Member
from handful.maps.model import MapModel, Smoothing
from handful.maps.sight import Sight
from handful.problem import Classes, Problem, Quantity
from handful.trust.folds import Folds, random_folds

WAVES = np.array([443, 490, 560, 665, 705, 740, 783, 842, 865, 945, 1610, 2190], np.float32)
NAMES = tuple(scenes.CLASSES)


@dataclass(frozen=True)
class Memory:
    """A scene in memory: values (bands, height, width); mirrored beyond its edges, as a scene on disk."""

    values: np.ndarray
    valid: np.ndarray

    def read(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        rows, columns = (np.arange(start, start + size) for start, size in (window[::2], window[1::2]))
        height, width = self.valid.shape
        inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
        rows, columns = mirrored(rows, height), mirrored(columns, width)
        values = self.values[:, rows[:, None], columns]
        valid = self.valid[rows[:, None], columns]
        return np.where(valid, values, np.nan).astype(np.float32), valid & inside


def mirrored(places: np.ndarray, size: int) -> np.ndarray:
    return np.pad(np.arange(size), 400, mode="symmetric")[places + 400]


@cache
def scene(height: int = 80, width: int = 96) -> Memory:
    """Fields, with a hole without data in the middle."""
    valid = np.ones((height, width), bool)
    valid[30:38, 40:52] = False
    return Memory(scenes.place(height, width).reflectance, valid)


@cache
def labels(shots: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and classes of labels on valid pixels."""
    truth = np.where(scene().valid, scenes.place().truth, -1)
    picked = [np.random.default_rng(c).choice(np.flatnonzero(truth == c), shots, False) for c in range(len(NAMES))]
    rows, columns = np.divmod(np.concatenate(picked), truth.shape[1])
    return rows, columns, truth[rows, columns].astype(np.int64)


@cache
def sight() -> Sight:
    sample = scene().values[:, scene().valid].T[::7]
    return Sight.of(WAVES, np.zeros(12, np.int64), sample)


@cache
def members() -> tuple[Member, ...]:
    small = {"width": 8, "blocks": 1, "kernel": 3, "windows": (3,)}
    return (
        Member("ridge", make("ridge", encoder="spectral", encoder_settings=small, outputs=4)),
        Member("logistic", make("logistic", encoder="context", encoder_settings={"windows": (3,)})),
        Member("trees", make("extra_trees", trees=10, encoder="context", encoder_settings={"windows": (3,)})),
    )


@cache
def seen(reach: int = 3) -> Seen:
    rows, columns, _ = labels()
    encoders = encoders_of([member.learner for member in members()])
    return look(scene(), sight(), encoders, rows, columns, places(reach, 1))


def problem_and_targets(kind: str) -> tuple[Problem, np.ndarray]:
    """Classes, or a quantity that follows them."""
    classes = labels()[2]
    if kind == "classes":
        return Classes(NAMES), classes
    return Quantity("cover", "%"), (20 * classes + 5 + np.arange(len(classes)) % 3).astype(np.float32)


def folds() -> Folds:
    targets = labels()[2]
    return random_folds(targets, np.arange(len(targets)), 3)


@cache
def model(kind: str = "classes", sigma: float = 1.0) -> MapModel:
    problem, targets = problem_and_targets(kind)
    blend = Blend.fit(members(), seen(), np.arange(len(targets)), targets, problem)
    judge: Judge = ClassJudge(NAMES) if kind == "classes" else QuantityJudge(floor=3.0)
    domain = domain_of(blend, seen(), targets, folds(), 0)
    return MapModel(problem, blend, judge, Smoothing(sigma, 3), domain, sight(), seen(), targets)
