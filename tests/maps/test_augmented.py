"""Maps from changed copies of the labels' surroundings, and averaged over turned views of the scene."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import scenes
import small_map
import torch
from rasterio.crs import CRS

from handful.augment.ahead import view
from handful.augment.moves import TURNS
from handful.errors import SettingsError
from handful.learners import make
from handful.maps import paint as painting
from handful.maps.auto import Candidate, augmented, rivals
from handful.maps.fit import domain_of
from handful.maps.grid import Grid, Window
from handful.maps.judge import ClassJudge
from handful.maps.keep import load_model, save_model
from handful.maps.look import encoder_key, encoders_of, look, places, support_keys
from handful.maps.members import Blend, Member
from handful.maps.model import MapModel, Smoothing
from handful.maps.paint import Parts, assemble, paint

WORDS = ("turns", "haze=0.02", "noise=0.005")


@cache
def members() -> tuple[Member, ...]:
    return augmented([Candidate("all", small_map.members())], WORDS, copies=2, views=4)[0].members


@cache
def model() -> MapModel:
    problem, targets = small_map.problem_and_targets("classes")
    rows, columns, _ = small_map.labels()
    encoders = encoders_of([member.learner for member in members()])
    seen = look(small_map.scene(), small_map.sight(), encoders, rows, columns, places(3, 1))
    blend = Blend.fit(members(), seen, np.arange(len(targets)), targets, problem)
    domain = domain_of(blend, seen, targets, small_map.folds(), 0)
    judge = ClassJudge(small_map.NAMES)
    return MapModel(problem, blend, judge, Smoothing(1.0, 3), domain, small_map.sight(), seen, targets)


def inputs(side: int = 18) -> dict[str, torch.Tensor]:
    margin = model().blend.reach
    values, _ = small_map.scene().read(Window(10 - margin, 60 - margin, side + 2 * margin, side + 2 * margin))
    return small_map.sight().inputs(values[None])


def test_a_support_has_the_copies_of_its_labels() -> None:
    problem, targets = small_map.problem_and_targets("classes")
    index = np.array([0, 7, 23])
    support = members()[0].support(model().seen, index, targets, problem)
    assert len(support) == 9 and support.targets.tolist() == [*targets[index].tolist()] * 3
    original, copy, other = support.inputs["features"].chunk(3)
    assert not torch.allclose(original, copy, atol=1e-3) and not torch.allclose(copy, other, atol=1e-3)
    assert torch.equal(original, model().seen.tables[encoder_key(members()[0].learner)][index, model().seen.middle])


def test_a_turned_block_gets_the_turned_answer_exactly() -> None:
    given, blend = inputs(), model().blend
    answers, _ = blend.answer(given, blend.reach)
    for turn in TURNS[:4]:
        assert torch.equal(blend.answer(view(given, turn), blend.reach)[0], turn(answers))
    single = Blend.fit(
        small_map.members(), small_map.seen(), np.arange(24), *reversed(small_map.problem_and_targets("classes"))
    )
    bare = single.answer(given, blend.reach)[0]
    assert not torch.allclose(single.answer(view(given, TURNS[1]), blend.reach)[0], TURNS[1](bare), atol=1e-3)


def test_labels_are_judged_as_their_pixels_are_painted() -> None:
    rows, columns, _ = small_map.labels()
    judged = model().blend.judge(model().seen, np.arange(len(rows)), [0.0])[:, 0]
    margin = model().blend.reach
    for place in (0, 9, 20):
        at = Window(int(rows[place]) - margin, int(columns[place]) - margin, 1 + 2 * margin, 1 + 2 * margin)
        values, _ = small_map.scene().read(at)
        answer, _ = model().blend.answer(small_map.sight().inputs(values[None]), margin)
        np.testing.assert_allclose(answer[:, :, 0, 0], judged[:, place], atol=1e-4)


def test_the_same_bytes_for_any_window_and_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import handful.maps.blocks as blocks

    monkeypatch.setattr(blocks, "BLOCK", 48)
    monkeypatch.setattr(painting, "BLOCK", 48)
    grid, found = Grid(CRS.from_string(scenes.CRS), scenes.TRANSFORM, 80, 96), []
    for window, workers in ((48, 1), (1000, 1), (48, 2)):
        folder = tmp_path / f"{window}-{workers}"
        folder.mkdir()
        parts = Parts.of(folder, {"run": 1})
        paint(model(), small_map.scene(), grid, parts, probabilities=True, window=window, workers=workers)
        assemble(grid, parts, folder, 4)
        found.append({path.name: path.read_bytes() for path in sorted(folder.glob("*.tif"))})
    assert len(found[0]) == 4 and found[0] == found[1] == found[2]


def test_loaded_it_paints_the_same_bytes(tmp_path: Path) -> None:
    save_model(model(), tmp_path)
    loaded, _ = load_model(tmp_path)
    assert set(loaded.seen.tables) == {key for m in members() for key in support_keys(m.learner)}
    block = Window(20, 30, 20, 24)
    pairs = zip(model().paint(small_map.scene(), block), loaded.paint(small_map.scene(), block), strict=True)
    assert all(np.array_equal(wanted, found, equal_nan=True) for wanted, found in pairs)


def test_what_does_not_fit_a_map_is_refused_and_rivals_stay() -> None:
    tried = [Candidate("one", (Member("ridge", make("ridge")),)), *rivals(model().problem)]
    with pytest.raises(SettingsError, match="--augment crop is for whole images"):
        augmented(tried, ("crop",), 4, 1)
    with pytest.raises(SettingsError, match="'views' of learner 'ridge' is 3"):
        augmented(tried, (), 4, 3)
    found = augmented(tried, ("light",), 3, 8)
    assert found[0].members[0].learner.views == 8 and found[0].members[0].learner.copies == 3
    assert found[1:] == tried[1:]


def test_a_blend_and_its_members_alone_stay_the_same_members() -> None:
    one = Member("ridge", make("ridge"))
    blend, alone = augmented([Candidate("blend", (one,)), Candidate("ridge", (one,))], ("light",), 2, 1)
    assert blend.members[0] is alone.members[0] and blend.members[0].learner.net is one.learner.net
