"""The choice of a learner for a scene: strong candidates and cheap rivals, judged on the user's own labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..augment import PIXELWISE, steps_of
from ..errors import SettingsError
from ..learner import Learner
from ..learners import make
from ..problem import Classes, Problem
from ..trust.dealing import is_quantity, quarters
from ..trust.folds import Folds
from .judge import Judge, Labelled
from .look import Seen
from .members import Blend, Member
from .weights import on_encoder_of, with_settings

WINDOWS = (3, 7, 15, 31)  # pixels; the fixed context that candidates without shipped weights see
FEW = 5  # labels a class (median) below which labels can't choose between candidates, and the default stands
DEFAULT = "blend"


@dataclass(frozen=True)
class Candidate:
    """Members whose answers are averaged, under one name; a rival is shown beside the map, never chosen."""

    name: str
    members: tuple[Member, ...]
    rival: bool = False


def candidates(name: str, pretrained: Callable[[str], Learner], problem: Problem, spectrum: bool) -> list[Candidate]:
    """What is tried for `--learner name`: the named learner alone, or for `auto` the strong ones and their blend.

    spectrum  whether the scene has bands of known wavelength, which the learned encoder reads
    """
    if name != "auto":
        return [Candidate(name, (Member(name, pretrained(name)),)), *rivals(problem)]
    context: dict[str, Any] = {"encoder": "context", "encoder_settings": {"windows": WINDOWS}}
    linear = "logistic regression" if isinstance(problem, Classes) else "linear regression"
    single = [
        Member("extra trees on context", make("extra_trees", trees=120, **context)),
        Member(f"{linear} on context", make("logistic", strength=10.0, standard=False, **context)),
    ]
    if spectrum:
        ridge = pretrained("ridge")
        logistic = on_encoder_of(ridge, "logistic", strength=100.0, standard=False)
        single += [
            Member("ridge on learned features", ridge),
            Member(f"{linear} on learned features", logistic),
        ]
    alone = [Candidate(member.name, (member,)) for member in single]
    return [Candidate(DEFAULT, tuple(single)), *alone, *rivals(problem)]


def augmented(tried: Sequence[Candidate], words: tuple[str, ...], copies: int, views: int) -> list[Candidate]:
    """The candidates with changed copies of what they saw, and answers averaged over views; rivals as people use them.

    Raises SettingsError where a word or a number doesn't fit, or a change isn't for maps.
    """
    other = [step.name for step in steps_of(words) if step.name not in PIXELWISE]
    if other:
        raise SettingsError(
            f"--augment {other[0]} is for whole images: on a map a label is a pixel, that must stay in sight of its "
            f"surroundings. Give some of {', '.join(PIXELWISE)}."
        )
    if not words and views == 1:
        return list(tried)
    found = {id(m): m for candidate in tried for m in candidate.members}
    for candidate in tried:
        if not candidate.rival:
            found |= {
                id(m): Member(m.name, with_settings(m.learner, m.name, augment=words, copies=copies, views=views))
                for m in candidate.members
                if found[id(m)] is m
            }
    return [Candidate(c.name, tuple(found[id(m)] for m in c.members), c.rival) for c in tried]


def rivals(problem: Problem) -> list[Candidate]:
    """What people use today: a random forest, and the nearest class mean, on the bands of the pixel alone."""
    forest = Member("random forest on bands", make("random_forest", encoder="plain"))
    found = [Candidate(forest.name, (forest,), rival=True)]
    if isinstance(problem, Classes):
        mean = Member("nearest mean on bands", make("nearest_mean", encoder="plain"))
        found.append(Candidate(mean.name, (mean,), rival=True))
    return found


@dataclass(frozen=True)
class Trial:
    """A candidate's out-of-fold answers (members, m, outputs) and its score."""

    candidate: Candidate
    answers: np.ndarray
    score: dict[str, Any]


def out_of_fold(
    members: Sequence[Member],
    seen: Seen,
    folds: Folds,
    targets: np.ndarray,
    problem: Problem,
    sigmas: Sequence[float],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> np.ndarray:
    """Answers (members, sigmas, m, outputs) at labels by models fitted without their fold; 0 where nothing judged."""
    found = np.zeros((len(members), len(sigmas), len(targets), problem.outputs))
    for number, (train, test) in enumerate(folds.splits()):
        if len(test):
            found[:, :, test] = Blend.fit(members, seen, train, targets, problem).judge(seen, test, sigmas)
        progress(number + 1, len(folds))
    return found


def try_all(
    tried: Sequence[Candidate],
    seen: Seen,
    folds: Folds,
    labels: Labelled,
    problem: Problem,
    judge: Judge,
    sigmas: Sequence[float],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[Trial], float]:
    """Every candidate under the same folds, and the smoothing that suits the first of them best.

    A rival is judged without smoothing, as people use it.
    """
    strong = unique(member for c in tried for member in c.members if not c.rival)
    cheap = unique(member for c in tried for member in c.members if c.rival)
    smooth = out_of_fold(strong, seen, folds, labels.targets, problem, sigmas, progress)
    bare = out_of_fold(cheap, seen.alone(), folds, labels.targets, problem, [0.0])
    labels = labels.dealt(folds)
    first = [strong.index(member) for member in tried[0].members]
    best = best_smoothing(smooth[first], labels, folds, judge) if len(sigmas) > 1 else 0
    trials = []
    for candidate in tried:
        pool, answers = (cheap, bare[:, 0]) if candidate.rival else (strong, smooth[:, best])
        stacked = answers[[pool.index(member) for member in candidate.members]]
        trials.append(Trial(candidate, stacked, judge.score(stacked, labels, folds.judged)))
    return trials, sigmas[best]


def unique(members: Iterable[Member]) -> list[Member]:
    """Each member once, in order."""
    return list({id(member): member for member in members}.values())


def best_smoothing(answers: np.ndarray, labels: Labelled, folds: Folds, judge: Judge) -> int:
    """Which sigma of (members, sigmas, m, outputs) answers the labels best, once calibrated."""
    return int(np.argmin([judge.loss(answers[:, i], labels, folds.judged) for i in range(answers.shape[1])]))


def choose(trials: Sequence[Trial], labels: Labelled, folds: Folds, judge: Judge) -> tuple[Trial, str]:
    """The trial to map with, and why: the default, unless another is better beyond doubt on these labels."""
    labels = labels.dealt(folds)
    contest = [trial for trial in trials if not trial.candidate.rival]
    default = contest[0]
    if len(contest) == 1:
        return default, "chosen by the user"
    if not enough(labels.targets, folds):
        return default, f"too few labels to choose by; {called(default)} is the default"
    gains = [(judge.better(trial.answers, default.answers, labels, folds.judged), trial) for trial in contest[1:]]
    surely = [(gain, trial) for (gain, sure), trial in gains if sure]
    if surely:
        return max(surely, key=lambda pair: pair[0])[1], f"better than {called(default)} beyond doubt on these labels"
    return default, "no other candidate is better beyond doubt on these labels"


def called(trial: Trial) -> str:
    """The default in a sentence."""
    return "the blend" if trial.candidate.name == DEFAULT else trial.candidate.name


def enough(targets: np.ndarray, folds: Folds) -> bool:
    """Whether labels can choose between models: FEW judged ones a class (or quarter of the values), in the median."""
    judged = targets[folds.judged]
    strata = quarters(judged) if len(judged) and is_quantity(judged) else judged
    counts = np.unique(strata, return_counts=True)[1]
    return bool(len(counts) and np.median(counts) >= FEW)


def worth(chosen: Trial, trials: Sequence[Trial], labels: Labelled, folds: Folds, judge: Judge) -> str:
    """A sentence: was the better model worth it, against the best cheap rival?"""
    labels = labels.dealt(folds)
    cheap = [trial for trial in trials if trial.candidate.rival]
    if not folds.judged.any() or not cheap:
        return "With so few labels nobody can say whether the better model was worth it."
    best = max(cheap, key=lambda trial: judge.better(trial.answers, cheap[0].answers, labels, folds.judged)[0])
    gain, sure = judge.better(chosen.answers, best.answers, labels, folds.judged)
    _, surely_lost = judge.better(best.answers, chosen.answers, labels, folds.judged)
    side = "better" if gain >= 0 else "worse"
    compared = f"its {judge.amount(abs(gain))} {side} than that of the best simple rival ({best.candidate.name})"
    if sure:
        return f"The better model was worth it: {compared}, more than chance would give."
    if surely_lost:
        return f"The better model was not worth it here: {compared}."
    return f"It isn't sure that the better model was worth it: {compared}, maybe by chance."
