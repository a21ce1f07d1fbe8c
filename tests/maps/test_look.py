"""What is seen at a label is what painting computes there; blocks cover a raster once."""

from __future__ import annotations

import numpy as np
import pytest
import small_map
import torch

from handful.learners import make
from handful.maps.blocks import blocks
from handful.maps.look import encoder_key, encoders_of, look, places, tiles_of
from handful.maps.sight import Sight


def test_a_label_sees_what_the_whole_scene_shows() -> None:
    seen, scene = small_map.seen(), small_map.scene()
    rows, columns, _ = small_map.labels()
    inputs = small_map.sight().inputs(np.where(scene.valid, scene.values, np.nan)[None])
    for member in small_map.members():
        with torch.no_grad():
            whole = member.learner.net.encode(inputs)[0]
        away = 6  # farther from the edges than any reach, and from the places around a label
        inner = (rows >= away) & (columns >= away) & (rows < 80 - away) & (columns < 96 - away)
        table = seen.tables[encoder_key(member.learner)][torch.from_numpy(inner)]
        for number, (down, right) in enumerate(seen.offsets):
            wanted = whole[:, rows[inner] + down, columns[inner] + right].T
            assert torch.allclose(table[:, number], wanted, atol=1e-5)


def test_what_is_seen_doesnt_depend_on_the_other_labels() -> None:
    rows, columns, _ = small_map.labels()
    encoders = encoders_of([member.learner for member in small_map.members()])
    some = np.array([5, 2, 17])
    alone = look(small_map.scene(), small_map.sight(), encoders, rows[some], columns[some], places(3, 1))
    together = small_map.seen().pick(some)
    for key, table in alone.tables.items():
        assert torch.equal(table, together.tables[key])
    assert torch.equal(alone.valid, together.valid)


def test_windows_hold_the_pixels_around_a_label() -> None:
    rows, columns, _ = small_map.labels()
    found = look(small_map.scene(), small_map.sight(), {}, rows, columns, places(0, 1), window_reach=4)
    assert found.windows is not None and found.windows["bands"].shape == (len(rows), 12, 9, 9)
    scene = small_map.scene()
    bands = found.windows["bands"][:, :, 4, 4].numpy()
    np.testing.assert_allclose(bands, scene.values[:, rows, columns].T, atol=1e-6)


def test_weights_are_a_masked_gaussian() -> None:
    seen = small_map.seen()
    for sigma in (0.0, 1.0, 3.0):
        assert torch.allclose(seen.weights(sigma).sum(1), torch.ones(len(seen)), atol=1e-5)
        assert not bool(seen.weights(sigma)[~seen.valid].any())
    assert bool((seen.weights(0.0)[:, seen.middle] == 1).all())
    assert seen.alone().valid.shape == (len(seen), 1)


def test_a_place_in_a_window() -> None:
    seen = small_map.seen()
    side = 9
    flat = torch.arange(side * side).view(side, side)[seen.offsets[:, 0] + 4, seen.offsets[:, 1] + 4]
    assert torch.equal(seen.places_in(side), flat)


def test_learners_share_a_key_where_they_share_weights() -> None:
    small = {"encoder": "spectral", "encoder_settings": {"width": 4, "blocks": 1, "windows": (3,)}}
    one, other, same = make("ridge", seed=1, **small), make("ridge", seed=2, **small), make("ridge", seed=2, **small)
    assert encoder_key(one) != encoder_key(other) == encoder_key(same)
    same.net.encoder.load_state_dict(one.net.encoder.state_dict())
    assert encoder_key(one) == encoder_key(same)


@pytest.mark.parametrize("window", [0, 256, 700, 10_000])
def test_blocks_cover_a_raster_once_whatever_the_window(window: int) -> None:
    count = np.zeros((600, 777), int)
    every = [block for group in blocks(600, 777, window) for block in group]
    for row, column, height, width in every:
        count[row : row + height, column : column + width] += 1
    assert (count == 1).all()
    assert sorted(every) == sorted(block for (block,) in blocks(600, 777))


def test_every_label_is_in_one_tile() -> None:
    rows, columns, _ = small_map.labels()
    members = np.concatenate([found for _, found in tiles_of(rows, columns)])
    assert sorted(members) == list(range(len(rows)))
    for tile, found in tiles_of(rows, columns):
        assert ((rows[found] - tile.row < tile.height) & (columns[found] - tile.column < tile.width)).all()


def test_sight_fills_what_is_invalid_and_scales_plain_bands() -> None:
    rng = np.random.default_rng(0)
    waves = np.array([490, 665, 842, np.nan], np.float32)
    sample = np.column_stack([rng.uniform(0, 0.4, (500, 3)), rng.normal(300, 20, 500)]).astype(np.float32)
    sight = Sight.of(waves, np.zeros(4, np.int64), sample)
    values = sample[:4].T.reshape(1, 4, 2, 2).copy()
    values[0, :, 0, 0] = np.nan
    bands = sight.inputs(values)["bands"]
    assert bool(bands.isfinite().all()) and sight.factor == 1
    np.testing.assert_allclose(bands[0, :3, 1, 1], values[0, :3, 1, 1])
    np.testing.assert_allclose(bands[0, :, 0, 0], [*sight.middle[:3], 0], rtol=1e-5)
    assert float(bands[0, 3, 1, 1]) == pytest.approx((values[0, 3, 1, 1] - sight.middle[3]) / sight.spread[3], abs=1e-4)


def test_an_uncalibrated_spectrum_is_brought_to_the_range_of_reflectance() -> None:
    sample = np.random.default_rng(0).uniform(0, 4000, (500, 3)).astype(np.float32)
    sight = Sight.of(np.array([490, 665, 842], np.float32), np.zeros(3, np.int64), sample)
    assert float(np.percentile(sample * sight.factor, 98)) == pytest.approx(0.4, rel=1e-5)
