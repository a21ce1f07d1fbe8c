"""Benches and recipes that start from a file: a checkpoint, or weights from outside."""

from __future__ import annotations

import json
from pathlib import Path

import outside_nets as outside
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import save_file
from small_bench import registered, tables
from small_forest import RECIPE, make_sites

from handful.bench.protocol import protocol_of
from handful.bench.recipe import read_recipe
from handful.checkpoint import load, save
from handful.cli.bench import command as bench
from handful.cli.train import command as train
from handful.errors import CheckpointError, SettingsError
from handful.learners import make

PROTOCOL = """
rivals = false
[data]
name = "made-up"
test = 4
validation = 0
[tasks]
shots = [1]
ways = 3
count = 2
queries = 4
[[learners]]
name = "linear_probe"
label = "from a checkpoint"
steps = 2
start = "file:FOLDER/checkpoint"
[[learners]]
name = "ridge"
label = "from outside"
encoder = "resnet18"
start = "file:FOLDER/net.safetensors"
[[learners]]
name = "fine_tune"
label = "last layers"
steps = 1
encoder = "resnet18"
moves = ["head.", "encoder.layer4.1."]
start = "file:FOLDER/net.safetensors"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("outside")
    learner = make("simclr", encoder="conv4", encoder_settings={"bands": 3, "width": 5}, seed=3)
    save(learner, "simclr", found / "checkpoint", trained=["sky/cirrus"])
    save_file(outside.resnet("resnet18"), found / "net.safetensors")
    return found


def test_a_bench_starts_from_a_checkpoint_and_from_outside(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "protocol.toml").write_text(PROTOCOL.replace("FOLDER", str(folder)))
    words = [str(tmp_path / "protocol.toml"), "--root", str(tmp_path), "-o", str(tmp_path / "out"), "--workers", "1"]
    with registered("images"):
        CliRunner().invoke(bench, words, catch_exceptions=False)
    record = json.loads((tmp_path / "out" / "bench.json").read_text())
    assert {told["label"] for told in record["learners"]} == {"from a checkpoint", "from outside", "last layers"}


def test_a_protocol_knows_what_its_files_hold(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    learners = [{"name": "ridge", "encoder": "resnet18", "start": f"file:{path}"}]
    with registered("images"):
        with pytest.raises(CheckpointError, match="doesn't exist"):
            protocol_of(tables(learners=learners))
        save_file(outside.resnet("resnet18", seed=1), path)
        first = protocol_of(tables(learners=learners)).key
        assert protocol_of(tables(learners=learners)).key == first
        save_file(outside.resnet("resnet18", seed=2), path)
        assert protocol_of(tables(learners=learners)).key != first
        assert "files" not in protocol_of(tables(learners=[{"name": "ridge"}])).plain()
        (tmp_path / "net.pth").write_bytes(b"PK")
        with pytest.raises(CheckpointError, match="pickle"):
            protocol_of(tables(learners=[{"name": "ridge", "start": f"file:{tmp_path / 'net.pth'}"}]))


def test_a_recipe_starts_from_a_checkpoint(tmp_path: Path) -> None:
    sizes = {"bands": 24, "width": 8, "blocks": 1, "windows": (3,)}
    start = make("simclr", encoder="dense", encoder_settings=sizes, seed=3)
    save(start, "simclr", tmp_path / "start", trained=["simulated-1"])
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE.replace('name = "ridge"', f'name = "ridge"\nstart = "file:{tmp_path / "start"}"'))
    begun = read_recipe(recipe).make()
    told = zip(begun.net.encoder.parameters(), start.net.encoder.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in told)
    words = [str(recipe), "--root", str(make_sites(tmp_path / "forest", 4)), "-o", str(tmp_path / "out")]
    CliRunner().invoke(train, words, catch_exceptions=False)
    record = load(tmp_path / "out")[1]
    assert record["trained"][0] == "simulated-1" and record["recipe"]["learner"]["start_checksum"].startswith("sha256")
    recipe.write_text(RECIPE.replace('name = "ridge"', 'name = "ridge"\nstart = "elsewhere"'))
    with pytest.raises(SettingsError, match='write start = "file:PATH"'):
        read_recipe(recipe)
