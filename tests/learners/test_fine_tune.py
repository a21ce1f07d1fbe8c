"""Fine-tuning stops early where left-out labels of the support say so, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import torch

from handful.learner import Learner
from handful.learners import make
from handful.problem import UNLABELLED, Classes
from handful.task import Examples

CLASSES, STEPS = Classes(("a", "b")), 40


def learner(**settings: object) -> Learner:
    encoder = {"encoder": "conv4", "encoder_settings": {"bands": 1, "width": 4}}
    return make("linear_probe", **encoder, steps=STEPS, step_size=0.1, **settings)


def table(right: bool, count: int = 20) -> Examples:
    """Features of two classes that lie apart, with the right labels, or with labels that have nothing to do with it."""
    draw = torch.Generator().manual_seed(0)
    truth = torch.arange(count) % 2
    features = torch.randn(count, 4, generator=draw) + 4 * truth[:, None]
    return Examples({"features": features}, truth if right else torch.arange(count) // 2 % 2, CLASSES)


def test_labels_without_noise_take_nearly_all_steps_and_random_ones_few() -> None:
    found = learner(stop_early=True)
    assert found.best_steps(table(right=True)) > STEPS // 2
    assert found.best_steps(table(right=False)) < STEPS // 4


def test_it_is_the_same_descent_cut_where_the_support_says() -> None:
    found, support = learner(stop_early=True), table(right=False)
    cut = replace(found, stop_early=False, steps=found.best_steps(support))
    asked = {"features": torch.randn(5, 4)}
    assert torch.equal(found.adapt(support).outputs(asked).mean, cut.adapt(support).outputs(asked).mean)


def test_examples_without_a_label_have_no_say() -> None:
    found, support = learner(stop_early=True), table(right=False)
    more = Examples({"features": torch.randn(3, 4)}, torch.full((3,), UNLABELLED), CLASSES)
    assert found.best_steps(support + more) == found.best_steps(support)


def test_all_steps_are_taken_unless_it_is_asked_for() -> None:
    assert learner().best_steps(table(right=False)) == STEPS


def test_all_steps_are_taken_where_a_class_has_one_label() -> None:
    support = table(right=False)
    others = (support.targets == 0).nonzero().flatten()[1:]
    lone = replace(support, targets=support.targets.index_fill(0, others, UNLABELLED))
    assert learner(stop_early=True).best_steps(lone) == STEPS
