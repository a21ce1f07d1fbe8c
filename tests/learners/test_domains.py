"""Learners across regions: aligned pools, adversaries and episodes do what their papers say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from handful.checkpoint import load, save
from handful.learner import Learner
from handful.learners import make
from handful.learners.episodic import Frozen
from handful.problem import Classes, Quantity
from handful.solvers.align import Moments, coral
from handful.task import Examples, Task

LAND = Classes(("water", "forest"))
WITHOUT = ["align_statistics", "coral", "dann"]


def place(seed: int, gain: float = 1.0, shift: float = 0.0, rows: int = 200) -> Examples:
    """Two classes that the sum of two features tells, under a light of its own."""
    draw = torch.Generator().manual_seed(seed)
    table = torch.randn(rows, 4, generator=draw)
    targets = (table[:, 0] + table[:, 1] > 0).long()
    table[:, 0] += 1.5 * (2 * targets - 1)
    return Examples(table * gain + shift, targets, LAND)


def gathered(name: str, **settings: object) -> Learner:
    return make(name, encoder="plain", weight=0, **settings).gather([place(0), place(1)])


def accuracy(learner: Learner, query: Examples) -> float:
    said = learner.adapt(query.part(torch.arange(6))).predict(query.inputs)
    return float((said == query.targets).float().mean())


@pytest.mark.parametrize("name", ["align_statistics", "coral"])
def test_what_sees_the_new_place_does_better_there_than_what_does_not(name: str) -> None:
    there = place(9, gain=0.4, shift=3.0)
    as_it_is = accuracy(gathered("pooled", estimator="logistic"), there)
    learner = gathered(name, estimator="logistic")
    assert learner.transductive and learner.reads_query
    assert accuracy(learner, there) > as_it_is + 0.2


def test_dann_leans_less_on_a_feature_by_which_places_differ() -> None:
    """Both features tell the class; the second, better, is shifted in the new place."""

    def shifted(seed: int, shift: float) -> Examples:
        rows, targets = torch.randn(300, 3, generator=torch.Generator().manual_seed(seed)), torch.arange(300) % 2
        sides = 2.0 * targets - 1
        rows[:, 0], rows[:, 1] = sides + 0.7 * rows[:, 0], 1.5 * sides + 0.5 * rows[:, 1] + shift
        return Examples(rows, targets, LAND)

    there, found = shifted(9, 2.0), {}
    for strength in (0.0, 1.0):
        learner = make("dann", encoder="plain", weight=0, strength=strength, steps=1000).gather([shifted(0, 0.0)])
        found[strength] = accuracy(learner, there)
    assert found[1.0] > found[0.0] + 0.02


def test_coral_is_logistic_regression_on_the_aligned_pool() -> None:
    learner, there = gathered("coral", estimator="logistic"), place(9, gain=0.4, shift=3.0)
    pool = learner.net.head
    rows = coral(Moments.of(pool.features), Moments.of(there.inputs))(pool.features)
    fitted = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, class_weight="balanced", max_iter=2000))
    fitted.fit(rows.double().numpy(), pool.targets.long().numpy())
    ours = learner.adapt(there.part(torch.arange(6))).outputs(there.inputs).mean.softmax(1)[:, 1]
    expected = torch.from_numpy(fitted.predict_proba(there.inputs.numpy())[:, 1]).clamp(1e-3, 1)
    assert torch.allclose(ours.double(), expected, atol=2e-3)


@pytest.mark.parametrize("name", WITHOUT)
def test_the_support_of_the_new_place_is_not_moved(name: str) -> None:
    """Labels of the query's own region tell what they told, whatever the others are like."""
    steps = {"steps": 50} if name == "dann" else {"estimator": "logistic"}
    learner = make(name, encoder="plain", weight=50, **steps).gather([place(0)])
    support, query = place(9, shift=5.0, rows=40), place(10, shift=5.0)
    assert float((learner.adapt(support).predict(query.inputs) == query.targets).float().mean()) > 0.85


def test_the_query_is_seen_without_its_labels_and_in_any_order() -> None:
    learner, there = gathered("coral", estimator="logistic"), place(9)
    support, order = there.part(torch.arange(6)), torch.randperm(200, generator=torch.Generator().manual_seed(0))
    first = learner.adapt(support).outputs(there.inputs).mean
    assert torch.allclose(learner.adapt(support).outputs(there.inputs[order]).mean, first[order], atol=1e-4)
    assert not torch.allclose(learner.adapt(support).outputs(there.inputs[:50]).mean, first[:50], atol=1e-4)


@pytest.mark.parametrize("name", WITHOUT)
def test_a_pool_of_quantities_is_aligned_and_saved(name: str, tmp_path: Path) -> None:
    numbers, draw = Quantity("moisture", "%"), torch.Generator().manual_seed(0)
    rows = torch.randn(80, 3, generator=draw)
    here = Examples(rows, 100 + 10 * rows[:, 0], numbers)
    settings = {} if name == "dann" else {"estimator": "logistic"}
    learner = make(name, encoder="plain", **settings).gather([here])
    query = rows * 2 + 1
    said = learner.adapt(here.part(torch.arange(5))).outputs(query).mean[:, 0]
    assert float(torch.corrcoef(torch.stack([said, rows[:, 0]]))[0, 1]) > 0.9 and 60 < float(said.mean()) < 140
    save(learner, name, tmp_path)
    again, _ = load(tmp_path)
    assert torch.equal(again.adapt(here.part(torch.arange(5))).outputs(query).mean[:, 0], said)


def episode(name: str = "Dakar") -> Task:
    draw = torch.Generator().manual_seed(3)
    sets = [Examples(torch.randn(8, 2, 6, 6, generator=draw), torch.arange(8) % 3, CLASSES) for _ in range(2)]
    return Task(*sets, name)


CLASSES = Classes(("a", "b", "c"))


def episodic(**settings: object) -> Learner:
    return make("episodic", encoder="conv4", encoder_settings={"bands": 2, "width": 5}, outputs=3, **settings)


def moved_by(learner: Learner, task: Task) -> set[str]:
    """Which parts have a gradient."""
    torch.manual_seed(0)
    learner.net.zero_grad()
    learner.net.train()
    learner.task_loss(task).backward()
    found = {n for n, w in learner.net.named_parameters() if w.grad is not None and bool(w.grad.abs().sum() > 0)}
    return {n.split(".")[0] if not n.startswith("head.own") else ".".join(n.split(".")[:4]) for n in found}


def test_a_task_trains_the_shared_net_and_its_own_domains_alone() -> None:
    learner, task = episodic(domains=3), episode()
    for place in (*range(3), 0):
        name = f"region {place}"
        expected = {"encoder", "head", f"head.own.{place}.encoder", f"head.own.{place}.head"}
        assert moved_by(learner, replace(task, name=name)) == expected
    assert learner.net.head.random.weight.grad is None


def test_weights_are_chosen_by_the_shared_nets_loss() -> None:
    learner, task = episodic(domains=3), episode()
    learner.net.eval()
    losses = {float(learner.task_loss(task)) for _ in range(5)}
    assert losses == {float(learner.supervised(task, learner.net))}


def test_each_loss_moves_the_half_that_it_is_for() -> None:
    task, learner = episode(), episodic(domains=2, of_random=0.0)
    plain = {"of_features": 0.0, "of_classifier": 0.0, "of_random": 0.0}

    def gradients(**settings: float) -> tuple[torch.Tensor, torch.Tensor]:
        found = episodic(domains=2, **{**plain, **settings})
        moved_by(found, task)
        return next(found.net.encoder.parameters()).grad, found.net.head.weight.grad

    base = gradients()
    for name, changes in (
        ("of_features", (True, False)),
        ("of_classifier", (False, True)),
        ("of_random", (True, False)),
    ):
        for mine, theirs, changed in zip(gradients(**{name: 1.0}), base, changes, strict=True):
            assert torch.allclose(mine, theirs, atol=1e-7) != changed
    assert learner.of_random == 0


def test_domains_begin_as_the_shared_encoder_and_frozen_statistics_stay() -> None:
    learner = episodic(domains=2)
    shared, first = learner.net.encoder.state_dict(), learner.net.head.own[0].encoder.state_dict()
    assert all(torch.equal(shared[name], first[name]) for name in shared)
    norm = torch.nn.BatchNorm1d(3).train()
    Frozen(norm)(torch.randn(9, 3) + 4)
    assert torch.equal(norm.running_mean, torch.zeros(3))


def test_it_answers_as_the_shared_net_does() -> None:
    learner, task = episodic(steps=0, new_head=False), episode()
    assert torch.equal(learner.adapt(task.support).outputs(task.query.inputs).mean, learner.net(task.query.inputs))
