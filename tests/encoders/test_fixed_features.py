"""Image statistics and random convolutional features: what they must not depend on."""

from __future__ import annotations

import pytest
import torch

from handful.encoders import make_encoder
from handful.errors import SettingsError
from handful.learners import make

IMAGES = torch.rand(3, 4, 20, 20, generator=torch.Generator().manual_seed(0))


def test_statistics_do_not_depend_on_how_an_image_lies() -> None:
    encoder = make_encoder("statistics", {})
    found = encoder(IMAGES)
    assert found.shape[0] == 3 and bool(found.isfinite().all())
    assert torch.allclose(found, encoder(IMAGES.rot90(1, (2, 3))), atol=1e-4)
    assert torch.allclose(found, encoder(IMAGES.flip(3)), atol=1e-4)


def test_a_flat_image_has_finite_statistics() -> None:
    assert bool(make_encoder("statistics", {})(torch.full((1, 3, 8, 8), 0.5)).isfinite().all())


def test_random_patches_are_those_of_the_seed() -> None:
    first, again, other = (make_encoder("random_conv", {"bands": 4, "seed": seed}) for seed in (0, 0, 1))
    assert torch.equal(first(IMAGES), again(IMAGES)) and not torch.equal(first(IMAGES), other(IMAGES))
    assert first(IMAGES).shape == (3, first.width) and not list(first.parameters())


def test_a_patch_does_not_see_an_even_grey() -> None:
    encoder = make_encoder("random_conv", {"bands": 3})
    dark, light = (encoder(torch.full((1, 3, 9, 9), value)) for value in (0.1, 0.9))
    assert torch.allclose(dark, light, atol=1e-4)


def test_a_map_of_features_sees_no_further_than_its_reach() -> None:
    encoder = make_encoder("random_conv", {"bands": 4, "pool": False, "width": 8})
    changed = IMAGES.clone()
    changed[:, :, 0, 0] += 1
    gap = (encoder(IMAGES) - encoder(changed)).abs().sum(1)[0]
    assert encoder(IMAGES).shape == (3, 8, 20, 20)
    assert float(gap[encoder.reach + 1 :].max()) == pytest.approx(0) and float(gap[0, 0]) > 0


def test_a_switch_reaches_the_encoder_through_a_learner() -> None:
    learner = make("logistic", encoder="random_conv", encoder_settings={"bands": 3, "pool": False})
    assert learner.net.encode(IMAGES[:, :3]).dim() == 4
    with pytest.raises(SettingsError, match="'pool' of encoder 'random_conv' is 2: give true or false"):
        make("logistic", encoder="random_conv", encoder_settings={"bands": 3, "pool": 2})
