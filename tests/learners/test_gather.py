"""What a learner takes of its training examples before training: a table's statistics, the level of a quantity."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from sklearn.linear_model import Ridge

from handful.checkpoint import load, save
from handful.learners import make
from handful.problem import Classes, Quantity
from handful.task import Examples, Task

MOISTURE = Quantity("moisture", "%")


def region(seed: int, rows: int = 30) -> Examples:
    draw = torch.Generator().manual_seed(seed)
    inputs = torch.randn(rows, 4, generator=draw) * torch.tensor([1.0, 100.0, 0.01, 0.0]) + 7
    return Examples(inputs, 100 + 20 * seed + 10 * inputs[:, 0], MOISTURE)


def test_the_features_of_all_rows_have_mean_0_and_deviation_1_and_a_constant_one_is_0() -> None:
    sets = [region(seed) for seed in range(3)]
    encoder = make("r2d2", encoder="table", encoder_settings={"bands": 4}).gather(sets).net.encoder
    scaled = (torch.cat([examples.inputs for examples in sets]) - encoder.mean) / encoder.deviation
    assert torch.allclose(scaled.mean(0), torch.zeros(4), atol=1e-4)
    assert torch.allclose(scaled.std(0, correction=0), torch.tensor([1.0, 1.0, 1.0, 0.0]), atol=1e-4)


def test_statistics_of_images_are_brought_to_one_scale_beside_what_is_learned_of_them() -> None:
    draw = torch.Generator().manual_seed(0)
    images = torch.rand(12, 3, 20, 20, generator=draw) * torch.rand(12, 3, 1, 1, generator=draw)
    sets = [Examples(part, torch.arange(6) % 2, Classes(("a", "b"))) for part in images.split(6)]
    encoder = make("protonet", encoder="learned_statistics", encoder_settings={"bands": 3}).gather(sets).net.encoder
    scaled, found = encoder.scaled(images), encoder(images)
    assert torch.allclose(scaled.mean(0), torch.zeros(scaled.shape[1]), atol=1e-3)
    count = scaled.shape[1]
    assert found.shape == (12, encoder.width) and encoder.width == count + 64
    assert torch.allclose(found[:, :count], scaled / scaled.norm(dim=1, keepdim=True), atol=1e-6)
    assert torch.allclose(found.norm(dim=1), torch.full((12,), 2.0**0.5), atol=1e-5)


def test_a_quantity_is_standardised_with_the_level_of_all_that_is_trained_on(tmp_path: Path) -> None:
    sets, support, query = [region(seed) for seed in range(3)], region(5, 4), region(5, 9)
    found = make("r2d2", encoder="plain").gather(sets)
    every = torch.cat([examples.targets for examples in sets])
    mean, deviation = float(every.mean()), float(every.std(correction=0))
    assert found.level == pytest.approx((mean, deviation))
    with_one = [torch.cat([e.inputs, torch.ones(len(e), 1)], 1) for e in (support, query)]
    penalty = float(found.net.head.log_penalty.detach().exp())
    fitted = Ridge(alpha=penalty, fit_intercept=False).fit(with_one[0].double(), (support.targets - mean) / deviation)
    wanted = fitted.predict(with_one[1].double()) * deviation + mean
    assert found.adapt(support).predict(query.inputs).numpy() == pytest.approx(wanted, rel=1e-3)
    save(found, "r2d2", tmp_path)
    assert load(tmp_path)[0].level == found.level


def test_without_training_and_for_classes_there_is_no_level() -> None:
    assert make("random_forest", encoder="plain").gather([region(0)]).level == ()
    kinds = Examples(torch.randn(6, 4), torch.arange(6) % 2, Classes(("a", "b")))
    assert make("r2d2", encoder="plain").gather([kinds]).level == ()


def test_pooled_training_is_on_standardised_numbers_as_adapting_is() -> None:
    found = make("fine_tune", encoder="table", encoder_settings={"bands": 4}, outputs=1)
    found = found.gather([region(0)])
    support, query = region(0, 8), region(0, 6)
    losses = [
        (found.net(e.inputs)[:, 0] - (e.targets - found.level[0]) / found.level[1]).square().mean()
        for e in (support, query)
    ]
    assert torch.allclose(found.task_loss(Task(support, query)), torch.stack(losses).mean(), rtol=1e-4)
