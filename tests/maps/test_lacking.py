"""Where something beside the scene is missing, the map answers as if it had been fitted without it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import small_map
import torch

from handful.encoders.modality import known
from handful.learners import make
from handful.maps.auto import Candidate, out_of_fold
from handful.maps.fusion import Fusion, way_of, with_others
from handful.maps.grid import Window
from handful.maps.judge import ClassJudge
from handful.maps.lacking import pattern_of, patterns
from handful.maps.look import Seen, encoder_key, encoders_of, look, look_without, places
from handful.maps.members import Blend, Member
from handful.maps.model import MapModel, Smoothing
from handful.maps.sight import Sight
from handful.task import Examples

NAMES = ("radar", "dem")
BLOCK = Window(0, 0, 80, 96)


@cache
def scene(missing: str = "") -> small_map.Memory:
    """The small scene with two bands of radar and one of elevation; radar lacks the right, `missing` is nowhere."""
    own = small_map.scene()
    draw = np.random.default_rng(0)
    radar = draw.normal(0, 1, (2, 80, 96)) + own.values[[3, 7]] * 10
    dem = np.broadcast_to(np.arange(96.0), (1, 80, 96))
    beside = {"radar": radar.astype(np.float32), "dem": dem.astype(np.float32)}
    beside["radar"][:, :, 60:] = np.nan
    parts = [np.full_like(values, np.nan) if name in missing else values for name, values in beside.items()]
    return small_map.Memory(np.concatenate([own.values, *parts]), own.valid)


def sight() -> Sight:
    values = scene().values
    others = {
        name: Sight.of(np.full(count, np.nan), np.zeros(count), part[np.isfinite(part).all(1)])
        for name, count, part in (
            ("radar", 2, values[12:14].reshape(2, -1).T),
            ("dem", 1, values[14:].reshape(1, -1).T),
        )
    }
    return small_map.sight().beside(others)


@cache
def members(way: str) -> tuple[Member, ...]:
    """Linear members: features that are always 0 add nothing to them."""
    small = {"width": 8, "blocks": 1, "kernel": 3, "windows": (3,)}
    alone = (
        Member("logistic", make("logistic", standard=False, encoder="context", encoder_settings={"windows": (3,)})),
        Member("ridge", make("ridge", encoder="spectral", encoder_settings=small, outputs=4)),
    )
    fusion = Fusion({"radar": False, "dem": False}, (way,))
    return alone if way == "alone" else tuple(fusion.member(member, way) for member in alone)


@cache
def seen(way: str) -> Seen:
    rows, columns, _ = small_map.labels()
    learners = [member.learner for member in members(way)]
    found = look(scene(), sight(), encoders_of(learners), rows, columns, places(3, 1))
    return look_without(found, scene(), sight(), learners, rows, columns, every=True)


@cache
def model(way: str, sigma: float = 0.0) -> MapModel:
    problem, targets = small_map.problem_and_targets("classes")
    blend = Blend.fit(members(way), seen(way), np.arange(len(targets)), targets, problem)
    own = sight() if way != "alone" else replace(sight(), others=())
    return MapModel(problem, blend, ClassJudge(small_map.NAMES), Smoothing(sigma, 3), None, own, seen(way), targets)


def test_patterns_are_nothing_each_and_everything() -> None:
    assert patterns(()) == ((),) and patterns(("a",)) == ((), ("a",))
    assert patterns(("a", "b", "c")) == ((), ("a",), ("b",), ("c",), ("a", "b", "c"))
    inputs = {"a": torch.tensor([0.0, torch.nan, 0, torch.nan]), "b": torch.tensor([0.0, 0, torch.nan, torch.nan])}
    images = {name: values.view(1, 1, 1, 4) for name, values in inputs.items()}
    assert pattern_of(images, ("a", "b")).flatten().tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("way", ["early", "late"])
def test_without_everything_the_map_is_that_of_the_scene_alone(way: str) -> None:
    nothing = model(way).paint(scene("radar dem"), BLOCK)
    alone = model("alone").paint(scene(), BLOCK)
    np.testing.assert_allclose(nothing.probabilities, alone.probabilities, atol=2e-3)
    with_it = model(way).paint(scene(), BLOCK)
    assert np.nanmax(np.abs(with_it.probabilities - alone.probabilities)) > 0.05


@pytest.mark.parametrize("way", ["early", "late"])
def test_a_pixel_without_radar_is_answered_by_what_was_fitted_without_it(way: str) -> None:
    """Predictors fitted by hand on features that were seen without radar."""
    problem, targets = small_map.problem_and_targets("classes")
    found = model(way).paint(scene(), BLOCK).probabilities
    mixed = []
    for member in members(way):
        encoder, key = member.learner.net.encoder, encoder_key(member.learner)
        table = seen(way).own(f"{key} without radar")
        predictor = member.learner.adapt(Examples({"features": table}, torch.from_numpy(targets), problem))
        inputs = sight().inputs(scene().read(BLOCK)[0][None])
        with torch.no_grad():
            features = encoder(inputs)[0, :, 20:60, 70:90]
            scores = predictor.outputs({"features": features.flatten(1).T}).mean.softmax(1)
        mixed.append(scores.T.unflatten(1, (40, 20)).numpy())
    np.testing.assert_allclose(found[:, 20:60, 70:90], np.mean(mixed, 0), atol=2e-3)


@pytest.mark.parametrize("way", ["early", "late"])
def test_every_valid_pixel_is_answered_in_any_block(way: str) -> None:
    smooth = model(way, 1.0)
    whole = smooth.paint(scene(), BLOCK)
    assert bool(((whole.map > 0) == small_map.scene().valid).all())
    part = smooth.paint(scene(), Window(20, 50, 30, 40))
    np.testing.assert_allclose(part.probabilities, whole.probabilities[:, 20:50, 50:90], atol=1e-4)


def test_labels_are_judged_as_their_pixels_are_mapped() -> None:
    problem, targets = small_map.problem_and_targets("classes")
    lacking = seen("late").lacking(NAMES)[:, seen("late").middle]
    assert set(lacking.tolist()) == {0, 1}  # radar covers some of them
    found = out_of_fold(members("late"), seen("late"), small_map.folds(), targets, problem, [0.0])
    for train, test in small_map.folds().splits():
        blend = Blend.fit(members("late"), seen("late"), train, targets, problem)
        np.testing.assert_allclose(blend.judge(seen("late"), test, [0.0])[:, 0], found[:, 0, test], atol=1e-6)


def test_labels_are_seen_without_only_what_some_of_them_lack() -> None:
    """What else may be missing in a map is seen once a candidate is chosen."""
    rows, columns, _ = small_map.labels()
    learners = [member.learner for member in members("late")]
    found = look(scene(), sight(), encoders_of(learners), rows, columns, places(0, 1))
    assert len(found.tables) == 2
    some = look_without(found, scene(), sight(), learners, rows, columns)
    assert len(some.tables) == 4 and all("without radar" in key for key in set(some.tables) - set(found.tables))
    assert len(look_without(some, scene(), sight(), learners, rows, columns, every=True).tables) == 8


def test_known_is_where_any_value_is() -> None:
    values = torch.tensor([[1.0, torch.nan], [torch.nan, torch.nan]])
    assert known(values).tolist() == [[True], [False]]


def test_auto_keeps_the_scene_alone_as_its_default_and_compares_both_ways() -> None:
    single = members("alone")
    rival = Candidate("forest", (Member("forest", make("random_forest", trees=3, encoder="plain")),), rival=True)
    tried = [Candidate("blend", single), *(Candidate(m.name, (m,)) for m in single), rival]
    optical = {"radar": False, "dem": False}
    every = with_others(tried, Fusion(optical, ("early", "late")))
    assert [way_of(candidate) for candidate in every if not candidate.rival] == [None, "early", "late", None, None]
    assert every[0] is tried[0] and every[-1].name == "forest of everything"
    late = with_others(tried, Fusion(optical, ("late",)))
    assert [way_of(candidate) for candidate in late if not candidate.rival] == ["late"] * 3
    assert late[0].members[0] is late[1].members[0]  # a member is fitted once
    assert with_others(tried, Fusion({}, ())) == tried
