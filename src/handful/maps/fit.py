"""Fitting the model of a map: see the labels, try the candidates, choose, calibrate, draw the line of trust."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..problem import Classes, Problem
from ..trust.applicability import fit_applicability, importance
from ..trust.calibration import estimate_prior
from ..trust.folds import Folds, block_folds, matched_folds, random_folds
from .auto import Candidate, Trial, augmented, candidates, choose, enough, out_of_fold, try_all, worth
from .fusion import Fusion, missing_share, way_of, with_others
from .grid import Grid
from .judge import ClassJudge, Judge, Labelled, judge_of
from .labels import Labels
from .lacking import read_by
from .look import Seen, encoders_of, look, look_without, places
from .members import Blend
from .model import Domain, MapModel, Smoothing, domain_key
from .scene import Scene
from .shift import glance, moments_of
from .sight import Sight
from .weights import check_bands, check_beside, check_plain, pretrained

MOST_LABELS = 4000  # rows that learners are fitted on; beyond, a seeded sample of each class
MOST_WINDOWS = 100  # rows for a learner that moves its encoder: each is a window that it computes at every step
MANY = 1000  # labels beyond which smoothing is validated at fewer places around each
SIGMAS = (0.0, 1.0, 2.0, 3.0)  # pixels; smoothings that are tried where there are labels enough to choose by
TOLD = 32  # features that the area of applicability compares
SAMPLE = 4000  # pixels of the scene for its statistics
PLACES = 1000  # pixels of the scene that distances to the labels are compared with
SPECTRUM = 3  # bands of known wavelength that make a spectrum
PRIOR_PIXELS = 300  # pixels of the scene that class shares are estimated from

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Choices:
    """What the user decides about a model.

    augment  changes by which copies of the labels' surroundings are made, `copies` of each; see handful.augment
    views    1, or over how many turned views of the scene answers are averaged
    """

    learner: str = "auto"
    seed: int = 0
    prior: str = "equal"
    weights: str | Path | None = None
    fusion: str = "auto"
    augment: tuple[str, ...] = ()
    copies: int = 4
    views: int = 1


@dataclass(frozen=True)
class Fitted:
    """A model, the labels that it was fitted on, and what was found on the way (in the terms of run.json)."""

    model: MapModel
    labels: Labels
    record: dict[str, Any]


def fit_map(scene: Scene, labels: Labels, choices: Choices, progress: Progress | None = None) -> Fitted:
    """Fit the model of a map on labels. Raises LabelsError where too few of them can be used."""
    tell = progress or (lambda stage, done, total: None)
    _, rows, columns = scene.sample(SAMPLE, choices.seed)
    sight = scene.sight(SAMPLE, choices.seed)
    tried = candidates_for(scene, labels.problem, choices)
    labels, seen = see(scene.everywhere(), sight, labels, tried, choices, tell)
    located = Labelled(scene.grid.metres(labels.rows, labels.columns), labels.targets, labels.groups)
    far = scene.grid.metres(rows[:PLACES], columns[:PLACES])
    judge = judge_of(labels.problem, labels.targets)
    folds = all_folds(located, far, labels.problem, choices.seed)
    sigmas: tuple[float, ...] = SIGMAS if enough(labels.targets, folds["matched"]) else (Smoothing.sigma,)
    if seen.windows is not None:  # seen at the labels alone
        folds, sigmas = {"matched": folds["matched"]}, (0.0,)
    compared = lambda done, total: tell("comparing models", done, total)  # noqa: E731
    trials, sigma = try_all(tried, seen, folds["matched"], located, labels.problem, judge, sigmas, compared)
    chosen, why = choose(trials, located, folds["matched"], judge)
    judge, calibration = judge.calibrated(chosen.answers, located.dealt(folds["matched"]), folds["matched"])
    learners = [member.learner for member in chosen.candidate.members]
    seen = look_without(seen, scene.everywhere(), sight, learners, labels.rows, labels.columns, every=True)
    blend = Blend.fit(chosen.candidate.members, seen, np.arange(len(seen)), labels.targets, labels.problem)
    domain = domain_of(blend, seen, labels.targets, folds["matched"], choices.seed)
    smoothing = Smoothing(sigma)
    way, read = way_of(chosen.candidate), {name for learner in learners for name in read_by(learner)}
    sight = replace(sight, others=tuple(other for other in sight.others if other[0] in read))
    model = MapModel(labels.problem, blend, judge, smoothing, domain, sight, seen, labels.targets)
    own = scene.only(sight.names)
    model = replace(model, moments=moments_of(glance(own, sight, learners, choices.seed)))
    model = with_prior(model, own, labels, choices, rows, columns)
    record = findings(trials, chosen, why, folds, seen, located, labels, judge, scene.grid, sigma)
    record |= {"calibration": calibration, "applicability": share(domain)}
    return Fitted(model, labels, record | {"fusion": way, "missing": missing_share(scene, SAMPLE, choices.seed)})


def candidates_for(scene: Scene, problem: Problem, choices: Choices) -> list[Candidate]:
    def learner(name: str) -> Any:
        found = pretrained(name, problem.outputs, choices.seed, choices.weights)
        check_bands(found, len(scene.bands), choices.weights)
        check_beside(found, [other.name for other in scene.others], choices.weights)
        return found

    waves = scene.wavelengths[np.isfinite(scene.wavelengths)]
    alone = candidates(choices.learner, learner, problem, spectrum=len(waves) >= SPECTRUM)
    alone = augmented(alone, tuple(choices.augment), copies=choices.copies, views=choices.views)
    check_plain(scene, [member.learner for candidate in alone for member in candidate.members])
    return with_others(alone, Fusion.of(scene, choices.fusion))


def see(
    scene: Scene, sight: Sight, labels: Labels, tried: list[Candidate], choices: Choices, tell: Progress
) -> tuple[Labels, Seen]:
    """The labels that lie on valid pixels (a sample where there are too many), and what is seen there."""
    learners = [member.learner for candidate in tried for member in candidate.members]
    moving = [int(x.net.encoder.reach) for x in learners if x.moves_encoder]  # type: ignore[arg-type]
    labels = thinned(labels, choices.seed, MOST_WINDOWS if moving else MOST_LABELS)
    around = places(0 if moving else Smoothing.reach, 2 if len(labels.rows) <= MANY else 3)
    seen = look(
        scene,
        sight,
        encoders_of(learners),
        labels.rows,
        labels.columns,
        around,
        max(moving) if moving else None,
        lambda done, total: tell("reading labels", done, total),
    )
    good = seen.valid[:, seen.middle].numpy()
    kept = labels.keep(good)
    kept.require_enough()
    seen = seen.pick(np.flatnonzero(good))
    return kept, look_without(seen, scene, sight, learners, kept.rows, kept.columns)


def thinned(labels: Labels, seed: int, most: int) -> Labels:
    """At most so many labels: a seeded sample that takes as many of each class as there are, or its share."""
    if len(labels.rows) <= most:
        return labels
    rng = np.random.default_rng(seed)
    strata = labels.targets if isinstance(labels.problem, Classes) else np.zeros(len(labels.rows), int)
    order = rng.permutation(len(strata))
    rank = np.empty(len(strata), int)  # a label's place within its class, in random order
    for stratum in np.unique(strata):
        members = order[strata[order] == stratum]
        rank[members] = np.arange(len(members))
    kept = np.zeros(len(strata), bool)
    kept[np.lexsort((order, rank))[:most]] = True
    return labels.keep(kept, f"beyond the {most:,} that this learner is fitted on")


def all_folds(labels: Labelled, far: np.ndarray, problem: Problem, seed: int) -> dict[str, Folds]:
    names = problem.names if isinstance(problem, Classes) else ()
    where, what, groups = labels.metres, labels.targets, labels.groups
    return {
        "matched": matched_folds(where, what, groups, far, seed=seed, names=names),
        "block": block_folds(where, what, groups, seed=seed, map_metres=far, names=names),
        "random": random_folds(what, groups, seed=seed, metres=where, map_metres=far, names=names),
    }


def domain_of(blend: Blend, seen: Seen, targets: np.ndarray, folds: Folds, seed: int) -> Domain | None:
    """The area of applicability, in the features that tell most about the labels."""
    key = domain_key([member.learner for member in blend.members])
    if key is None:
        return None
    table = seen.tables[key][:, seen.middle].numpy()
    weights = importance(table, targets)
    columns = np.sort(np.argsort(-weights, kind="stable")[:TOLD])
    area = fit_applicability(table[:, columns], folds.fold, weights[columns], seed=seed)
    return Domain(key, columns, area)


def share(domain: Domain | None) -> dict[str, Any]:
    return {"threshold": None if domain is None else domain.area.threshold, "share_inside": None}


def with_prior(
    model: MapModel, scene: Scene, labels: Labels, choices: Choices, rows: np.ndarray, columns: np.ndarray
) -> MapModel:
    """The model for the class shares that the user wants: equal, those of the labels, or estimated from the scene."""
    judge = model.judge
    if not isinstance(judge, ClassJudge) or choices.prior == "equal":
        return model
    if choices.prior == "labels":
        prior = np.bincount(labels.targets, minlength=len(judge.names)) / len(labels.targets)
    else:
        blend, count = model.blend, min(PRIOR_PIXELS, len(rows))
        learners = [member.learner for member in blend.members]
        moving = [int(x.net.encoder.reach) for x in learners if x.moves_encoder]  # type: ignore[arg-type]
        encoders = encoders_of(learners)
        some = np.random.default_rng(choices.seed).choice(len(rows), count, replace=False)
        around, reach = places(model.smoothing.margin, 2), max(moving) if moving else None
        seen = look(scene, model.sight, encoders, rows[some], columns[some], around, reach)
        answers = blend.judge(seen, np.arange(count), [model.smoothing.sigma])[:, 0].transpose(0, 2, 1)
        equal = np.full(len(judge.names), 1 / len(judge.names))
        prior = estimate_prior(np.log(np.clip(judge.probabilities(answers).T, 1e-9, None)), equal)
    return replace(model, judge=replace(judge, prior=prior))


def findings(
    trials: list[Trial],
    chosen: Trial,
    why: str,
    folds: dict[str, Folds],
    seen: Seen,
    located: Labelled,
    labels: Labels,
    judge: Judge,
    grid: Grid,
    sigma: float,
) -> dict[str, Any]:
    """What the labels say of the chosen model and of the others, as run.json records it."""
    members = chosen.candidate.members
    validation = {}
    for kind, fold in folds.items():
        if fold.judged.any():
            answers = chosen.answers
            if kind != "matched":
                answers = out_of_fold(members, seen, fold, labels.targets, labels.problem, [sigma])[:, 0]
            validation[kind] = validated(answers, located, fold, judge)
    judged = folds["matched"].judged
    odd, table = judge.findings(chosen.answers, located, judged)
    return {
        "chosen": {
            "name": chosen.candidate.name,
            "members": [m.name for m in members],
            "why": why,
            "smoothing_pixels": sigma,
        },
        "candidates": [
            {"name": t.candidate.name, "role": "rival" if t.candidate.rival else "candidate", **t.score} for t in trials
        ],
        "worth": worth(chosen, trials, located, folds["matched"], judge),
        "validation": validation,
        "confusion": table,
        "cannot_judge": list(folds["matched"].cannot_judge),
        "suspicious": [suspect(o, labels, grid) for o in odd],
        "observed": None if table else [located.targets[judged].tolist(), chosen.answers.mean(0)[judged, 0].tolist()],
    }


def validated(answers: np.ndarray, located: Labelled, folds: Folds, judge: Judge) -> dict[str, Any]:
    """The score of out-of-fold answers, and how far the judged labels lie from those that were trained on."""
    away = folds.median_distance_m
    score = judge.score(answers, located.dealt(folds), folds.judged)
    return score | {"median_distance_m": away if np.isfinite(away) else None, "folds": len(folds)}


def suspect(odd: Any, labels: Labels, grid: Grid) -> dict[str, Any]:
    row, column = int(labels.rows[odd.row]), int(labels.columns[odd.row])
    x, y = grid.xy(np.array([row]), np.array([column]))[0]
    names = labels.problem.names if isinstance(labels.problem, Classes) else None
    said = [names[int(v)] if names else float(v) for v in (odd.label, odd.predicted)]
    sure = {"probability": odd.probability} if names else {"probability": None, "deviations": odd.probability}
    return {
        "x": float(x),
        "y": float(y),
        "row": row,
        "column": column,
        "label": said[0],
        "predicted": said[1],
        **sure,
    }
