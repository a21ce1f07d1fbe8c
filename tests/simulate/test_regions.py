"""Simulated regions: the same seed gives the same bytes, and what they hold obeys physics."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from handful.errors import SettingsError
from handful.problem import UNLABELLED
from handful.simulate import region, regions
from handful.simulate.meaning import BASE_CLASSES, FEWEST, MOST
from handful.simulate.sensors import SENSORS

SIZE = 64


@pytest.fixture(scope="module")
def some():
    return [region(seed, size=SIZE) for seed in range(12)]


def test_same_seed_same_bytes():
    settings = {"size": SIZE, "sensor": "any", "dates": 2, "radar": True, "clouds": 0.2, "label_noise": 0.1}
    one, two = region(5, **settings), region(5, **settings)
    for key, tensor in one.examples.inputs.items():
        assert tensor.numpy().tobytes() == two.examples.inputs[key].numpy().tobytes()
    assert torch.equal(one.examples.targets, two.examples.targets)
    assert one.examples.problem == two.examples.problem and one.bands == two.bands


def test_other_seeds_are_other_regions():
    first, second = regions(2, 3, size=SIZE)
    assert first.name != second.name
    assert not torch.equal(first.examples.inputs["bands"], second.examples.inputs["bands"])


def test_every_class_has_pixels(some):
    for each in some:
        assert 2 <= each.examples.problem.outputs <= MOST
        assert (each.examples.counts() >= FEWEST).all()


def test_values_are_reflectances(some):
    for each in some:
        values = each.examples.inputs["bands"]
        assert values.dtype == torch.float32 and values.isfinite().all()
        assert values.min() > -0.1 and values.max() <= 1.6


def test_shapes_and_bands(some):
    for each in some:
        inputs = each.examples.inputs
        assert inputs["bands"].shape == (1, 12, SIZE, SIZE)
        assert inputs["wavelengths"].shape == inputs["dates"].shape == (1, 12)
        assert len(each.bands) == 12
        assert each.examples.base_targets.shape == (1, SIZE, SIZE)


def test_water_is_dark_in_the_shortwave_infrared_beside_land(some):
    water = BASE_CLASSES.index("water")
    gaps = []
    for each in some:
        base, values = each.examples.base_targets[0], each.examples.inputs["bands"][0, -2]
        dry = (base >= 0) & (base != water)
        if (base == water).sum() > 100:
            gaps.append(float(values[dry].median() - values[base == water].median()))
    assert gaps and min(gaps) > 0


def test_radar_and_second_date_are_more_bands():
    inputs = region(1, size=SIZE, dates=2, radar=True).examples.inputs
    assert inputs["bands"].shape[1] == 2 * 14
    assert inputs["dates"][0].tolist() == [0] * 14 + [1] * 14
    assert inputs["wavelengths"].isnan().sum() == 4
    backscatter = inputs["bands"][0, 12:14]
    assert backscatter.min() > -45 and backscatter.max() < 20
    assert backscatter[0].median() > backscatter[1].median()  # co-polarised returns are the stronger


def test_clouds_are_unlabelled_and_bright():
    clear, cloudy = region(2, size=SIZE), region(2, size=SIZE, clouds=0.3)
    open_share, hidden_share = ((r.examples.targets == UNLABELLED).float().mean() for r in (clear, cloudy))
    assert hidden_share - open_share > 0.1
    assert cloudy.examples.inputs["bands"][0, 1].quantile(0.95) > clear.examples.inputs["bands"][0, 1].quantile(0.95)


def test_label_noise_leaves_the_image():
    clean, noisy = region(4, size=SIZE), region(4, size=SIZE, label_noise=0.2)
    if clean.examples.problem == noisy.examples.problem:
        assert 0.02 < (clean.examples.targets != noisy.examples.targets).float().mean() < 0.3


def test_coarse_labels_are_constant_in_blocks():
    targets = region(6, size=SIZE, coarse=4).examples.targets[0].numpy()
    blocks = targets.reshape(SIZE // 4, 4, SIZE // 4, 4)
    assert (blocks == blocks[:, :1, :, :1]).all()


@pytest.mark.parametrize("sensor", [*SENSORS, "random", "any"])
def test_every_sensor(sensor):
    made = region(8, size=SIZE, sensor=sensor)
    assert made.examples.inputs["bands"].shape[1] == len(made.bands) >= 3


def test_an_odd_size():
    assert region(9, size=50).examples.targets.shape == (1, 50, 50)


def test_unknown_sensor_is_refused():
    with pytest.raises(SettingsError, match="landsat-8-9"):
        region(0, sensor="landsat-8")


def test_a_region_gives_tasks(some):
    task = some[0].task(5, 0)
    assert (task.support.counts() == 5).all()


def test_classes_differ_in_what_they_mean(some):
    assert len({each.examples.problem.names for each in some}) >= 8


def test_some_regions_keep_the_offset():
    darkest = [float(np.quantile(region(seed, size=48).examples.inputs["bands"][0, 1:4], 0.005)) for seed in range(40)]
    assert 2 <= sum(value > 0.1 for value in darkest) <= 25
