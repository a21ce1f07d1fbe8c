"""The choice of a learner for a scene: strong candidates and cheap rivals, judged on the user's own labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..learner import Learner
from ..learners import make
from ..problem import Classes, Problem
from ..trust.folds import Folds
from .judge import Judge, Labelled
from .look import Seen
from .members import Blend, Member

WINDOWS = (3, 7, 15, 31)  # pixels; the fixed context that candidates without shipped weights see
FEW = 5  # labels a class (median) below which labels can't choose between candidates, and the default stands
DEFAULT = "blend"


@dataclass(frozen=True)
class Candidate:
    """Members whose answers are averaged, under one name; a rival is shown beside the map, never chosen."""

    name: str
    members: tuple[Member, ...]
    rival: bool = False


def candidates(name: str, pretrained: Callable[[str], Learner], problem: Problem) -> list[Candidate]:
    """What is tried for `--learner name`: the named learner alone, or for `auto` the strong ones and their blend."""
    if name != "auto":
        return [Candidate(name, (Member(name, pretrained(name)),)), *rivals(problem)]
    context: dict[str, Any] = {"encoder": "context", "encoder_settings": {"windows": WINDOWS}}
    single = [
        Member("extra_trees", make("extra_trees", trees=200, **context)),
        Member("logistic", make("logistic", **context)),
        Member("ridge", pretrained("ridge")),
    ]
    alone = [Candidate(member.name, (member,)) for member in single]
    return [Candidate(DEFAULT, tuple(single)), *alone, *rivals(problem)]


def rivals(problem: Problem) -> list[Candidate]:
    """What people use today: a random forest, and the nearest class mean, on the bands of the pixel alone."""
    found = [Candidate("random forest on bands", (Member("random_forest", make("random_forest", encoder="plain")),), True)]
    if isinstance(problem, Classes):
        mean = Member("nearest_mean", make("nearest_mean", encoder="plain"))
        found.append(Candidate("nearest mean on bands", (mean,), True))
    return found


@dataclass(frozen=True)
class Trial:
    """A candidate's out-of-fold answers (members, m, outputs) and its score."""

    candidate: Candidate
    answers: np.ndarray
    score: dict[str, Any]


def out_of_fold(
    members: Sequence[Member], seen: Seen, folds: Folds, targets: np.ndarray, problem: Problem
) -> dict[int, np.ndarray]:
    """Each member's answers (m, outputs) at labels by a model fitted without their fold; 0 where nothing judged."""
    found = {id(member): np.zeros((len(targets), problem.outputs)) for member in members}
    for train, test in folds.splits():
        if not len(test):
            continue
        blend = Blend.fit(members, seen, train, targets, problem)
        for member, answers in zip(members, blend.judge(seen, test), strict=True):
            found[id(member)][test] = answers
    return found


def try_all(
    tried: Sequence[Candidate], seen: Seen, folds: Folds, labels: Labelled, problem: Problem, judge: Judge
) -> list[Trial]:
    """Every candidate under the same folds; a rival is judged without smoothing, as people use it."""
    members = {id(m): m for c in tried for m in c.members if not c.rival}
    bare = {id(m): m for c in tried for m in c.members if c.rival}
    answers = out_of_fold(list(members.values()), seen, folds, labels.targets, problem)
    answers |= out_of_fold(list(bare.values()), seen.alone(), folds, labels.targets, problem)
    trials, labels = [], labels.dealt(folds)
    for candidate in tried:
        stacked = np.stack([answers[id(member)] for member in candidate.members])
        trials.append(Trial(candidate, stacked, judge.score(stacked, labels, folds.judged)))
    return trials


def choose(trials: Sequence[Trial], labels: Labelled, folds: Folds, judge: Judge) -> tuple[Trial, str]:
    """The trial to map with, and why: the default, unless another is better beyond doubt on these labels."""
    labels = labels.dealt(folds)
    contest = [trial for trial in trials if not trial.candidate.rival]
    default = contest[0]
    if len(contest) == 1:
        return default, "chosen by the user"
    counts = np.unique(labels.targets[folds.judged], return_counts=True)[1]
    if not len(counts) or np.median(counts) < FEW:
        return default, "too few labels to choose by; the blend is the default"
    gains = [(judge.better(trial.answers, default.answers, labels, folds.judged), trial) for trial in contest[1:]]
    surely = [(gain, trial) for (gain, sure), trial in gains if sure]
    if surely:
        return max(surely, key=lambda pair: pair[0])[1], "better than the blend beyond doubt on these labels"
    return default, "no single candidate is better beyond doubt on these labels"


def worth(chosen: Trial, trials: Sequence[Trial], labels: Labelled, folds: Folds, judge: Judge) -> str:
    """A sentence: was the better model worth it, against the best cheap rival?"""
    labels = labels.dealt(folds)
    cheap = [trial for trial in trials if trial.candidate.rival]
    if not folds.judged.any() or not cheap:
        return "With so few labels nobody can say whether the better model was worth it."
    best = max(cheap, key=lambda trial: judge.better(trial.answers, cheap[0].answers, labels, folds.judged)[0])
    gain, sure = judge.better(chosen.answers, best.answers, labels, folds.judged)
    lost, surely_lost = judge.better(best.answers, chosen.answers, labels, folds.judged)
    amount = judge.amount(abs(gain))
    name = best.candidate.name
    if sure:
        return f"The better model was worth it: {amount} better than a {name}, more than chance would give."
    if surely_lost:
        return f"The better model was not worth it here: a {name} is {amount} better."
    side = "better" if gain >= 0 else "worse"
    return f"The better model is {amount} {side} than a {name}, which on so few labels may be chance."
