"""A model that is saved and loaded paints the same bytes; what isn't one is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import small_map
import torch

from handful.checkpoint import save
from handful.errors import CheckpointError
from handful.learners import make
from handful.maps.grid import Window
from handful.maps.judge import ClassJudge
from handful.maps.keep import load_model, save_model
from handful.trust.calibration import Calibration

BLOCK = Window(20, 30, 30, 40)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_model(small_map.model(), tmp_path / "model", bands=[])
    return tmp_path / "model"


@pytest.mark.parametrize("kind", ["classes", "quantity"])
def test_loaded_it_paints_the_same_bytes(tmp_path: Path, kind: str) -> None:
    model = small_map.model(kind)
    if kind == "classes":
        prior = np.array([0.4, 0.3, 0.2, 0.1])
        model = replace(model, judge=ClassJudge(small_map.NAMES, Calibration(1.3), prior))
    save_model(model, tmp_path, radiometry={"name": "s2"})
    loaded, record = load_model(tmp_path)
    assert record["radiometry"] == {"name": "s2"} and loaded.problem == model.problem
    for wanted, found in zip(
        model.paint(small_map.scene(), BLOCK), loaded.paint(small_map.scene(), BLOCK), strict=True
    ):
        assert wanted is found is None or np.array_equal(wanted, found, equal_nan=True)


def test_saved_twice_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    loaded, _ = load_model(folder)
    save_model(loaded, tmp_path / "again", bands=[])
    for name in ("model.safetensors", "model.json"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_a_checkpoint_of_training_is_no_map(tmp_path: Path) -> None:
    save(make("random_forest"), "random_forest", tmp_path)
    with pytest.raises(CheckpointError, match="OUT/model"):
        load_model(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
def test_a_missing_half(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(CheckpointError):
        load_model(folder)


def test_the_tensors_of_another_model(folder: Path, tmp_path: Path) -> None:
    save_model(small_map.model("quantity"), tmp_path / "other")
    (folder / "model.safetensors").write_bytes((tmp_path / "other" / "model.safetensors").read_bytes())
    with pytest.raises(CheckpointError, match="is not the one"):
        load_model(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"members": []},
        {"members": [{"name": "x", "learner": "nothing", "settings": {}}]},
        {"members": [{"name": "x", "learner": "ridge", "settings": {"encoder_settings": {"width": 10**9}}}]},
        {"problem": {}},
        {"problem": {"classes": ["one"]}},
        {"tables": ["another encoder"]},
        {"sight": {}},
        {"smoothing": {"sigma": "wide", "reach": 3}},
        {"judge": {"temperature": "warm"}},
        {"kind": "other"},
    ],
)
def test_records_that_describe_no_model(folder: Path, change: dict[str, object]) -> None:
    record = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(record | change))
    with pytest.raises(CheckpointError):
        load_model(folder)


def test_a_learner_that_moves_its_encoder_is_fitted_again_on_its_windows(tmp_path: Path) -> None:
    from handful.maps.look import look, places
    from handful.maps.members import Blend, Member

    small = {"bands": 12, "width": 4, "blocks": 1, "kernel": 3, "windows": (3,)}
    member = Member("maml", make("maml", encoder="dense", encoder_settings=small, outputs=4, steps=2))
    rows, columns, targets = small_map.labels()
    reach = int(member.learner.net.encoder.reach)
    seen = look(small_map.scene(), small_map.sight(), {}, rows, columns, places(0, 1), reach)
    blend = Blend.fit([member], seen, np.arange(24), targets, small_map.model().problem)
    model = replace(small_map.model(), blend=blend, seen=seen, domain=None)
    save_model(model, tmp_path)
    loaded, _ = load_model(tmp_path)
    a, b = (m.paint(small_map.scene(), BLOCK) for m in (model, loaded))
    assert np.array_equal(a.map, b.map) and torch.equal(torch.from_numpy(a.trust), torch.from_numpy(b.trust))
