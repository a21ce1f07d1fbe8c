"""Simulated scenes with objects: the same bytes, sizes in metres, boxes around what is there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from handful.errors import SettingsError, TaskError
from handful.objects import ObjectScene
from handful.simulate.covers import Materials, climate
from handful.simulate.land import CROPS, Land
from handful.simulate.made_up_kinds import made_up_kinds
from handful.simulate.object_kinds import BASE, KINDS, NOVEL
from handful.simulate.object_scenes import object_scene, object_scenes
from handful.simulate.render import mixed
from handful.simulate.sensors import SENSORS


def test_the_same_seed_gives_the_same_bytes():
    one, two, other = (object_scene(seed, size=96, density=40) for seed in (3, 3, 4))
    assert torch.equal(one.inputs["bands"], two.inputs["bands"]) and torch.equal(one.corners, two.corners)
    assert not torch.equal(one.inputs["bands"], other.inputs["bands"])


def test_base_and_novel_kinds_are_apart():
    assert not set(BASE) & set(NOVEL) and {*BASE, *NOVEL} == set(KINDS)
    assert len(BASE) >= 5 and {"aircraft", "pool", "solar field"} == set(NOVEL)


@pytest.mark.parametrize("resolution_m", [1.0, 2.0, 4.0])
def test_objects_have_their_size_in_metres_and_lie_on_the_scene(resolution_m: float):
    for scene in object_scenes(3, 1, size=128, resolution_m=resolution_m, density=60):
        sides = (scene.corners - scene.corners.roll(1, 1)).norm(dim=2) * resolution_m
        for kind, (a, b, *_) in zip(scene.kinds.tolist(), sides.tolist(), strict=True):
            low, high = KINDS[scene.names[kind]].length
            assert low * 0.99 <= max(a, b) <= high * 1.01
        assert scene.corners.min() >= 0 and scene.corners.max() <= 128


def test_objects_stand_out_from_what_is_around_them():
    scene = object_scene(11, size=160, kinds=("greenhouse",), density=60)
    bright = scene.inputs["bands"][0].mean(0)
    inside = torch.zeros(160, 160, dtype=torch.bool)
    for left, top, right, bottom in scene.boxes.round().int().tolist():
        inside[top + 3 : bottom - 3, left + 3 : right - 3] = True
    assert len(scene.kinds) and bright[inside].median() > bright[~inside].median()


def test_no_two_objects_overlap():
    scene = object_scene(5, size=160, density=120)
    middles = scene.corners.mean(1)
    apart = torch.cdist(middles, middles) + 1e3 * torch.eye(len(middles))
    assert len(middles) > 4 and apart.min() > 4


def test_a_land_without_shade_is_rendered_as_before():
    def rendered(shade: bool) -> np.ndarray:
        rng, sensor = np.random.default_rng(0), SENSORS["planetscope-4"]
        land = Land(rng, 48, 1, Materials(rng, sensor), climate(rng, 1, CROPS))
        land.paint(np.ones((48, 48), bool), land.trees(1))
        land.shade = np.zeros((48, 48), np.float32) if shade else land.shade
        return mixed(land, sensor, 0)

    assert rendered(True).tobytes() == rendered(False).tobytes()


def test_made_up_kinds_repeat_and_are_made_of_nothing_that_a_novel_kind_has():
    one, two, other = made_up_kinds(8, 1), made_up_kinds(8, 1), made_up_kinds(8, 2)
    v, u = (np.mgrid[:40, :40] + 0.5) / 40 - 0.5
    masks = [[kind.shape(u, v, 40.0, 30.0) for kind in kinds] for kinds in (one, two, other)]
    told = [[[(stuff, where.tobytes()) for stuff, where in parts] for parts in kinds] for kinds in masks]
    assert told[0] == told[1] != told[2] and len({str(parts) for parts in told[0]}) == 8
    assert all(parts[0][1].any() for kinds in masks for parts in kinds)
    stuffs = {stuff for kind in made_up_kinds(200, 0) for stuff, _ in kind.shape(u, v, 40.0, 30.0)}
    assert len(stuffs) > 10 and not stuffs & {"pool_water", "solar_panel", "apron"}


def test_what_is_unknown_is_refused():
    with pytest.raises(SettingsError, match="Did you mean ship"):
        object_scene(0, kinds=("shipp",))


def test_an_object_needs_four_corners_and_a_kind():
    corners, hard = torch.zeros(2, 4, 2), torch.zeros(2, dtype=torch.bool)
    with pytest.raises(TaskError, match="four corners"):
        ObjectScene("here", torch.zeros(1, 3, 4, 4), corners, torch.zeros(1, dtype=torch.int64), ("a",), hard)
    with pytest.raises(TaskError, match="names for 1 only"):
        ObjectScene("here", torch.zeros(1, 3, 4, 4), corners, torch.tensor([0, 1]), ("a",), hard)
