"""Imagined examples: what they are before any training, and that learning to make them pays on classes never seen."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from handful.checkpoint import load, save
from handful.errors import SettingsError, TaskError
from handful.learner import Learner
from handful.learners import make
from handful.meta_train import Training, meta_train
from handful.problem import Classes
from handful.task import Examples, Task

WIDTH, WAYS = 8, 5
TABLE = {"encoder": "table", "encoder_settings": {"bands": WIDTH, "width": WIDTH}}
MODES = F.normalize(torch.randn(2, WIDTH, generator=torch.Generator().manual_seed(7)), dim=1)


@cache
def task(seed: int, shots: int = 1, queries: int = 10) -> Task:
    """New classes each time, all of which vary along the same two directions."""
    draw = torch.Generator().manual_seed(seed)
    means = torch.randn(WAYS, WIDTH, generator=draw)

    def rows(count: int) -> Examples:
        classes = torch.arange(WAYS).repeat(count)
        varied = 3 * torch.randn(len(classes), 2, generator=draw) @ MODES
        rest = 0.3 * torch.randn(len(classes), WIDTH, generator=draw)
        return Examples({"features": means[classes] + varied + rest}, classes, Classes(tuple("abcde")))

    return Task(rows(shots), rows(queries))


def accuracy(learner: Learner) -> float:
    tasks = [task(10**6 + number) for number in range(60)]
    right = [learner.adapt(t.support).predict(t.query.inputs) == t.query.targets for t in tasks]
    return float(torch.cat(right).float().mean())


@pytest.mark.parametrize("name", ["hallucinate", "hallucinate_analogy"])
@pytest.mark.parametrize("inner", ["protonet", "ridge", "matching"])
def test_trained_it_beats_the_learner_without_on_classes_never_seen(name: str, inner: str) -> None:
    """Both stand on the same features, in which nothing is learned."""
    without = accuracy(make(inner, **TABLE))
    learner = make(name, learner=inner, **TABLE)
    meta_train(learner, lambda step: [task(2 * step), task(2 * step + 1)], Training(steps=150, step_size=1e-2))
    assert accuracy(learner) > without + 0.08


def test_before_training_a_copy_is_the_row_itself() -> None:
    given = task(1, shots=3)
    found = make("hallucinate", imagined=4, **TABLE).adapt(given.support).outputs(given.query.inputs).mean
    wanted = make("protonet", **TABLE).adapt(given.support).outputs(given.query.inputs).mean
    assert torch.allclose(found, wanted, atol=1e-4)
    # five rows for each: a fifth of the penalty on each
    found = make("hallucinate", learner="ridge", imagined=4, **TABLE).adapt(given.support)
    wanted = make("ridge", penalty=0.2, **TABLE).adapt(given.support)
    assert torch.allclose(found.outputs(given.query.inputs).mean, wanted.outputs(given.query.inputs).mean, atol=1e-4)


def test_an_analogy_carries_the_difference_of_a_pair_over() -> None:
    learner, given = make("hallucinate_analogy", imagined=3, pairs=4, **TABLE), task(2)
    before, after = torch.randn(2, WIDTH)
    learner.net.head.note(torch.stack([before, after]), torch.tensor([1, 1]))
    shifted = replace(given.support, inputs={"features": given.support.inputs["features"] + 0.75 * (after - before)})
    found = learner.adapt(given.support).outputs(given.query.inputs).mean
    wanted = make("protonet", **TABLE).adapt(shifted).outputs(given.query.inputs).mean  # the mean of 1 row and 3 copies
    assert torch.allclose(found, wanted, atol=1e-4)


def test_pairs_are_of_one_class_and_the_last_are_kept() -> None:
    head = make("hallucinate_analogy", pairs=4, **TABLE).net.head
    rows = torch.arange(7.0)[:, None].expand(-1, WIDTH)
    head.note(rows, torch.tensor([0, 1, 0, 1, 2, 0, 1]))
    assert head.pairs[:, :, 0].tolist() == [[0, 2], [2, 5], [1, 3], [3, 6]] and int(head.noted) == 4
    head.note(rows[:2] + 10, torch.tensor([0, 0]))
    assert head.pairs[0, :, 0].tolist() == [10, 11] and head.pairs[1, :, 0].tolist() == [2, 5]


def test_pairs_are_noted_from_training_tasks_alone() -> None:
    learner = make("hallucinate_analogy", **TABLE)
    learner.task_loss(task(3))
    learner.adapt(task(3).support)
    assert int(learner.net.head.noted) == 0
    learner.net.train()
    learner.task_loss(task(3)).backward()
    assert int(learner.net.head.noted) == WAYS * 9


def test_a_checkpoint_keeps_what_was_noted_and_the_learner_within(tmp_path: Path) -> None:
    learner = make("hallucinate_analogy", learner="ridge", learner_settings={"penalty": 3.0}, imagined=2, **TABLE)
    learner.net.train()
    learner.task_loss(task(3))
    learner.net.eval()
    save(learner, "hallucinate", tmp_path)
    found, given = load(tmp_path)[0], task(5)
    assert found.settings() == learner.settings()
    said, wanted = (of.adapt(given.support).outputs(given.query.inputs).mean for of in (found, learner))
    assert torch.equal(said, wanted)


def test_the_gradient_through_imagined_rows_is_that_of_finite_differences() -> None:
    learner, given = make("hallucinate", learner="ridge", **TABLE), task(4)
    learner.net.double()
    sets = [
        replace(part, inputs={"features": part.inputs["features"].double()}) for part in (given.support, given.query)
    ]
    loss = lambda: learner.task_loss(Task(*sets))  # noqa: E731
    weight = learner.net.head.generator[-1].weight
    loss().backward()
    slope, step = weight.grad[2, 3].item(), 1e-5
    with torch.no_grad():
        weight[2, 3] += step
        more = loss()
        weight[2, 3] -= 2 * step
        less = loss()
    assert float((more - less) / (2 * step)) == pytest.approx(slope, rel=1e-5)


def test_learners_that_cannot_be_wrapped_are_refused() -> None:
    for name in ("logistic", "maml", "dkt", "simpleshot", "hallucinate_analogy"):
        with pytest.raises(SettingsError, match="give a learner that solves a table"):
            make("hallucinate", learner=name, **TABLE)
    with pytest.raises(SettingsError, match="no learner is called 'protonett'"):
        make("hallucinate", learner="protonett", **TABLE)
    with pytest.raises(SettingsError, match="no setting 'penalti'"):
        make("hallucinate", learner="ridge", learner_settings={"penalti": 1.0}, **TABLE)
    with pytest.raises(TaskError, match="has 2 columns"):
        make("hallucinate", learner="ridge", learner_settings={"prior_mean": True}, **TABLE).adapt(task(1).support)
