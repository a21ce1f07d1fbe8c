"""Training across tasks makes a learner better than it was, than chance and than what can't learn from other tasks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from task_families import Directions, Family, Sides, Waves, answers, score, train

from handful.learner import Learner
from handful.learners import make
from handful.meta_train import Training

SLOW = pytest.mark.slow


@dataclass(frozen=True)
class Case:
    """A learner, what it is trained on, and the share of the way from chance to the best that it must come.

    alone  whether it must also do better than one who saw no other task
    """

    name: str
    family: Family
    share: float
    settings: dict[str, Any] = field(default_factory=dict)
    steps: int = 300
    tasks: int = 2
    step_size: float = 5e-3
    alone: bool = True

    def learner(self) -> Learner:
        wave = isinstance(self.family, Waves)
        encoder = {"bands": self.family.bands, "width": 32, "layers": 2 if wave else 1}
        known = {"level": (0.0, 1.0), "outputs": 1} if wave else {"outputs": self.family.ways}
        return make(self.name, encoder="table", encoder_settings=encoder, **known, **self.settings)

    def training(self) -> Training:
        return Training(steps=self.steps, tasks_per_step=self.tasks, step_size=self.step_size)


TWO, THREE = Directions(ways=2, noise=4, shots=2), Directions()
CASES = [
    Case("relation", Directions(ways=10), 0.75),
    Case("cnp", THREE, 0.7, steps=400, step_size=2e-3),
    Case("imaml", TWO, 0.8, {"steps": 5, "step_size": 0.1, "pull": 1.0}),
    Case("lstm_meta_learner", TWO, 0.7, {"steps": 5}, steps=200),
    Case("meteor", TWO, 0.7, {"steps": 10}, steps=200),
    Case("cavia", Waves(), 0.75, {"context": 8}, steps=400),
    pytest.param(Case("snail", TWO, 0.75, {"filters": 16, "length": 6}, steps=200, step_size=2e-3), marks=SLOW),
    pytest.param(Case("bayesian_maml", TWO, 0.75, {"particles": 3, "steps": 2}, steps=200), marks=SLOW),
    # in seconds it learns to bind a label to its row, not to leave out what is empty
    pytest.param(
        Case(
            "mann", Directions(ways=2, noise=0, shots=1, queries=20, far=4.0), 0.7,
            {"width": 32, "places": 8, "size": 16, "reads": 1}, steps=500, tasks=4, alone=False,
        ),
        marks=SLOW,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_training_across_tasks_makes_it_better(case: Case) -> None:
    learner, family = case.learner(), case.family
    before = score(answers(learner), family)
    train(learner, family, case.training())
    after, best, alone = score(answers(learner), family), score(family.best, family), score(family.alone, family)
    assert after > before + 0.1 and (after > alone + 0.05 or not case.alone)
    assert after - family.chance > case.share * (best - family.chance)


def test_timl_reads_what_the_task_is() -> None:
    """One label of each class doesn't tell the line; an equal that is trained alike, but told nothing, stays behind."""
    settings = {"information": 2, "sizes": (16,), "step_size": 0.1}
    found = []
    for family in (Sides(), Sides(told=False)):
        case = Case("timl", family, 0.0, settings, steps=200)
        learner = case.learner()
        before = score(answers(learner), family)
        train(learner, family, case.training())
        found.append(score(answers(learner), family))
    assert found[0] > 0.9 > found[1] and found[0] > max(before, score(Sides().alone, Sides())) + 0.1
