"""`handful train`: from a recipe and a folder to a checkpoint, again after a kill, and never over other work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from small_forest import RECIPE, make_sites

from handful.bench import training
from handful.checkpoint import load
from handful.cli.train import command
from handful.errors import CheckpointError, HandfulError, OutputError, SettingsError
from handful.meta_train import STATE


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sites(tmp_path_factory.mktemp("forest"), 6)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    return tmp_path / "recipe.toml"


def train(recipe: Path, root: Path, output: Path, *more: str) -> Result:
    """The command, its own errors raised."""
    return CliRunner().invoke(
        command, [str(recipe), "--root", str(root), "-o", str(output), *more], catch_exceptions=False
    )


def test_a_checkpoint_and_its_record(recipe: Path, root: Path, tmp_path: Path) -> None:
    found = train(recipe, root, tmp_path / "out", "--json")
    told = json.loads(found.stdout)
    assert told["steps"] == 12 and told["seed"] == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "curve.png",
        "log.csv",
        "model.json",
        "model.safetensors",
    ]
    learner, record = load(tmp_path / "out")
    assert record["validated"] == ["100", "101"] and record["trained"] == ["102", "103", "104", "105"]
    assert record["problem"] == {"classes": ["healthy", "damaged"]} and len(record["bands"]) == 24
    assert record["recipe"]["train"]["steps"] == 12
    assert len((tmp_path / "out" / "log.csv").read_text().splitlines()) == 13


def test_an_encoder_of_other_bands_is_refused(recipe: Path, root: Path, tmp_path: Path) -> None:
    recipe.write_text(RECIPE.replace("bands = 24", "bands = 23"))
    with pytest.raises(SettingsError, match="reads 23 bands, but 'forest-damage' has 24: write bands = 24"):
        train(recipe, root, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_finished_folder_needs_overwrite(recipe: Path, root: Path, tmp_path: Path) -> None:
    train(recipe, root, tmp_path / "out")
    weights = (tmp_path / "out" / "model.safetensors").read_bytes()
    with pytest.raises(OutputError, match="--overwrite"):
        train(recipe, root, tmp_path / "out")
    train(recipe, root, tmp_path / "out", "--overwrite")
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == weights
    train(recipe, root, tmp_path / "out", "--overwrite", "--seed", "1")
    assert (tmp_path / "out" / "model.safetensors").read_bytes() != weights


def test_other_peoples_files_stay(recipe: Path, root: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    for more in ((), ("--overwrite",)):
        with pytest.raises(OutputError, match="thesis.txt"):
            train(recipe, root, tmp_path / "out", *more)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]


def test_interrupted_it_goes_on(recipe: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(recipe, root, tmp_path / "whole")
    original = training.Job.score
    monkeypatch.setattr(training.Job, "score", interrupt)
    with pytest.raises(KeyboardInterrupt):
        training_only(recipe, root, tmp_path / "broken")
    assert (tmp_path / "broken" / STATE).exists()
    monkeypatch.setattr(training.Job, "score", original)
    train(recipe, root, tmp_path / "broken")
    assert not (tmp_path / "broken" / STATE).exists()
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "broken")]
    assert weights[0] == weights[1]


def interrupt(self: object, learner: object) -> float:
    raise KeyboardInterrupt


def training_only(recipe: Path, root: Path, folder: Path) -> None:
    """What the command does, without the test runner, which would swallow the interrupt."""
    from handful.bench.recipe import read_recipe

    folder.mkdir()
    training.Job.read(read_recipe(recipe), root).train(folder)


def test_an_unfinished_run_of_another_seed(
    recipe: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = training.Job.score
    monkeypatch.setattr(training.Job, "score", interrupt)
    with pytest.raises(KeyboardInterrupt):
        training_only(recipe, root, tmp_path / "out")
    monkeypatch.setattr(training.Job, "score", original)
    with pytest.raises(CheckpointError, match="--overwrite"):
        train(recipe, root, tmp_path / "out", "--seed", "5")
    assert train(recipe, root, tmp_path / "out", "--seed", "5", "--overwrite").exit_code == 0
    assert load(tmp_path / "out")[1]["seed"] == 5


def test_groups_can_be_left_out(recipe: Path, root: Path, tmp_path: Path) -> None:
    train(recipe, root, tmp_path / "out", "--leave-out", "2")
    assert load(tmp_path / "out")[1]["trained"] == ["102", "103"]


@pytest.mark.parametrize("name", ["random_forest", "scratch"])
def test_nothing_to_learn(name: str, root: Path, tmp_path: Path) -> None:
    text = RECIPE.replace('"ridge"\nprior_mean = true', f'"{name}"')
    if name == "random_forest":
        text = text.replace('encoder = "dense"', 'encoder = "plain"').replace(
            "bands = 24\nwidth = 8\nblocks = 1\nwindows = [3]\n", ""
        )
    (tmp_path / "plain.toml").write_text(text)
    found = train(tmp_path / "plain.toml", root, tmp_path / "out")
    assert "nothing to learn" in found.stdout and load(tmp_path / "out")[1]["steps"] == 0


def test_nothing_is_left_behind_where_it_is_refused(recipe: Path, root: Path, tmp_path: Path) -> None:
    for recipe_path, folder in ((recipe, tmp_path / "absent"), (tmp_path / "absent.toml", root)):
        with pytest.raises(HandfulError):
            train(recipe_path, folder, tmp_path / "new" / "out")
        assert not (tmp_path / "new").exists()
