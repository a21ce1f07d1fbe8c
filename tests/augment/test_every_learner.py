"""Every learner adapts to copies and answers views; no learner is skipped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from conventions import every_learner, examples, small

from handful.augment.ahead import multiplied
from handful.augment.moves import TURNS
from handful.bench.entries import Entry, check_turns
from handful.errors import SettingsError, TaskError
from handful.task import Examples, Task


@every_learner
@pytest.mark.parametrize("kind", ["classes of images", "quantity of pixels"])
def test_copies_and_views_suit_every_learner(name: str, kind: str) -> None:
    learner, query = replace(small(name, kind), augment=("turns", "light"), copies=1, views=4), examples(kind, seed=1)
    try:
        predictor = learner.adapt(examples(kind))
    except TaskError as refusal:
        assert kind.split()[0] in str(refusal)
        return
    said = predictor.outputs(query.inputs).mean
    assert len(said) == len(query.targets) and said.shape[2:] == query.targets.shape[1:] and bool(said.isfinite().all())
    if not learner.transductive:
        turned = predictor.outputs(TURNS[1](query.inputs)).mean
        assert torch.equal(turned, TURNS[1](said) if said.dim() > 2 else said)


@pytest.mark.parametrize("name", ["maml", "reptile", "imaml", "bayesian_maml", "cavia", "protonet", "cnp"])
def test_copies_are_learned_from_as_they_are_adapted_to(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, sizes = "classes of images", []
    learner = replace(small(name, kind), augment=("turns",), copies=2)

    def counted(support: Examples, *rest: Any) -> Examples:
        sizes.append(len(support))
        return multiplied(support, *rest)

    monkeypatch.setattr("handful.learner.multiplied", counted)
    learner.net.train()
    learner.task_loss(Task(examples(kind), examples(kind, seed=1)))
    assert sizes == [len(examples(kind))]


def test_a_learner_that_turns_what_must_not_be_turned_is_refused() -> None:
    for settings, tune in (
        ({"augment": ["turns"]}, {}),
        ({"views": 8}, {}),
        ({}, {"views": [1, 4]}),
        ({}, {"augment": [["light"], ["turns", "light"]]}),
    ):
        check_turns(Entry("ridge", "mine", settings, tune), turns=True)
        with pytest.raises(SettingsError, match="learner 'mine' turns images"):
            check_turns(Entry("ridge", "mine", settings, tune), turns=False)
    check_turns(Entry("ridge", "mine", {"augment": ["light"]}), turns=False)
