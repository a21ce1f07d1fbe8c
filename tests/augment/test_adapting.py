"""Learners with copies of their support, and with answers averaged over views."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from handful.augment.moves import TURNS
from handful.bench.judge import encoded
from handful.data.sampling import Sampling
from handful.errors import SettingsError, TaskError
from handful.learner import Learner
from handful.learners import make
from handful.problem import Classes, Quantity
from handful.region import Region
from handful.task import Examples, Task

DENSE = {"encoder": "dense", "encoder_settings": {"bands": 3, "width": 5, "blocks": 1, "windows": (3,)}}
CONV = {"encoder": "conv4", "encoder_settings": {"bands": 3, "width": 5}}
PROBLEMS = {"classes": Classes(("x", "y")), "quantity": Quantity("moisture")}


def images(kind: str = "classes", n: int = 6, side: int = 20, seed: int = 0) -> Examples:
    inputs = torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(seed))
    targets = torch.arange(n) % 2
    return Examples(inputs, targets if kind == "classes" else targets * 3.0 + torch.arange(n), PROBLEMS[kind])


def pixels(kind: str = "classes") -> Examples:
    found = images(kind, n=2, side=12)
    targets = (found.inputs[:, 0] > 0.5).long() if kind == "classes" else found.inputs[:, 0] * 9
    return replace(found, targets=targets)


@pytest.mark.parametrize("kind", ["classes", "quantity"])
@pytest.mark.parametrize("views", [4, 8])
def test_turning_the_input_turns_the_answer_exactly(kind: str, views: int) -> None:
    predictor = make("ridge", views=views, **DENSE).adapt(pixels(kind))
    inputs = images(seed=1, n=2, side=11).inputs
    said = predictor.outputs(inputs).mean
    for turn in TURNS[:views]:
        assert torch.equal(predictor.outputs(turn(inputs)).mean, turn(said))
    single = make("ridge", **DENSE).adapt(pixels(kind))
    assert not torch.equal(single.outputs(TURNS[1](inputs)).mean, TURNS[1](single.outputs(inputs).mean))


def test_the_answer_to_a_turned_image_is_the_same_exactly() -> None:
    predictor = make("protonet", views=8, **CONV).adapt(images())
    inputs = images(seed=1).inputs
    said = predictor.outputs(inputs).mean
    assert all(torch.equal(predictor.outputs(turn(inputs)).mean, said) for turn in TURNS)
    assert torch.allclose(said.exp().sum(1), torch.ones(6), atol=1e-5)  # chances


def test_the_average_is_the_mean_of_chances() -> None:
    learner, inputs = make("ridge", **CONV), images(seed=1).inputs
    single, mean = learner.adapt(images()), replace(learner, views=4).adapt(images())
    every = torch.stack([single.outputs(turn(inputs)).mean.softmax(1) for turn in TURNS[:4]])
    assert torch.allclose(mean.outputs(inputs).mean.exp(), every.mean(0), atol=1e-6)


def test_a_variance_is_told_only_by_learners_that_tell_one() -> None:
    assert make("ridge", views=4, **CONV).adapt(images("quantity")).outputs(images().inputs).variance is None
    said = make("dkt", views=4, **CONV).adapt(images("quantity")).outputs(images().inputs)
    assert said.variance is not None and bool((said.variance > 0).all())


@pytest.mark.parametrize("kind", ["classes", "quantity"])
@pytest.mark.parametrize("form", ["images", "pixels"])
@pytest.mark.parametrize("name", ["ridge", "maml", "extra_trees"])
def test_copies_are_what_the_learner_sees(name: str, form: str, kind: str) -> None:
    """Adapting with copies is adapting to the support and its copies, for every kind of problem."""
    encoder, support = (DENSE, pixels(kind)) if form == "pixels" else (CONV, images(kind))
    plain = make(name, **encoder, **({"trees": 5} if name == "extra_trees" else {}))
    learner = replace(plain, augment=("turns", "noise=0.05"), copies=2)
    learner.net.load_state_dict(plain.net.state_dict())
    shown, query = learner.multiplied(support), images(seed=1, n=2, side=12 if form == "pixels" else 20).inputs
    assert len(shown) == 3 * len(support) and torch.equal(shown.targets[: len(support)], support.targets)
    wanted, found = plain.adapt(shown).outputs(query).mean, learner.adapt(support).outputs(query).mean
    assert torch.equal(wanted, found) and torch.equal(found, learner.adapt(support).outputs(query).mean)
    assert not torch.equal(found, plain.adapt(support).outputs(query).mean)


@pytest.mark.parametrize("examples", [images(), pixels()], ids=["images", "pixels"])
def test_features_seen_ahead_answer_as_the_images_do(examples: Examples) -> None:
    encoder = CONV if examples.targets.dim() == 1 else DENSE
    learner = make("ridge", augment=("turns", "light=0.2"), copies=2, views=4, **encoder)
    seen = encoded(learner, examples)
    assert seen.examples.inputs["copies"].shape[1] == 2 and seen.examples.inputs["views"].shape[1] == 4
    said = learner.adapt(seen.examples).outputs(seen.examples.inputs).mean
    plain = replace(learner, augment=())
    table = plain.table(examples.inputs)
    wanted = plain.adapt(examples).outputs(examples.inputs).mean.movedim(1, -1).flatten(0, -2)
    found = plain.adapt(Examples(table, examples.targets.flatten(), examples.problem)).outputs(table).mean
    assert torch.allclose(wanted, found, atol=1e-4)
    assert said.shape == found.shape and not torch.allclose(said, found, atol=1e-3)


def test_what_mixes_examples_is_not_seen_ahead() -> None:
    """A copy of an image mixed with others would carry images of the query into the support."""
    learner = make("ridge", augment=("mixup",), **CONV)
    assert not learner.encodes_ahead and isinstance(encoded(learner, images()).examples.inputs, torch.Tensor)


def test_copies_are_drawn_anew_while_training_and_views_wait() -> None:
    learner = make("ridge", augment=("noise",), views=8, **CONV)
    learner.net.train()
    torch.manual_seed(0)
    first, second = learner.multiplied(images()), learner.multiplied(images())
    assert not torch.equal(first.inputs, second.inputs)
    inputs, single = images(seed=1).inputs, replace(learner, views=1)
    single.net.load_state_dict(learner.net.state_dict())
    single.net.train()
    torch.manual_seed(0)
    wanted = single.adapt(images()).outputs(inputs).mean
    torch.manual_seed(0)
    assert torch.equal(learner.adapt(images()).outputs(inputs).mean, wanted)


@pytest.mark.parametrize("shared", [True, False])
def test_the_meta_loss_reaches_the_encoder_through_copies(shared: bool) -> None:
    learner, support = make("ridge", augment=("turns", "jitter"), copies=1, **DENSE), pixels()
    task = Task(support, replace(support, targets=support.targets.flip(1)) if shared else pixels())
    learner.net.train()
    learner.task_loss(task).backward()
    assert all(w.grad is not None for w in learner.net.encoder.parameters())


def test_refusals() -> None:
    with pytest.raises(SettingsError, match="no augmentation is called 'flips'"):
        make("ridge", augment=["flips"])
    with pytest.raises(SettingsError, match="'views' of learner 'ridge' is 3"):
        make("ridge", views=3)
    table = Examples(torch.rand(4, 3), torch.arange(4) % 2, PROBLEMS["classes"])
    with pytest.raises(TaskError, match="set views = 1"):
        make("ridge", encoder="plain", views=4).adapt(table).outputs(table.inputs)
    with pytest.raises(TaskError, match="leave it out"):
        make("ridge", encoder="plain", augment=("turns",)).adapt(table)


def test_support_and_query_are_never_mixed_with_each_other() -> None:
    """Rows of the support are sums of rows of the support alone: those have 1 in columns that the query's lack."""
    inputs = torch.eye(40)
    region = Region("r", Examples(inputs, torch.arange(40) % 2, PROBLEMS["classes"]))
    for seed in range(5):
        task = Sampling(shots=(4, 4), queries=10, augment=("mixup",)).task(region, np.random.default_rng(seed))
        sets = [part.problem.labelled(part.targets) for part in (task.support, task.query)]
        of_support, of_query = ((task.support.inputs[rows] > 0).any(0) for rows in sets)
        assert not bool((of_support & of_query).any())


def test_settings_survive_a_copy() -> None:
    learner: Learner = make("ridge", augment=["turns", "haze=0.01"], copies=2, views=8)
    again = make("ridge", **learner.settings())
    assert again.settings() == learner.settings() and again.changes == learner.changes
