"""The experiments on Omniglot: what they ask is what they say, and a training goes on where its time was up."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import torch
from small_omniglot import stand_in

from handful.bench.protocol import protocol_of
from handful.data import DATASETS

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NARROW = {"encoder": "conv4", "encoder_settings": {"side": 28, "width": 4}}
TRAIN = {"steps": 6, "tasks_per_step": 1, "ways": 5, "shots": [1, 1], "queries": 2, "validate_every": 3}
LEARNERS = {"first_order_maml": {"name": "first_order_maml", "steps": 1, **NARROW, "train": TRAIN}}


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module(request.param)


every = pytest.mark.parametrize("module", ["omniglot_classes", "omniglot_extrapolation"], indirect=True)


@every
def test_the_learners_are_a_protocols(module: ModuleType) -> None:
    trials = module.Experiment(Path(), Path(), module.LEARNERS, 1)
    for label in module.LEARNERS:
        (entry,) = protocol_of(trials.tables(label)).learners
        assert entry.label == label and entry.train is not None


@every
def test_a_training_goes_on_to_the_same_scores(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DATASETS, "omniglot", stand_in("omniglot", 62))
    found = []
    for folder, seconds in (("whole", [60.0]), ("broken", [0.0, 0.0, 60.0])):
        trials = module.Experiment(tmp_path / folder, tmp_path / f"{folder}.csv", LEARNERS, 3)
        for some in seconds:
            assert not trials.kept("first_order_maml", 12)
            trials.run("first_order_maml", 12, tmp_path, some, module.measure)
        found.append(trials.kept("first_order_maml", 12))
    assert (tmp_path / "whole.csv").read_bytes() == (tmp_path / "broken.csv").read_bytes()
    assert found[0] == found[1] and all(0 <= float(kept["mean"]) <= 100 for kept in found[0].values())


@every
def test_what_is_kept_needs_no_training_to_be_shown(module: ModuleType) -> None:
    """The page is made of the table beside the script, on a machine that trained nothing."""
    trials = module.Experiment(Path("nowhere"), BENCHMARKS / f"{module.NAME}.csv", module.LEARNERS, 1)
    text = (BENCHMARKS / f"{module.NAME}.md").read_text(encoding="utf-8")
    tables = (trials,) if module.NAME == "omniglot_classes" else (trials, "both")
    assert module.whole_table(*tables) in text


@pytest.mark.parametrize("module", ["common"], indirect=True)
def test_rows_of_a_key_are_kept_in_the_place_of_those_before(module: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "kept.csv"
    for key, values in (("a", [1, 2]), ("b", [3]), ("a", [4])):
        module.keep(path, {"name": key}, [{"value": value} for value in values])
    assert [(row["name"], row["value"]) for row in module.rows_of(path)] == [("a", "4"), ("b", "3")]


@pytest.mark.parametrize("module", ["omniglot_extrapolation"], indirect=True)
def test_characters_are_sheared_along_their_rows_and_scaled_about_their_middle(module: ModuleType) -> None:
    stroke = torch.zeros(1, 1, 28, 28)
    stroke[..., 7:21, 13:15] = 1.0
    assert torch.allclose(module.changed(stroke, 0.0, 1.0), stroke, atol=1e-5)
    columns = torch.arange(28.0) - 13.5
    sheared = module.changed(stroke, 0.5, 1.0)[0, 0]
    moved = (sheared * columns).sum(1)[8:20] / sheared.sum(1)[8:20]
    assert torch.allclose(moved, 0.5 * (torch.arange(8.0, 20.0) - 13.5), atol=0.05)
    halved = module.changed(stroke, 0.0, 0.5)
    assert float(halved.sum()) == pytest.approx(float(stroke.sum()) / 4, rel=0.1)


@pytest.mark.parametrize("module", ["omniglot_trials"], indirect=True)
def test_curves_are_drawn_dashed_before_adaptation(module: ModuleType, tmp_path: Path) -> None:
    after, before = ([(50, {"mean": a}), (100, {"mean": b})] for a, b in (("85.0", "90.0"), ("20.0", "25.0")))
    lines = {"maml": after, "maml, before": before}
    for name in ("a.png", "b.png"):
        module.draw([("characters", lines, True), ("shear", lines, False)], tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
