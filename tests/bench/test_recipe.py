"""Recipes: every key is checked, and regions part by whole groups."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from small_forest import RECIPE

from handful.bench.recipe import Part, read_recipe, recipe_of
from handful.errors import SettingsError

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


def test_what_a_recipe_says(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, RECIPE))
    assert recipe.data.name == "forest-damage" and recipe.data.validation == ("0",)
    assert recipe.training.steps == 12 and recipe.sampling.shots == (1, 4)
    assert recipe.make().prior_mean and recipe.make().encoder_settings["width"] == 8


def test_written_out_it_is_the_same_recipe(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, RECIPE))
    assert recipe_of(recipe.plain()) == recipe


def test_a_seed_reaches_weights_and_tasks(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, RECIPE)).with_seed(7)
    assert recipe.training.seed == 7 and recipe.make().seed == 7


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("steps = 12", "step = 12", r"\[train\] has no key 'step'. Did you mean steps"),
        ("steps = 12", "steps = 0", r"\[train\] steps is 0"),
        ("steps = 12", 'steps = "many"', r"\[train\] steps is 'many'"),
        ("shots = [1, 4]", "shots = [4, 1]", "fewest, then the most"),
        ("shots = [1, 4]", "shots = 5", r"\[train\] shots is 5"),
        ("[train]", "[training]", "the recipe has no key 'training'. Did you mean train"),
        ('validation = ["0"]', "validate = 3", r"\[data\] has no key 'validate'. Did you mean validation"),
        ('validation = ["0"]', "validation = 1.5", r"\[data\] validation is 1.5"),
        ('name = "forest-damage"\n', "", r"\[data\] has no 'name'"),
        ('name = "forest-damage"', 'name = "forest-damages"', "Did you mean forest-damage"),
        ('name = "ridge"\n', "", r"\[learner\] has no name"),
        ('name = "ridge"', 'name = "rigde"', "Did you mean ridge"),
        ("prior_mean = true", "prior = true", "has no setting 'prior'"),
        ("width = 8", "widht = 8", "Did you mean width"),
        ("width = 8", 'width = "8"', "'width' of encoder 'dense' is '8': give a whole number from 1"),
        ("width = 8", "width = 8.5", "'width' of encoder 'dense' is 8.5"),
        ("width = 8", "width = 1_000_000_000", "'width' of encoder 'dense'.*to 4,096"),
        ("windows = [3]", "windows = 3", "'windows' of encoder 'dense' is 3: give a list of odd"),
        ("windows = [3]", "windows = [2]", "'windows' of encoder 'dense'.*odd"),
        ("blocks = 1", "blocks = -1", "'blocks' of encoder 'dense' is -1"),
        ("steps = 12", "steps = 12\nstep_size = 1e300", r"\[train\] step_size is 1e\+300"),
        ("[data]", "a" + ".a" * 30_000 + " = 1", "more than"),
        ("[data]", "[data", "cannot be read as TOML"),
        ("[data]", "data = 3\n[other]", "no key 'other'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = write(tmp_path, RECIPE.replace(old, new, 1))
    with pytest.raises(SettingsError, match=message) as told:
        read_recipe(path)
    assert str(path) in str(told.value)


def test_no_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="doesn't exist"):
        read_recipe(tmp_path / "absent.toml")
    with pytest.raises(SettingsError, match="cannot be read"):
        read_recipe(tmp_path)
    os.mkfifo(tmp_path / "pipe.toml")
    for path in (tmp_path / "pipe.toml", Path("nul\0.toml")):
        with pytest.raises(SettingsError, match="cannot be read"):
            read_recipe(path)
    (tmp_path / "recipe.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="cannot be read as TOML"):
        read_recipe(tmp_path / "recipe.toml")


GROUPS = {str(k): str(k // 5) for k in range(50)}


def test_groups_never_part() -> None:
    train, held = Part("forest-damage", 0.2).split(GROUPS, 0)
    assert sorted([*train, *held]) == sorted(GROUPS) and len(held) == 10
    assert not {GROUPS[name] for name in train} & {GROUPS[name] for name in held}


def test_named_groups_and_groups_left_out() -> None:
    train, held = Part("forest-damage", ("1",), leave_out=("2", "3")).split(GROUPS, 0)
    assert held == [str(k) for k in range(5, 10)]
    assert {GROUPS[name] for name in train} == set("0456789")


def test_an_unknown_group_is_told() -> None:
    with pytest.raises(SettingsError, match="no group '12'"):
        Part("forest-damage", leave_out=("12",)).split(GROUPS, 0)


def test_no_validation_at_all() -> None:
    assert Part("forest-damage", 0.0).split(GROUPS, 0)[1] == []


@pytest.mark.parametrize("path", sorted(BENCHMARKS.glob("forest-damage*.toml")), ids=lambda path: path.name)
def test_the_recipes_of_the_benchmarks(path: Path) -> None:
    assert read_recipe(path).data.name == "forest-damage"
