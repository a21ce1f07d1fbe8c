"""`handful evaluate`: the table on stdout, the file of --json, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from small_forest import make_sites

from handful.cli.evaluate import command, table
from handful.errors import DataError, OutputError


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sites(tmp_path_factory.mktemp("forest"), 5)


def evaluate(root: Path, *more: str) -> Result:
    words = ["nearest_mean", "--data", "forest-damage", "--root", str(root), "--workers", "1", *more]
    return CliRunner().invoke(command, words, catch_exceptions=False)


def test_table_and_file(root: Path, tmp_path: Path) -> None:
    found = evaluate(root, "--shots", "1,3", "--json", str(tmp_path / "scores.json"))
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert list(scores["shots"]) == ["1", "3"] and len(scores["rows"]) == 5 * 2 * 5
    assert found.stdout.strip() == table(scores)
    assert f"{scores['shots']['3']['balanced_accuracy']:.3f}" in found.stdout


@pytest.mark.parametrize("shots", ["", "0", "1,x", "-3"])
def test_odd_shots(root: Path, shots: str) -> None:
    found = evaluate(root, "--shots", shots)
    assert found.exit_code == 2 and "1,5,20" in found.stderr


def test_missing_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Expected"):
        evaluate(tmp_path)


def test_a_file_without_a_folder_is_refused_before_any_work(root: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="make it first"):
        evaluate(root, "--json", str(tmp_path / "absent" / "scores.json"))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="no regular file"):  # which would take the place of a device
        evaluate(root, "--json", str(tmp_path / "pipe"))


def test_a_score_that_is_not_there_is_said() -> None:
    nothing = {"balanced_accuracy": None, "low": None, "high": None, "sites": 0}
    assert "no site" in table({"checkpoint": "c", "data": "d", "sites": 1, "shots": {"20": nothing}})
