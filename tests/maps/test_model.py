"""A block's answers depend on the scene around it alone; invalid pixels neither answer nor are averaged in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import small_map
import torch

from handful.learners import make
from handful.maps.grid import Window
from handful.maps.members import Blend, Member
from handful.maps.model import Smoothing


def test_blocks_meet_without_a_seam() -> None:
    model, scene = small_map.model(), small_map.scene()
    whole = model.paint(scene, Window(0, 0, 80, 96))
    for block in (Window(0, 0, 40, 50), Window(20, 30, 33, 41), Window(79, 95, 1, 1)):
        part = model.paint(scene, block)
        place = np.s_[block.row : block.row + block.height, block.column : block.column + block.width]
        np.testing.assert_allclose(part.confidence, whole.confidence[place], atol=1e-4)
        differ = part.map != whole.map[place]
        ties = np.sort(whole.probabilities[(slice(None), *place)], axis=0)
        assert not (differ & (ties[-1] - ties[-2] > 1e-3)).any()


def test_what_stands_in_invalid_pixels_doesnt_matter() -> None:
    model, scene = small_map.model(), small_map.scene()
    other = replace(scene, values=np.where(scene.valid, scene.values, 7.0))
    for a, b in zip(
        model.paint(scene, Window(20, 30, 30, 40)), model.paint(other, Window(20, 30, 30, 40)), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_a_block_without_data_is_blank() -> None:
    found = small_map.model().paint(small_map.scene(), Window(30, 40, 8, 12))
    assert not found.map.any() and not found.trust.any()
    assert np.isnan(found.confidence).all() and np.isnan(found.probabilities).all()


def test_without_smoothing_a_map_says_at_labels_what_the_members_say_there() -> None:
    model = replace(small_map.model(), smoothing=Smoothing(0.0))
    rows, columns, _ = small_map.labels()
    found = model.paint(small_map.scene(), Window(0, 0, 80, 96))
    answers = model.blend.judge(model.seen, np.arange(len(rows)), [0.0])[:, 0]
    chances = model.judge.probabilities(answers.transpose(0, 2, 1))
    np.testing.assert_allclose(found.probabilities[:, rows, columns], chances, atol=1e-4)


def test_probabilities_confidence_and_map_agree() -> None:
    found = small_map.model().paint(small_map.scene(), Window(0, 0, 30, 30))
    assert np.array_equal(found.probabilities.argmax(0) + 1, found.map)
    np.testing.assert_allclose(found.probabilities.max(0), found.confidence, rtol=1e-6)
    np.testing.assert_allclose(found.probabilities.sum(0), 1, rtol=1e-5)


def test_the_map_is_mostly_right() -> None:
    import scenes

    found = small_map.model().paint(small_map.scene(), Window(0, 0, 80, 96)).map
    valid = small_map.scene().valid
    assert (found[valid] == scenes.place().truth[valid] + 1).mean() > 0.8


def test_more_classes_than_a_byte_holds() -> None:
    from handful.problem import Classes

    for count, kind in ((254, np.uint8), (255, np.uint16)):
        model = replace(small_map.model(), problem=Classes(tuple(f"c{i}" for i in range(count))))
        assert model.blank(Window(0, 0, 2, 2)).map.dtype == kind


def test_painting_leaves_the_model_as_it_was() -> None:
    model = small_map.model()
    before = [w.clone() for m in model.blend.members for w in m.learner.net.state_dict().values()]
    model.paint(small_map.scene(), Window(0, 0, 16, 16))
    after = [w for m in model.blend.members for w in m.learner.net.state_dict().values()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_learner_that_descends_on_what_it_is_asked_paints() -> None:
    found = small_map.model()
    ridge = small_map.members()[0].learner
    learner = make("tim_gd", encoder=ridge.encoder, encoder_settings=ridge.encoder_settings, steps=3)
    rows = np.arange(len(found.targets))
    blend = Blend.fit((Member("tim_gd", learner),), found.seen, rows, found.targets, found.problem)
    painted = replace(found, blend=blend, domain=None).paint(small_map.scene(), Window(0, 0, 20, 20))
    assert bool((painted.map > 0).all()) and np.isfinite(painted.confidence).all()
